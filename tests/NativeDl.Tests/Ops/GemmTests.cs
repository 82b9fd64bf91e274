using NativeDl.Tests.Driver;
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

    // A b that comes a second time is kept packed: another walk over blocks of rows, columns and k, whose sums must not differ.
    [Test]
    public void Gemm_BComesAgain_GivesTheSameBits(
        [Values("1x700x300", "10x128x64", "40x1300x147", "130x1000x2100", "300x400x1025", "17x50x4100")] string shape,
        [Values(DType.F32, DType.BF16)] DType type, [Values] bool transposeB)
    {
        var dims = shape.Split('x').Select(long.Parse).ToArray();
        var (m, n, k) = (dims[0], dims[1], dims[2]);
        Tensor Make(string name, params long[] of) =>
            HostTensor.Random(new OperandSpec(name, of, type, ""), shape, coarse: false).ToTensor(Device.Cpu); // coarse sums are exact in any order
        using var a = Make("a", m, k);
        using var c = Make("c", m, n);
        using var bias = Make("bias", n);
        var options = new GemmOptions { TransposeB = transposeB, Alpha = 0.5f, Beta = 2, Activation = Activation.Relu };
        var compared = 0;
        foreach (var implementation in Implementations.Of("gemm_forward").Where(i => i.Obstacle is null && i.Name != "cpu:ref"))
        {
            using var scope = ExecutionOptions.Use(ExecutionOptions.Default.WithImplementation("gemm_forward", implementation.Name));
            using var b = transposeB ? Make("b", n, k) : Make("b", k, n);
            try
            {
                var first = Run(b);
                Assert.That(first, Has.Some.GreaterThan(0f), implementation.Name);
                Assert.That(Run(b), Is.EqualTo(first), implementation.Name);
                Assert.That(Run(b), Is.EqualTo(first), implementation.Name);
                compared++;
            }
            catch (UnsupportedException)
            {
            }
        }
        Assert.That(compared, Is.GreaterThan(0));

        float[] Run(Tensor b)
        {
            using var y = Ops.Gemm(a, b, bias, c, options);
            using var wide = y.Cast(DType.F32);
            return wide.ToArray<float>();
        }
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
