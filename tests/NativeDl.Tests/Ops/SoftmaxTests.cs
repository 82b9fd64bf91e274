using NUnit.Framework;

namespace NativeDl.Tests;

public sealed class SoftmaxTests
{
    [TestCase(2)]
    [TestCase(-3)]
    public void Softmax_NoSuchAxis_Throws(int axis)
    {
        var error = Assert.Throws<InvalidArgumentException>(() => Ops.Softmax(Tensor.Zeros([2, 3]), axis));
        Assert.That(error!.Message, Does.Contain($"{axis}").And.Contain("[2, 3]"));
        Assert.Throws<InvalidArgumentException>(() => Ops.LogSoftmax(Tensor.Zeros([2, 3]), axis));
    }

    [Test]
    public void Softmax_OfAScalar_Throws() => Assert.Throws<ShapeException>(() => Ops.Softmax(Tensor.Scalar(1f)));

    [Test]
    public void Softmax_OfIntegers_Throws() => Assert.Throws<DTypeException>(() => Ops.Softmax(Tensor.Zeros([2], DType.I64)));

    [Test]
    public void Softmax_LargeNumbers_DoesNotOverflow()
    {
        var x = Tensor.FromArray([1000f, 1000f, -1000f, float.NegativeInfinity]);
        Assert.That(x.Softmax().ToArray<float>(), Is.EqualTo(new[] { 0.5f, 0.5f, 0, 0 }));
        Assert.That(x.LogSoftmax().ToArray<float>(), Is.EqualTo(new[] { -MathF.Log(2), -MathF.Log(2), -2000 - MathF.Log(2), float.NegativeInfinity }).Within(1e-6f));
    }

    [TestCase(0)]
    [TestCase(1)]
    public void Softmax_NaN_StaysInItsLine(int axis)
    {
        var y = Tensor.FromArray(new[,] { { 0f, float.NaN }, { 0f, 0f } }).Softmax(axis).ToArray<float>();
        Assert.That(y.Count(float.IsNaN), Is.EqualTo(2));
        Assert.That(y[2], Is.EqualTo(0.5f));
    }

    [Test]
    public void Softmax_NothingButMinusInfinity_IsNaN() =>
        Assert.That(Tensor.FromArray([float.NegativeInfinity, float.NegativeInfinity]).Softmax().ToArray<float>(), Is.All.NaN);
}
