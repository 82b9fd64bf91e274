using NativeDl.Modules;
using NUnit.Framework;

namespace NativeDl.Tests.Modules;

public sealed class InitializerTests
{
    private static readonly Shape Weight = [64, 3, 3, 32]; // fan in 288, fan out 576

    private static IEnumerable<TestCaseData> Spreads()
    {
        yield return Case("GlorotUniform", Initializer.GlorotUniform, Math.Sqrt(2.0 / 864));
        yield return Case("GlorotNormal", Initializer.GlorotNormal, Math.Sqrt(2.0 / 864));
        yield return Case("KaimingUniform", Initializer.KaimingUniform(), Math.Sqrt(2.0 / 288));
        yield return Case("KaimingUniformOut", Initializer.KaimingUniform(Fan.Out), Math.Sqrt(2.0 / 576));
        yield return Case("KaimingNormal", Initializer.KaimingNormal(), Math.Sqrt(2.0 / 288));
        yield return Case("KaimingNormalOut", Initializer.KaimingNormal(Fan.Out), Math.Sqrt(2.0 / 576));
        yield return Case("PyTorch", Initializer.KaimingUniform(slope: Math.Sqrt(5)), Math.Sqrt(1.0 / 288 / 3));
        yield return Case("Normal", Initializer.Normal(0.3), 0.3);
        yield return Case("Uniform", Initializer.Uniform(-1, 1), 1 / Math.Sqrt(3));

        static TestCaseData Case(string name, Initializer initializer, double deviation) =>
            new TestCaseData(initializer, deviation).SetName($"Spread_{name}");
    }

    [TestCaseSource(nameof(Spreads))]
    public void Spread(Initializer initializer, double deviation)
    {
        using var generator = Generator.Use(5);
        var values = initializer.Create(Weight, DType.F64).ToArray<double>();
        var mean = values.Average();
        Assert.That(mean, Is.EqualTo(0).Within(deviation * 0.03));
        Assert.That(Math.Sqrt(values.Average(v => v * v)), Is.EqualTo(deviation).Within(deviation * 0.02));
    }

    [Test]
    public void Normal_HasTheTailsOfOne()
    {
        using var generator = Generator.Use(5);
        var values = Initializer.Normal(1, mean: 10).Create([100_000], DType.F64).ToArray<double>();
        Assert.That(values.Count(v => Math.Abs(v - 10) < 1) / 100_000.0, Is.EqualTo(0.6827).Within(0.01));
        Assert.That(values.Count(v => Math.Abs(v - 10) > 2) / 100_000.0, Is.EqualTo(0.0455).Within(0.005));
    }

    [Test]
    public void Seeds_GiveTheSameNumbers_InLaterVersionsToo()
    {
        using var generator = Generator.Use(42);
        var first = Initializer.Uniform(0, 1).Create([2], DType.F64).ToArray<double>();
        var second = Initializer.Uniform(0, 1).Create([2], DType.F64).ToArray<double>();
        Assert.That(second, Is.Not.EqualTo(first));
        Generator.Current.Drawn = 0;
        Assert.That(Initializer.Uniform(0, 1).Create([2], DType.F64).ToArray<double>(), Is.EqualTo(first));
    }

    [Test]
    public void Generator_IsAmbient()
    {
        var outer = Generator.Current;
        using (Generator.Use(1))
        {
            Assert.That(Generator.Current.Seed, Is.EqualTo(1));
            using (Generator.Use(2))
                Assert.That(Generator.Current.Seed, Is.EqualTo(2));
            Assert.That(Generator.Current.Seed, Is.EqualTo(1));
        }
        Assert.That(Generator.Current, Is.SameAs(outer));
    }
}
