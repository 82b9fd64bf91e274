using NUnit.Framework;

namespace NativeDl.Tests;

public sealed class CrossEntropyTests
{
    [Test]
    public void CrossEntropy_LabelsOfOtherShape_Throws()
    {
        var error = Assert.Throws<ShapeException>(() => Ops.CrossEntropy(Tensor.Zeros([4, 3]), Tensor.Zeros([3], DType.I64)));
        Assert.That(error!.Message, Does.Contain("[4, 3]").And.Contain("[3]").And.Contain("[4]"));
    }

    [Test]
    public void CrossEntropy_NoClasses_Throws() =>
        Assert.Throws<ShapeException>(() => Ops.CrossEntropy(Tensor.Zeros([4, 0]), Tensor.Zeros([4], DType.I64)));

    [Test]
    public void CrossEntropy_FloatLabels_Throws() =>
        Assert.Throws<DTypeException>(() => Ops.CrossEntropy(Tensor.Zeros([4, 3]), Tensor.Zeros([4])));

    [Test]
    public void CrossEntropy_WeightsOfOtherLength_Throws() => Assert.Throws<ShapeException>(() =>
        Ops.CrossEntropy(Tensor.Zeros([4, 3]), Tensor.Zeros([4], DType.I64), Tensor.Ones([4])));

    [TestCase(-0.1)]
    [TestCase(1.1)]
    [TestCase(double.NaN)]
    public void CrossEntropy_SmoothingOutside_Throws(double smoothing) =>
        Assert.Throws<InvalidArgumentException>(() => Ops.CrossEntropy(
            Tensor.Zeros([4, 3]), Tensor.Zeros([4], DType.I64), options: new() { LabelSmoothing = smoothing }));

    [TestCase(3)]
    [TestCase(-1)]
    [TestCase(long.MaxValue)]
    public void CrossEntropy_LabelOutOfRange_NamesRowAndValue(long label)
    {
        var labels = Tensor.FromArray([0, 2, label, 1, label]);
        var error = Assert.Throws<DataException>(() => Ops.CrossEntropy(Tensor.Zeros([5, 3]), labels));
        Assert.That(error!.Message, Does.Contain($"value {label}").And.Contain("position 2"));
    }

    [Test]
    public void CrossEntropy_AllIgnored_MeanIsNaNAndGradientZero()
    {
        var logits = Tensor.Ones([2, 3]);
        logits.RequiresGrad = true;
        var loss = Ops.CrossEntropy(logits, Tensor.FromArray([-100L, -100L]));
        loss.Backward();
        Assert.That(loss.Item<float>(), Is.NaN);
        Assert.That(logits.Grad!.ToArray<float>(), Is.All.Zero);
    }

    [Test]
    public void CrossEntropy_LargeLogits_DoesNotOverflow()
    {
        var loss = Ops.CrossEntropy(Tensor.FromArray(new[,] { { 1000f, -1000f, 0f } }), Tensor.FromArray([1L]));
        Assert.That(loss.Item<float>(), Is.EqualTo(2000f));
    }

    [Test]
    public void CrossEntropy_NaNInARow_StaysInIt()
    {
        var logits = Tensor.FromArray(new[,] { { 0f, float.NaN, 0f }, { 0f, 0f, 0f } });
        var loss = Ops.CrossEntropy(logits, Tensor.FromArray([0L, 0L]), options: new() { Reduction = Reduction.None });
        Assert.That(loss.ToArray<float>(), Is.EqualTo(new[] { float.NaN, MathF.Log(3) }).Within(1e-6f));
    }
}
