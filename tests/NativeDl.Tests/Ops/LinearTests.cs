using NUnit.Framework;

namespace NativeDl.Tests;

public sealed class LinearTests
{
    [Test]
    public void Linear_OtherNumberOfFeatures_Throws()
    {
        var error = Assert.Throws<ShapeException>(() => Ops.Linear(Tensor.Zeros([2, 5]), Tensor.Zeros([3, 4])));
        Assert.That(error!.Message, Does.Contain("[2, 5]").And.Contain("[3, 4]"));
    }

    [Test]
    public void Linear_Scalar_Throws() =>
        Assert.Throws<ShapeException>(() => Ops.Linear(Tensor.Scalar(1f), Tensor.Zeros([3, 1])));

    [Test]
    public void Linear_WeightOfRank3_Throws() =>
        Assert.Throws<ShapeException>(() => Ops.Linear(Tensor.Zeros([2, 4]), Tensor.Zeros([3, 4, 1])));

    [Test]
    public void Linear_BiasOfOtherLength_Throws() =>
        Assert.Throws<ShapeException>(() => Ops.Linear(Tensor.Zeros([2, 4]), Tensor.Zeros([3, 4]), Tensor.Zeros([4])));

    [Test]
    public void Linear_ResidualOfOtherShape_Throws() =>
        Assert.Throws<ShapeException>(() => Ops.Linear(Tensor.Zeros([2, 4]), Tensor.Zeros([3, 4]), residual: Tensor.Zeros([3])));

    [Test]
    public void Linear_DTypesDiffer_Throws() =>
        Assert.Throws<DTypeException>(() => Ops.Linear(Tensor.Zeros([2, 4]), Tensor.Zeros([3, 4], DType.F64)));

    [Test]
    public void Linear_Integers_Throws() =>
        Assert.Throws<DTypeException>(() => Ops.Linear(Tensor.Zeros([2, 4], DType.I32), Tensor.Zeros([3, 4], DType.I32)));

    [Test]
    public void Linear_NaN_SpreadsToItsRowAndThroughRelu()
    {
        var y = Ops.Linear(
            Tensor.FromArray(new[,] { { float.NaN, 1 }, { -1, 2 } }), Tensor.Ones([1, 2]), activation: Activation.Relu);
        Assert.That(y.ToArray<float>(), Is.EqualTo(new[] { float.NaN, 1f }));
    }
}
