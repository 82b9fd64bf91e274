using NativeDl.Data;
using NativeDl.IO;
using NativeDl.Modules;
using NativeDl.Optimizers;
using NativeDl.Tests.Data;
using NativeDl.Training;
using NUnit.Framework;

namespace NativeDl.Tests.Training;

public sealed class CheckpointTests
{
    private static readonly ImageDataset Digits = new(GeneratedDigits.Generate(64, seed: 3));

    private static Sequential Model()
    {
        using var generator = Generator.Use(2);
        Sequential model =
        [
            new Conv2d(4, 5, stride: 2, activation: Activation.Relu), new BatchNorm2d(), new GlobalAvgPool2d(), new Linear(10),
        ];
        model.Build(Digits.InputShape);
        return model;
    }

    private static IEnumerable<TestCaseData> Optimizers()
    {
        yield return Case("Sgd", p => new Sgd(p, 0.05));
        yield return Case("Momentum", p => new Sgd(p, 0.05, new SgdOptions { Momentum = 0.9 }));
        yield return Case("Adam", p => new Adam(p, 0.01));
        yield return Case("AdamW", p => new AdamW(p, 0.01));
        yield return Case("Adadelta", p => new Adadelta(p));

        static TestCaseData Case(string name, Func<IReadOnlyList<Tensor>, Optimizer> make) =>
            new TestCaseData(make).SetName($"Resume_{name}_ComesToTheSameBits");
    }

    [TestCaseSource(nameof(Optimizers))]
    public void Resume_ComesToTheSameBits(Func<IReadOnlyList<Tensor>, Optimizer> optimizer)
    {
        using var scratch = new ScratchFolder();
        var path = Path.Combine(scratch.Path, "run.safetensors");
        var options = new FitOptions { Epochs = 4, BatchSize = 16, Optimizer = optimizer, Seed = 4 };
        var whole = Model();
        var history = whole.Fit(Digits, options);

        Model().Fit(Digits, options with { Epochs = 2, Callbacks = [new Checkpoint(path)] });
        Sequential resumed = [new Conv2d(4, 5, stride: 2, activation: Activation.Relu), new BatchNorm2d(), new GlobalAvgPool2d(), new Linear(10)];
        var rest = resumed.Resume(path, Digits, options);
        Assert.That(rest.Select(e => e.Epoch), Is.EqualTo(new[] { 3, 4 }));
        Assert.That(rest[^1].Loss, Is.EqualTo(history[^1].Loss));
        foreach (var (name, tensor) in whole.StateDictionary())
        {
            var other = resumed.StateDictionary()[name];
            if (tensor.DType == DType.F32)
                Assert.That(other.ToArray<float>(), Is.EqualTo(tensor.ToArray<float>()), name);
            else
                Assert.That(other.Item<long>(), Is.EqualTo(tensor.Item<long>()), name);
        }
        Assert.That(resumed.Resume(path, Digits, options with { Epochs = 2 }), Is.Empty, "nothing is left");
    }

    [Test]
    public void Resume_WithScheduleAndClipping_ComesToTheSameBits()
    {
        using var scratch = new ScratchFolder();
        var path = Path.Combine(scratch.Path, "run.safetensors");
        var options = new FitOptions
        {
            Epochs = 4, BatchSize = 16, Optimizer = p => new Adam(p, 0.01), Schedule = new CosineDecay(16),
            MaxGradientNorm = 0.1,
        };
        var (whole, resumed) = (Model(), Model());
        var history = whole.Fit(Digits, options);
        Model().Fit(Digits, options with { Epochs = 2, Callbacks = [new Checkpoint(path)] });
        var rest = resumed.Resume(path, Digits, options);
        Assert.That(rest.Select(e => (e.Loss, e.LearningRate)), Is.EqualTo(history.Skip(2).Select(e => (e.Loss, e.LearningRate))));
        Assert.That(history.Select(e => e.LearningRate), Is.Ordered.Descending);
    }

    [Test]
    public void SaveAndLoad_ByHand()
    {
        using var scratch = new ScratchFolder();
        var path = Path.Combine(scratch.Path, "run.safetensors");
        var (model, other) = (Model(), Model());
        var optimizer = new Adam(model.Parameters(), 0.5);
        Checkpoint.Save(path, model, optimizer, 7);
        var second = new Adam(other.Parameters());
        Assert.That(Checkpoint.Load(path, other, second), Is.EqualTo(7));
        Assert.That(second.LearningRate, Is.EqualTo(0.5));
    }

    [Test]
    public void Load_Weights_AreNoRun()
    {
        using var scratch = new ScratchFolder();
        var path = Path.Combine(scratch.Path, "model.safetensors");
        var model = Model();
        model.Save(path);
        var error = Assert.Throws<WeightFormatException>(() => model.Resume(path, Digits));
        Assert.That(error!.Message, Does.Contain("Module.Load"));
    }

    [Test]
    public void Resume_OtherModel_IsTyped()
    {
        using var scratch = new ScratchFolder();
        var path = Path.Combine(scratch.Path, "run.safetensors");
        Checkpoint.Save(path, Model(), new Sgd(Model().Parameters()), 1);
        Sequential other = [new Flatten(), new Linear(10)];
        Assert.Throws<StateDictionaryException>(() => other.Resume(path, Digits));
    }
}
