using NativeDl.Losses;
using NUnit.Framework;

namespace NativeDl.Tests.Training;

public sealed class LossTests
{
    [Test]
    public void MseLoss_IsTheMeanOfSquares_WithItsGradient()
    {
        using var outputs = Tensor.FromArray(new float[,] { { 1, 2 }, { 3, 6 } });
        outputs.RequiresGrad = true;
        using var loss = new MseLoss().Forward(outputs, Tensor.FromArray(new float[,] { { 1, 0 }, { 4, 3 } }));
        Assert.That(loss.Item<float>(), Is.EqualTo((0 + 4 + 1 + 9) / 4f));
        loss.Backward();
        Assert.That(outputs.Grad!.ToArray<float>(), Is.EqualTo(new[] { 0, 1, -0.5f, 1.5f }));
    }

    [Test]
    public void MseLoss_DoesNotBroadcast() =>
        Assert.Throws<ShapeException>(() => new MseLoss().Forward(Tensor.Ones([3, 1]), Tensor.Ones([3])));

    [Test]
    public void CrossEntropyLoss_PassesItsOptionsOn()
    {
        using var logits = Tensor.FromArray(new float[,] { { 1, 2, 3 }, { 0, 0, 5 } });
        using var labels = Tensor.FromArray(new long[] { 2, 1 });
        using var weights = Tensor.FromArray(new float[] { 1, 2, 3 });
        var expected = Ops.CrossEntropy(
            logits, labels, weights, new CrossEntropyOptions { LabelSmoothing = 0.1, IgnoreIndex = 1 }).Item<float>();
        Assert.That(
            new CrossEntropyLoss(0.1, weights, ignoreIndex: 1).Forward(logits, labels).Item<float>(), Is.EqualTo(expected));
        Assert.Throws<InvalidArgumentException>(() => _ = new CrossEntropyLoss(labelSmoothing: 2));
    }
}
