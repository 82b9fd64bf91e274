using NUnit.Framework;

namespace NativeDl.Tests;

public sealed class RandomTests
{
    [Test]
    public void Draws_OfOneSeed_AreTheSame_AndGoOn()
    {
        var (a, b) = (new Generator(7), new Generator(7));
        var first = Tensor.RandomUniform([1000], generator: a).ToArray<float>();
        Assert.That(Tensor.RandomUniform([1000], generator: b).ToArray<float>(), Is.EqualTo(first));
        Assert.That(Tensor.RandomUniform([1000], generator: a).ToArray<float>(), Is.Not.EqualTo(first));
        a.Offset = 0;
        Assert.That(Tensor.RandomUniform([1000], generator: a).ToArray<float>(), Is.EqualTo(first));
    }

    [Test]
    public void Offset_SetBack_RepeatsTheDraw()
    {
        using var scope = Generator.Use(3);
        Tensor.RandomNormal([70]).Dispose();
        Assert.That(Generator.Current.Offset, Is.EqualTo(32), "16 blocks for each 64 elements begun");
        var draw = Tensor.RandomNormal([70]).ToArray<float>();
        Generator.Current.Offset = 32;
        Assert.That(Tensor.RandomNormal([70]).ToArray<float>(), Is.EqualTo(draw));
    }

    [Test]
    public void Uniform_KnownAnswer()
    {
        // Philox4x32-10 with key 0 and counter 0 begins with the word 6627e8d5, by the published test vectors.
        var first = Tensor.RandomUniform([1], generator: new Generator(0)).Item<float>();
        Assert.That(first, Is.EqualTo((0x6627e8d5 >> 8) / 16777216f));
    }

    [Test]
    public void Uniform_StaysBelowHigh()
    {
        // Two neighbouring floats: rounding would give the upper one half of the time.
        var y = Tensor.RandomUniform([1000], low: 1, high: MathF.BitIncrement(1), generator: new Generator(1));
        Assert.That(y.ToArray<float>(), Is.All.EqualTo(1f));
    }

    [TestCase(DType.F32)]
    [TestCase(DType.F64)]
    public void Distributions_HaveTheirMoments(DType dtype)
    {
        const int Count = 1 << 20;
        var generator = new Generator(5);
        var uniform = Tensor.RandomUniform([Count], -1, 3, dtype, generator).Cast(DType.F64).ToArray<double>();
        var normal = Tensor.RandomNormal([Count], 2, 0.5, dtype, generator).Cast(DType.F64).ToArray<double>();
        Assert.Multiple(() =>
        {
            Assert.That(uniform.Average(), Is.EqualTo(1).Within(0.01));
            Assert.That(uniform.Average(v => (v - 1) * (v - 1)), Is.EqualTo(16 / 12.0).Within(0.01));
            Assert.That(normal.Average(), Is.EqualTo(2).Within(0.003));
            Assert.That(normal.Average(v => (v - 2) * (v - 2)), Is.EqualTo(0.25).Within(0.002));
            Assert.That(normal.Average(v => Math.Pow((v - 2) / 0.5, 4)), Is.EqualTo(3).Within(0.05));
            Assert.That(normal.Count(v => v < 1) / (double)Count, Is.EqualTo(0.02275).Within(0.001));
        });
    }

    [Test]
    public void Dropout_KeepsTheExpectation_AndItsGradientTheMask()
    {
        var x = Tensor.Ones([1 << 16]);
        x.RequiresGrad = true;
        var y = Ops.Dropout(x, 0.25f, new Generator(9));
        y.Backward(Tensor.Ones(x.Shape));
        Assert.That(y.ToArray<float>().Average(), Is.EqualTo(1).Within(0.01));
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(y.ToArray<float>()));
    }

    [Test]
    public void Dropout_Everything_IsZero_EvenOfNaN() =>
        Assert.That(Ops.Dropout(Tensor.FromArray([1f, float.NaN, float.PositiveInfinity]), 1).ToArray<float>(), Is.All.Zero);

    [Test]
    public void Dropout_NaNThatIsKept_Stays() =>
        Assert.That(Ops.Dropout(Tensor.FromArray([float.NaN]), 0).ToArray<float>()[0], Is.NaN);

    [Test]
    public void BadArguments_Throw()
    {
        Assert.Throws<InvalidArgumentException>(() => Ops.Dropout(Tensor.Ones([3]), 1.5f));
        Assert.Throws<InvalidArgumentException>(() => Ops.Dropout(Tensor.Ones([3]), float.NaN));
        Assert.Throws<DTypeException>(() => Ops.Dropout(Tensor.Ones([3], DType.I32)));
        Assert.Throws<InvalidArgumentException>(() => Tensor.RandomUniform([3], 1, 1));
        Assert.Throws<InvalidArgumentException>(() => Tensor.RandomUniform([3], 0, double.PositiveInfinity));
        Assert.Throws<InvalidArgumentException>(() => Tensor.RandomNormal([3], 0, -1));
        Assert.Throws<DTypeException>(() => Tensor.RandomNormal([3], dtype: DType.F16));
    }
}
