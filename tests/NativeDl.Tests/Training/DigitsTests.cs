using System.Diagnostics;
using NativeDl.Data;
using NativeDl.Modules;
using NativeDl.Optimizers;
using NativeDl.Tests.Data;
using NativeDl.Training;
using NUnit.Framework;

namespace NativeDl.Tests.Training;

/// <summary>The model of Keras' MNIST tutorial on drawn digits.</summary>
public sealed class DigitsTests
{
    private static Sequential Model(ulong seed = 1)
    {
        using var generator = Generator.Use(seed);
        Sequential model =
        [
            new Conv2d(32, kernel: 3, activation: Activation.Relu),
            new MaxPool2d(2),
            new Conv2d(64, kernel: 3, activation: Activation.Relu),
            new MaxPool2d(2),
            new Flatten(),
            new Linear(10),
        ];
        model.Build([28, 28, 1]);
        return model;
    }

    private static ImageDataset Digits(int count, ulong seed) => new(GeneratedDigits.Generate(count, seed));

    [Test]
    public void Model_HasTheTutorialsParameters() =>
        Assert.That(Model().Summary([28, 28, 1]).Parameters, Is.EqualTo(320 + 18_496 + 16_010));

    [Test]
    public void Fit_LearnsDigits()
    {
        var model = Model();
        var history = model.Fit(Digits(800, 1), new FitOptions { Epochs = 8, BatchSize = 32 });
        TestContext.Out.WriteLine(history);
        Assert.That(history[^1].Metrics["accuracy"], Is.GreaterThan(0.9));
        var result = model.Evaluate(Digits(300, 2));
        TestContext.Out.WriteLine(result);
        Assert.That(result.Metrics["accuracy"], Is.GreaterThan(0.85));
    }

    [Test]
    public void Fit_SameSeeds_SameBits_OnAnyNumberOfThreads()
    {
        var data = Digits(96, 3);
        var one = Run(1);
        Assert.That(Run(1), Is.EqualTo(one));
        Assert.That(Run(2), Is.EqualTo(one));

        float[] Run(int threads)
        {
            using var options = ExecutionOptions.Use(ExecutionOptions.Current with { Threads = threads });
            var model = Model();
            model.Fit(data, new FitOptions { Epochs = 1, BatchSize = 32 });
            return [.. model.Parameters().SelectMany(p => p.ToArray<float>())];
        }
    }

    [Test]
    public void SavedModel_PredictsTheSame()
    {
        using var scratch = new ScratchFolder();
        var path = Path.Combine(scratch.Path, "digits.safetensors");
        var data = Digits(64, 4);
        var model = Model();
        model.Fit(data, new FitOptions { Epochs = 1 });
        model.Save(path);
        var loaded = Model(seed: 9);
        loaded.Load(path);
        Assert.That(loaded.Predict(data).ToArray<float>(), Is.EqualTo(model.Predict(data).ToArray<float>()));
    }

    /// <summary>20,000 steps; set NATIVEDL_SOAK_STEPS for another number.</summary>
    [Test, Explicit, Category("Soak")]
    public void Soak_MemoryStaysFlat()
    {
        var steps = int.TryParse(Environment.GetEnvironmentVariable("NATIVEDL_SOAK_STEPS"), out var given) ? given : 20_000;
        const int Batch = 8, PerEpoch = 100;
        var data = Digits(Batch * PerEpoch, 5);
        var figures = new List<(int Step, NativeMemory Native, long Managed, int Collections)>();
        var clock = Stopwatch.StartNew();
        var model = Model();
        model.Fit(data, new FitOptions
        {
            Epochs = steps / PerEpoch, BatchSize = Batch, Callbacks = [new Watch(fit =>
            {
                figures.Add((
                    fit.Epoch * PerEpoch, NativeMemory.Read(), GC.GetTotalMemory(forceFullCollection: true),
                    GC.CollectionCount(2)));
            })],
        });
        TestContext.Out.WriteLine($"{steps} steps in {clock.Elapsed.TotalSeconds:F0} s");
        foreach (var (step, native, managed, collections) in figures.Where((_, i) => i % Math.Max(figures.Count / 20, 1) == 0))
        {
            TestContext.Out.WriteLine(
                $"step {step,6}: native {native.BytesInUse,12:N0} in use, {native.BytesCached,12:N0} cached, " +
                $"{native.LiveTensors,4} handles, {native.SystemAllocations,5} system blocks; managed {managed,10:N0}");
        }
        var (first, last) = (figures[figures.Count / 10], figures[^1]);
        Assert.That(last.Native.BytesInUse, Is.LessThanOrEqualTo(first.Native.BytesInUse + (64 << 10)));
        Assert.That(last.Native.LiveTensors, Is.LessThanOrEqualTo(first.Native.LiveTensors + 8));
        Assert.That(last.Native.SystemAllocations, Is.LessThanOrEqualTo(first.Native.SystemAllocations + 16));
        Assert.That(last.Managed, Is.LessThan(first.Managed + (1 << 20)));
    }

    private sealed class Watch(Action<FitContext> look) : Callback
    {
        public override void OnEpochEnd(FitContext fit, EpochResult result) => look(fit);
    }
}
