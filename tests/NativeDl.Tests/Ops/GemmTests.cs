using NUnit.Framework;

namespace NativeDl.Tests;

public sealed class GemmTests
{
    [Test]
    public void Gemm_InnerDimensionsDiffer_Throws()
    {
        var error = Assert.Throws<ShapeException>(() => Ops.Gemm(Tensor.Zeros([2, 5]), Tensor.Zeros([4, 3])));
        Assert.That(error!.Message, Does.Contain("[2, 5]").And.Contain("[4, 3]"));
    }

    [Test]
    public void Gemm_InnerDimensionsDifferAfterTransposing_Throws() =>
        Assert.Throws<ShapeException>(() => Ops.Gemm(
            Tensor.Zeros([2, 5]), Tensor.Zeros([5, 3]), options: new GemmOptions { TransposeA = true }));

    [Test]
    public void Gemm_Vector_Throws() =>
        Assert.Throws<ShapeException>(() => Ops.Gemm(Tensor.Zeros([5]), Tensor.Zeros([5, 3])));

    [TestCase(new[] { 2, 4, 5 }, new[] { 3, 5, 6 })]
    [TestCase(new[] { 2, 4, 5 }, new[] { 1, 2, 5, 6 })]
    public void Gemm_LeadingDimensionsDiffer_Throws(int[] a, int[] b) =>
        Assert.Throws<ShapeException>(() => Ops.Gemm(Tensor.Zeros(a), Tensor.Zeros(b)));

    [Test]
    public void Gemm_BiasOfOtherLength_Throws() =>
        Assert.Throws<ShapeException>(() => Ops.Gemm(Tensor.Zeros([2, 5]), Tensor.Zeros([5, 3]), Tensor.Zeros([2])));

    [Test]
    public void Gemm_COfOtherShape_Throws() =>
        Assert.Throws<ShapeException>(() => Ops.Gemm(Tensor.Zeros([2, 5]), Tensor.Zeros([5, 3]), c: Tensor.Zeros([3])));

    [Test]
    public void Gemm_BetaZero_DoesNotReadC()
    {
        var c = Tensor.FromArray(new[,] { { float.NaN } });
        var y = Ops.Gemm(Tensor.Ones([1, 2]), Tensor.Ones([2, 1]), c: c, options: new GemmOptions { Beta = 0 });
        Assert.That(y.Item<float>(), Is.EqualTo(2));
    }

    [Test]
    public void Gemm_DTypesDiffer_Throws() =>
        Assert.Throws<DTypeException>(() => Ops.Gemm(Tensor.Zeros([2, 5]), Tensor.Zeros([5, 3], DType.F64)));

    [Test]
    public void MatMul_IsGemmWithoutOptions()
    {
        var c = Tensor.FromArray(new[,] { { 1f, 2f } }).MatMul(Tensor.FromArray(new[,] { { 3f }, { 4f } }));
        Assert.That(c.ToArray<float>(), Is.EqualTo(new[] { 11f }));
    }
}
