using NUnit.Framework;

namespace NativeDl.Tests;

public sealed class CastTests
{
    private static readonly float[] Edges =
    [
        0, -0f, 0.5f, -0.99f, 1.5f, 127.9f, 128, -128.9f, -129, 255.9f, 256, 1e10f, -1e10f, 3e38f, 65519, 65520, -65536,
        1e-7f, 6e-8f, 2.9e-8f, 3e-8f, 6.1e-5f, 1.0009765625f, 1.00048828125f, 1.00146484375f,
        float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1e-40f,
    ];

    [Test]
    public void Cast_ToIntegers_CutsOffAndSaturates()
    {
        var x = Tensor.FromArray(Edges);
        Assert.Multiple(() =>
        {
            // C#'s own conversions from floats saturate and give 0 for NaN.
            Assert.That(x.Cast(DType.I8).ToArray<sbyte>(), Is.EqualTo(Edges.Select(v => sbyte.CreateSaturating(v))));
            Assert.That(x.Cast(DType.U8).ToArray<byte>(), Is.EqualTo(Edges.Select(v => byte.CreateSaturating(v))));
            Assert.That(x.Cast(DType.I32).ToArray<int>(), Is.EqualTo(Edges.Select(v => int.CreateSaturating(v))));
            Assert.That(x.Cast(DType.I64).ToArray<long>(), Is.EqualTo(Edges.Select(v => long.CreateSaturating(v))));
        });
    }

    [Test]
    public void Cast_ToHalf_IsRoundedOnce()
    {
        var wide = Edges.Select(v => (double)v).Concat([1.00048828125 + 1e-12, 1.00048828125 - 1e-12, 65519.99999999, 1e300]).ToArray();
        Assert.That(Tensor.FromArray(Edges).Cast(DType.F16).ToArray<Half>(), Is.EqualTo(Edges.Select(v => (Half)v)));
        Assert.That(Tensor.FromArray(wide).Cast(DType.F16).ToArray<Half>(), Is.EqualTo(wide.Select(v => (Half)v)));
    }

    [Test]
    public void Cast_EveryHalf_ComesBack()
    {
        var all = Enumerable.Range(0, 65536).Select(i => BitConverter.UInt16BitsToHalf((ushort)i)).ToArray();
        using var x = Tensor.FromArray(all);
        Assert.That(x.Cast(DType.F32).ToArray<float>(), Is.EqualTo(all.Select(h => (float)h)));
        Assert.That(x.Cast(DType.F32).Cast(DType.F16).ToArray<Half>(), Is.EqualTo(all));
        Assert.That(x.Cast(DType.F64).Cast(DType.F16).ToArray<Half>(), Is.EqualTo(all));
    }

    [Test]
    public void Cast_BetweenIntegers_Saturates() =>
        Assert.That(
            Tensor.FromArray([-1L, 300, long.MaxValue, long.MinValue]).Cast(DType.U8).ToArray<byte>(),
            Is.EqualTo(new byte[] { 0, 255, 255, 0 }));

    [Test]
    public void Fill_LargeInteger_IsExact() =>
        Assert.That(Tensor.Full([3], long.MaxValue - 1).ToArray<long>(), Is.All.EqualTo(long.MaxValue - 1));

    [Test]
    public void Cast_Gradient_ComesBackInTheOldDType()
    {
        var x = Tensor.Ones([3]);
        x.RequiresGrad = true;
        x.Cast(DType.F64).Backward(Tensor.Full([3], 2.0));
        Assert.That(x.Grad!.ToArray<float>(), Is.All.EqualTo(2f));
    }

    [Test]
    public void Cast_NoDType_Throws() => Assert.Throws<InvalidArgumentException>(() => Tensor.Ones([3]).Cast(0));
}
