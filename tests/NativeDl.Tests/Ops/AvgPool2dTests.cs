using NUnit.Framework;

namespace NativeDl.Tests;

public sealed class AvgPool2dTests
{
    private static readonly AvgPool2dOptions[] s_refused =
    [
        new(0),
        new(2, stride: 0),
        new(2) { PadLeft = -1 },
        new(3) { Padding = 2 },
        new(2) { DivisorOverride = -1 },
    ];

    [TestCaseSource(nameof(s_refused))]
    public void AvgPool2d_BadOption_Throws(AvgPool2dOptions options) =>
        Assert.That(
            () => Ops.AvgPool2d(Tensor.Zeros([1, 6, 6, 1]), options),
            Throws.InstanceOf<InvalidArgumentException>().Or.InstanceOf<ShapeException>());

    [Test]
    public void AvgPool2d_WindowLargerThanImage_Throws() =>
        Assert.Throws<ShapeException>(() => Ops.AvgPool2d(Tensor.Zeros([1, 2, 6, 1]), new AvgPool2dOptions(3)));

    [Test]
    public void AvgPool2d_NoPixels_Throws() =>
        Assert.Throws<ShapeException>(() => Ops.AvgPool2d(Tensor.Zeros([1, 0, 6, 1]), new AvgPool2dOptions(1)));

    [Test]
    public void AvgPool2d_Rank3_Throws() => Assert.Throws<ShapeException>(() => Ops.AvgPool2d(Tensor.Zeros([6, 6, 1])));

    [Test]
    public void AvgPool2d_NaN_SpreadsToItsWindow()
    {
        var y = Ops.AvgPool2d(Tensor.FromSpan([float.NaN, 1f, 2f, 4f], [1, 1, 4, 1]), new AvgPool2dOptions { KernelH = 1, StrideH = 1 });
        Assert.That(y.ToArray<float>(), Is.EqualTo(new[] { float.NaN, 3f }));
    }

    [Test]
    public void GlobalAvgPool2d_Rank3_Throws() => Assert.Throws<ShapeException>(() => Ops.GlobalAvgPool2d(Tensor.Zeros([6, 6, 1])));

    [Test]
    public void GlobalAvgPool2d_NoPixels_Throws() =>
        Assert.Throws<ShapeException>(() => Ops.GlobalAvgPool2d(Tensor.Zeros([1, 6, 0, 1])));

    [Test]
    public void GlobalAvgPool2d_Integers_Throws() =>
        Assert.Throws<DTypeException>(() => Ops.GlobalAvgPool2d(Tensor.Zeros([1, 6, 6, 1], DType.I32)));
}
