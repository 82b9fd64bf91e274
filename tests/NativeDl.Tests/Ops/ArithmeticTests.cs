using NUnit.Framework;

namespace NativeDl.Tests;

public sealed class ArithmeticTests
{
    private static readonly Func<Tensor, Tensor, Tensor>[] All = [Ops.Add, Ops.Subtract, Ops.Multiply, Ops.Divide];

    [TestCaseSource(nameof(All))]
    public void Arithmetic_ShapesThatDoNotBroadcast_Throws(Func<Tensor, Tensor, Tensor> op)
    {
        var error = Assert.Throws<ShapeException>(() => op(Tensor.Zeros([2, 3]), Tensor.Zeros([4])));
        Assert.That(error!.Message, Does.Contain("[2, 3]").And.Contain("[4]").And.Contain("3 meets 4"));
    }

    [TestCaseSource(nameof(All))]
    public void Arithmetic_DTypesDiffer_Throws(Func<Tensor, Tensor, Tensor> op) =>
        Assert.Throws<DTypeException>(() => op(Tensor.Zeros([3]), Tensor.Zeros([3], DType.F64)));

    [TestCaseSource(nameof(All))]
    public void Arithmetic_Bytes_Throws(Func<Tensor, Tensor, Tensor> op) =>
        Assert.Throws<DTypeException>(() => op(Tensor.Zeros([3], DType.U8), Tensor.Zeros([3], DType.U8)));

    [Test]
    public void Divide_Integers_Throws() =>
        Assert.Throws<DTypeException>(() => Ops.Divide(Tensor.Zeros([3], DType.I64), Tensor.Ones([3], DType.I64)));

    [Test]
    public void Divide_ByZero_FollowsIeee() =>
        Assert.That((Tensor.FromArray([1f, -1f, 0f]) / 0).ToArray<float>(),
            Is.EqualTo(new[] { float.PositiveInfinity, float.NegativeInfinity, float.NaN }));

    [Test]
    public void Arithmetic_NaN_Spreads()
    {
        using var x = Tensor.FromArray([float.NaN, 1]);
        foreach (var op in All)
            Assert.That(op(x, x).ToArray<float>()[0], Is.NaN);
    }

    [Test]
    public void Operators_Numbers_TakeOnTheDType()
    {
        var x = Tensor.FromArray([1.0, 2, 4]);
        Assert.Multiple(() =>
        {
            Assert.That((x + 1).ToArray<double>(), Is.EqualTo(new[] { 2.0, 3, 5 }));
            Assert.That((1 - x).ToArray<double>(), Is.EqualTo(new[] { 0.0, -1, -3 }));
            Assert.That((x * 0.5f).ToArray<double>(), Is.EqualTo(new[] { 0.5, 1, 2 }));
            Assert.That((8 / x).ToArray<double>(), Is.EqualTo(new[] { 8.0, 4, 2 }));
            Assert.That((-x).ToArray<double>(), Is.EqualTo(new[] { -1.0, -2, -4 }));
        });
    }

    [Test]
    public void Add_Integers_WrapAround() =>
        Assert.That(
            (Tensor.FromArray([long.MaxValue]) + Tensor.FromArray([1L])).ToArray<long>(), Is.EqualTo(new[] { long.MinValue }));

    [Test]
    public void Backward_RepeatedOperand_GetsTheSumOverItsRepetitions()
    {
        var (x, bias) = (Tensor.Ones([2, 5, 3]), Tensor.FromArray([1f, 2, 3]));
        bias.RequiresGrad = true;
        (x * bias + bias).Backward(Tensor.Ones([2, 5, 3]));
        Assert.That(bias.Grad!.ToArray<float>(), Is.EqualTo(new[] { 20f, 20, 20 }));
    }

    [Test]
    public void Backward_TensorUsedTwice_InShortFloats_IsSummed()
    {
        var x = Tensor.Ones([3], DType.BF16);
        x.RequiresGrad = true;
        Ops.Add(x.Cast(DType.F32), x.Cast(DType.F32)).Backward(Tensor.Ones([3]));
        Assert.That(x.Grad!.Cast(DType.F32).ToArray<float>(), Is.EqualTo(new[] { 2f, 2, 2 }));
    }
}
