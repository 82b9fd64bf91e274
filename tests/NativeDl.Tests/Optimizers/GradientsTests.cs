using NativeDl.Optimizers;
using NUnit.Framework;

namespace NativeDl.Tests.Optimizers;

public sealed class GradientsTests
{
    private static Tensor WithGradient(params float[] gradient)
    {
        var parameter = Tensor.Zeros([gradient.Length]);
        parameter.RequiresGrad = true;
        parameter.Grad = Tensor.FromArray(gradient);
        return parameter;
    }

    [Test]
    public void ClipNorm_ScalesAllByOneFactor()
    {
        var (a, b, without) = (WithGradient(3), WithGradient(0, 4), Tensor.Zeros([2]));
        var norm = Gradients.ClipNorm([a, without, b], 1);
        Assert.That(norm.Item<float>(), Is.EqualTo(5));
        Assert.That(a.Grad!.ToArray<float>().Concat(b.Grad!.ToArray<float>()), Is.EqualTo(new[] { 0.6f, 0, 0.8f }).Within(1e-6f));
    }

    [Test]
    public void ClipNorm_BelowTheLimit_LeavesTheBits()
    {
        var p = WithGradient(0.1f, 0.2f);
        Gradients.ClipNorm([p], 1);
        Assert.That(p.Grad!.ToArray<float>(), Is.EqualTo(new[] { 0.1f, 0.2f }));
    }

    [Test]
    public void ClipNorm_WithoutGradients_IsZero() => Assert.That(Gradients.ClipNorm([Tensor.Zeros([2])], 1).Item<float>(), Is.Zero);

    [Test]
    public void ClipNorm_NaN_IsSeen()
    {
        var p = WithGradient(1, float.NaN);
        Assert.That(Gradients.ClipNorm([p], 1).Item<float>(), Is.NaN);
        Assert.That(p.Grad!.ToArray<float>(), Is.All.NaN);
    }

    [Test]
    public void ClipNorm_NegativeLimit_Throws([Values(-1.0, double.NaN)] double limit) =>
        Assert.Throws<InvalidArgumentException>(() => Gradients.ClipNorm([WithGradient(1)], limit));

    [Test]
    public void Norm_DTypesDiffer_Throws() =>
        Assert.Throws<DTypeException>(() => Gradients.Norm([Tensor.Zeros([2]), Tensor.Zeros([2], DType.F64)]));

    [Test]
    public void Scheduler_ResumesAtAStep()
    {
        var optimizer = new Sgd([new ParameterGroup([Tensor.Zeros([1])]), new ParameterGroup([Tensor.Zeros([1])], learningRate: 1)], 0.5);
        var scheduler = new LearningRateScheduler(optimizer, new StepDecay(2, 0.5)) { StepCount = 3 };
        scheduler.Step();
        Assert.That(optimizer.Groups.Select(g => g.LearningRate), Is.EqualTo(new[] { 0.125, 0.25 }));
    }
}
