using NativeDl.Data;
using NativeDl.Models;
using NativeDl.Modules;
using NativeDl.Tests.Data;
using NativeDl.Tests.TorchReference;
using NativeDl.Training;
using NUnit.Framework;

namespace NativeDl.Tests.Models;

public sealed class ModelTests
{
    [Test]
    public void TutorialCnn_HasTheParametersOfTheTutorial()
    {
        var model = TutorialCnn.Create();
        var summary = model.Summary([28, 28, 1]);
        Assert.That(summary.Parameters, Is.EqualTo(121_930));
        Assert.That(
            model.NamedParameters().Select(p => $"{p.Name} {p.Parameter.Shape}").Take(3),
            Is.EqualTo(new[] { "0.weight [32, 3, 3, 1]", "0.bias [32]", "2.weight [64, 3, 3, 32]" }));
    }

    [TestCase(20, 269_722)]
    [TestCase(32, 464_154)]
    public void ResNetCifar_HasTheParametersOfThePaper(int depth, int parameters)
    {
        var model = new ResNetCifar(depth);
        Assert.That(model.Parameters().Sum(p => p.FlattenedLength), Is.EqualTo(parameters));
        Assert.That(model.NamedParameters().Select(p => p.Name), Has.Member("layer2.0.conv1.weight").And.Member("bn1.bias"));
    }

    [Test]
    public void ResNetCifar_OtherDepth_Throws() =>
        Assert.That(() => new ResNetCifar(21), Throws.TypeOf<InvalidArgumentException>().With.Message.Contains("6n + 2"));

    [Test]
    public void ResNetCifar_Learns()
    {
        using var seed = Generator.Use(3);
        var model = new ResNetCifar(depth: 8, classes: 2);
        var x = Initializer.Uniform(0, 1).Create([16, 8, 8, 3]);
        var inputs = x.ToArray<float>();
        for (var i = 0; i < inputs.Length; i++)
            inputs[i] += i / (8 * 8 * 3) % 2;
        var data = new ArrayDataset(inputs, Enumerable.Range(0, 16).Select(i => (long)(i % 2)).ToArray(), [8, 8, 3]);
        var history = model.Fit(data, new FitOptions { Epochs = 4, BatchSize = 8 });
        Assert.That(history[^1].Loss, Is.LessThan(history[0].Loss));
    }

    /// <summary>Weights trained elsewhere give the logits that they give in PyTorch.</summary>
    [Test]
    public void ResNetCifar_WithTrainedWeights_GivesThePublishedLogits()
    {
        var folder = SharedData.Require("models/resnet20-cifar10");
        var test = Cifar10Dataset.Load(Path.Combine(SharedData.Require("cifar10"), "test_first1000.bin.gz"));
        var weights = Npz.Read(Path.Combine(folder, "resnet20.npz"))
            .ToDictionary(pair => pair.Key, pair => ToTensor(pair.Value));
        var model = new ResNetCifar();
        model.LoadStateDictionary(weights, strict: false);
        var expected = Npz.Read(Path.Combine(folder, "resnet20_expected.npz"));

        var imageNet = new Normalization { Mean = [0.485, 0.456, 0.406], Std = [0.229, 0.224, 0.225] };
        var first = new ImageDataset(test.Slice(0, 64), imageNet);
        using var logits = model.Predict(first);
        Assert.That(
            logits.ToArray<float>().Select(v => (double)v), Is.EqualTo(expected["logits_first64"].Values).Within(1e-4));
        Assert.That(model.Evaluate(new ImageDataset(test, imageNet)).Metrics["accuracy"], Is.EqualTo(0.915).Within(0.0015));
    }

    /// <summary>[out, in, h, w] becomes [out, h, w, in].</summary>
    private static Tensor ToTensor(NdArray array)
    {
        var values = Array.ConvertAll(array.Values, v => (float)v);
        return array.Shape is [var o, var i, var h, var w]
            ? Ops.Permute(Tensor.FromArray(values, new Shape(o, i, h, w)), [0, 2, 3, 1])
            : Tensor.FromArray(values, array.Shape);
    }
}
