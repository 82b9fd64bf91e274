using NUnit.Framework;

namespace NativeDl.Tests;

public sealed class BatchNorm2dTests
{
    private static Tensor Train(Tensor x, BatchNorm2dOptions? options = null, Tensor? gamma = null, Tensor? mean = null, Tensor? count = null) =>
        Ops.BatchNorm2d(
            x, gamma, null, mean ?? Tensor.Zeros([3]), Tensor.Ones([3]), count ?? Tensor.Scalar(0L), options);

    [Test]
    public void BatchNorm2d_OneValuePerChannel_Throws()
    {
        var error = Assert.Throws<ShapeException>(() => Train(Tensor.Zeros([1, 1, 1, 3])));
        Assert.That(error!.Message, Does.Contain("[1, 1, 1, 3]"));
    }

    [Test]
    public void BatchNorm2d_EmptyBatch_Throws() => Assert.Throws<ShapeException>(() => Train(Tensor.Zeros([0, 2, 2, 3])));

    [Test]
    public void BatchNorm2d_Rank3_Throws() => Assert.Throws<ShapeException>(() => Train(Tensor.Zeros([2, 2, 3])));

    [TestCase(0.0)]
    [TestCase(-1e-5)]
    [TestCase(double.NaN)]
    public void BatchNorm2d_EpsNotPositive_Throws(double eps) =>
        Assert.Throws<InvalidArgumentException>(() => Train(Tensor.Zeros([2, 2, 2, 3]), new BatchNorm2dOptions { Eps = eps }));

    [TestCase(-0.1)]
    [TestCase(1.1)]
    public void BatchNorm2d_MomentumOutside_Throws(double momentum) =>
        Assert.Throws<InvalidArgumentException>(() => Train(Tensor.Zeros([2, 2, 2, 3]), new BatchNorm2dOptions { Momentum = momentum }));

    [Test]
    public void BatchNorm2d_GammaOfOtherLength_Throws() =>
        Assert.Throws<ShapeException>(() => Train(Tensor.Zeros([2, 2, 2, 3]), gamma: Tensor.Ones([2])));

    [Test]
    public void BatchNorm2d_RunningMeanOfOtherDType_Throws() =>
        Assert.Throws<DTypeException>(() => Train(Tensor.Zeros([2, 2, 2, 3]), mean: Tensor.Zeros([3], DType.F64)));

    [Test]
    public void BatchNorm2d_CountOfOtherDType_Throws() =>
        Assert.Throws<DTypeException>(() => Train(Tensor.Zeros([2, 2, 2, 3]), count: Tensor.Scalar(0)));

    [Test]
    public void BatchNorm2d_NaN_SpreadsToItsChannelAlone()
    {
        var x = Tensor.FromSpan([float.NaN, 1f, 2f, 1f, 3f, 2f], [2, 1, 1, 3]);
        var mean = Tensor.Zeros([3]);
        var y = Train(x, mean: mean).ToArray<float>();
        Assert.That(y.Select(float.IsNaN), Is.EqualTo(new[] { true, false, false, true, false, false }));
        Assert.That(mean.ToArray<float>().Select(float.IsNaN), Is.EqualTo(new[] { true, false, false }));
    }

    [Test]
    public void BatchNorm2d_MeanFarFromZero_KeepsTheVariance()
    {
        var x = Tensor.FromArray(Enumerable.Range(0, 3000).Select(i => 10000f + i / 3 % 2).ToArray(), [10, 10, 10, 3]);
        var y = Train(x).ToArray<float>();
        Assert.That(y.Select(Math.Abs), Is.All.EqualTo(1f).Within(1e-3f));
    }
}
