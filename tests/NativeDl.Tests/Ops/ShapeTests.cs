using NUnit.Framework;

namespace NativeDl.Tests;

public sealed class ShapeTests
{
    private static readonly Tensor s_x = Tensor.FromArray([0f, 1f, 2f, 3f, 4f, 5f], [2, 3]);

    [TestCase(0, 4, 1)]
    [TestCase(-1, 2, 1)]
    [TestCase(3, -1, -1)]
    [TestCase(2, -2, -1)]
    public void Slice_PositionOutside_Throws(long start, long end, long step)
    {
        var error = Assert.Throws<ShapeException>(() => Ops.Slice(s_x, [0, start], [2, end], [1, step]));
        Assert.That(error!.Message, Does.Contain("[2, 3]").And.Contain("dimension 1"));
    }

    [Test]
    public void Slice_StepZero_Throws() =>
        Assert.Throws<InvalidArgumentException>(() => Ops.Slice(s_x, [0, 0], [2, 3], [1, 0]));

    [Test]
    public void Slice_ExtremeStep_TakesOneElement() =>
        Assert.That(Ops.Slice(s_x, [1, 1], [2, 3], [long.MaxValue, long.MaxValue]).ToArray<float>(), Is.EqualTo(new[] { 4f }));

    [Test]
    public void Slice_OtherNumberOfPositions_Throws() =>
        Assert.Throws<InvalidArgumentException>(() => Ops.Slice(s_x, [0], [2]));

    [Test]
    public void Slice_Ranges() =>
        Assert.That(s_x.Slice(.., 1..^1).ToArray<float>(), Is.EqualTo(new[] { 1f, 4f }));

    [Test]
    public void Slice_MoreRangesThanDimensions_Throws() =>
        Assert.Throws<ShapeException>(() => s_x.Slice(.., .., ..));

    [Test]
    public void Slice_Scalar_IsACopy() => Assert.That(Ops.Slice(Tensor.Scalar(3f), [], []).Item<float>(), Is.EqualTo(3f));

    [Test]
    public void Pad_TakesAwayMoreThanThereIs_Throws()
    {
        var error = Assert.Throws<ShapeException>(() => Ops.Pad(s_x, [0, -2], [0, -2]));
        Assert.That(error!.Message, Does.Contain("[2, 3]"));
    }

    [TestCase(long.MaxValue)]
    [TestCase(long.MinValue)]
    [TestCase(1L << 39)]
    public void Pad_Extreme_Throws(long before) => Assert.Throws<ShapeException>(() => Ops.Pad(s_x, [before, before], [0, 0]));

    [Test]
    public void Pad_OtherNumberOfNumbers_Throws() => Assert.Throws<InvalidArgumentException>(() => Ops.Pad(s_x, [1], [1, 1]));

    [TestCase(0, 0)]
    [TestCase(0, 2)]
    [TestCase(0, -3)]
    [TestCase(0, -2)]
    public void Permute_NotEachDimensionOnce_Throws(int first, int second) =>
        Assert.Throws<InvalidArgumentException>(() => Ops.Permute(s_x, first, second));

    [Test]
    public void Permute_OtherNumberOfAxes_Throws() => Assert.Throws<InvalidArgumentException>(() => Ops.Permute(s_x, 0));

    [Test]
    public void FromNchw_AndBack()
    {
        var nchw = Tensor.FromArray([1f, 2f, 3f, 4f, 5f, 6f], [1, 2, 1, 3]);
        var nhwc = Tensor.FromNchw(nchw);
        Assert.That(nhwc.Shape, Is.EqualTo(new Shape(1, 1, 3, 2)));
        Assert.That(nhwc.ToArray<float>(), Is.EqualTo(new[] { 1f, 4f, 2f, 5f, 3f, 6f }));
        Assert.That(nhwc.ToNchw().ToArray<float>(), Is.EqualTo(nchw.ToArray<float>()));
    }

    [Test]
    public void Concat_OtherDimensionsDiffer_Throws()
    {
        var error = Assert.Throws<ShapeException>(() => Ops.Concat([s_x, Tensor.Zeros([2, 4])]));
        Assert.That(error!.Message, Does.Contain("[2, 3]").And.Contain("[2, 4]"));
    }

    [Test]
    public void Concat_RanksDiffer_Throws() => Assert.Throws<ShapeException>(() => Ops.Concat([s_x, Tensor.Zeros([2])], 1));

    [Test]
    public void Concat_DTypesDiffer_Throws() => Assert.Throws<DTypeException>(() => Ops.Concat([s_x, Tensor.Zeros([2, 3], DType.I32)]));

    [Test]
    public void Concat_NoSuchAxis_Throws() => Assert.Throws<InvalidArgumentException>(() => Ops.Concat([s_x, s_x], 2));

    [Test]
    public void Concat_Scalars_Throws() => Assert.Throws<InvalidArgumentException>(() => Ops.Concat([Tensor.Scalar(1f)]));

    [Test]
    public void Concat_Nothing_Throws() => Assert.Throws<InvalidArgumentException>(() => Tensor.Concatenate());

    [Test]
    public void Concat_OneTensorTwice_GetsBothGradients()
    {
        var x = Tensor.Ones([2]);
        x.RequiresGrad = true;
        Tensor.Concatenate(x, x).Backward(Tensor.FromArray([1f, 2f, 3f, 4f]));
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new[] { 4f, 6f }));
    }
}
