using System.Security.Cryptography;
using NativeDl.IO;
using NUnit.Framework;

namespace NativeDl.Tests.Tool;

internal sealed class TrainTests : ToolTests
{
    private static readonly string[] Cnn = ["train", "--samples", "300", "--epochs", "2", "--batch-size", "64", "--json"];

    [Test]
    public void Json_IsTheOnlyLineAndHasTheFigures()
    {
        var run = ToolRun.Of([.. Cnn, "--output", At("w.safetensors"), "--lr", "0.002", "--seed", "7", "--threads", "2"]);
        var json = run.Json;
        Assert.That(run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(1));
        Assert.That(run.Error, Does.Contain("epoch 2/2"), "progress goes beside the JSON");
        Assert.That(json.GetProperty("test_accuracy").GetDouble(), Is.InRange(0.2, 1));
        Assert.That(json.GetProperty("train_seconds").GetDouble(), Is.Positive);
        Assert.That(json.GetProperty("images_per_second").GetDouble(), Is.Positive);
        Assert.That(json.GetProperty("parameters").GetInt64(), Is.EqualTo(121_930));
        Assert.That(json.GetProperty("test_images").GetInt32(), Is.EqualTo(50));
        Assert.That(json.GetProperty("stopped").GetBoolean(), Is.False);
        var epochs = json.GetProperty("epochs").EnumerateArray().ToArray();
        Assert.That(epochs, Has.Length.EqualTo(2));
        foreach (var name in new[] { "loss", "accuracy", "seconds", "images_per_second" })
            Assert.That(epochs[1].GetProperty(name).GetDouble(), Is.Positive, name);
        Assert.That(epochs[1].GetProperty("loss").GetDouble(), Is.LessThan(epochs[0].GetProperty("loss").GetDouble()));
        var hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(At("w.safetensors"))));
        Assert.That(json.GetProperty("weights_sha256").GetString(), Is.EqualTo(hash));
    }

    [Test]
    public void Weights_AreTheSameOnAnyNumberOfThreads()
    {
        string Hash(int threads, int seed) => ToolRun.Of(
            [.. Cnn, "--output", At($"w{threads}{seed}"), "--threads", $"{threads}", "--seed", $"{seed}"])
            .Json.GetProperty("weights_sha256").GetString()!;
        var one = Hash(threads: 1, seed: 3);
        Assert.That(Hash(threads: 2, seed: 3), Is.EqualTo(one));
        Assert.That(Hash(threads: 2, seed: 4), Is.Not.EqualTo(one));
    }

    [Test]
    public void Text_NamesAccuracyAndFile()
    {
        var run = ToolRun.Of("train", "--model", "linear", "--samples", "120", "--epochs", "1", "--output", At("w"));
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Out, Does.Contain("epoch 1/1").And.Contain("Test accuracy").And.Contain(At("w")));
        Assert.That(run.Out, Does.Not.Contain("\e"), "no escape sequences where no terminal is");
    }

    [TestCase("adam")]
    [TestCase("adamw")]
    [TestCase("sgd")]
    [TestCase("adadelta")]
    public void Optimizers_Train(string optimizer)
    {
        var run = ToolRun.Of(
            "train", "--model", "linear", "--samples", "300", "--epochs", "3", "--optimizer", optimizer, "--json",
            "--output", At("w"));
        var losses = run.Json.GetProperty("epochs").EnumerateArray().Select(e => e.GetProperty("loss").GetDouble()).ToArray();
        Assert.That(losses[2], Is.LessThan(losses[0]));
    }

    /// <summary>Cancels when the text appears.</summary>
    private sealed class CancelAt(string text, CancellationTokenSource stop) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (value?.Contains(text) == true)
                stop.Cancel();
        }
    }

    [Test]
    public void Stopped_KeepsTheLastWholeEpoch()
    {
        using var stop = new CancellationTokenSource();
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new CancelAt("epoch 1/50", stop);
        string[] line = ["train", "--model", "linear", "--samples", "300", "--batch-size", "32", "--json"];
        var code = NativeDl.Tool.App.Run(
            [.. line, "--epochs", "50", "--output", At("stopped")], new NativeDl.Tool.Terminal(output, error), stop.Token);
        Assert.That(code, Is.EqualTo(130));
        var json = new ToolRun(code, output.ToString(), "").LastLine;
        Assert.That(json.GetProperty("stopped").GetBoolean(), Is.True);
        Assert.That(json.TryGetProperty("test_accuracy", out _), Is.False);
        Assert.That(json.GetProperty("epochs").GetArrayLength(), Is.EqualTo(1));

        var whole = ToolRun.Of([.. line, "--epochs", "1", "--output", At("whole")]).Json;
        Assert.That(
            json.GetProperty("weights_sha256").GetString(), Is.EqualTo(whole.GetProperty("weights_sha256").GetString()));
        Assert.That(File.ReadAllBytes(At("stopped")), Is.EqualTo(File.ReadAllBytes(At("whole"))));
    }

    [Test]
    public void StoppedBeforeTheFirstEpoch_SavesNothing()
    {
        var run = ToolRun.Of(new CancellationToken(canceled: true),
            "train", "--model", "linear", "--samples", "50", "--output", At("w"));
        Assert.That(run.ExitCode, Is.EqualTo(130));
        Assert.That(run.Out, Does.Contain("nothing is saved"));
        Assert.That(File.Exists(At("w")), Is.False);
    }

    [Test]
    public void Diverged_IsAnErrorThatNamesTheRemedy()
    {
        var run = ToolRun.Of(
            "train", "--model", "linear", "--samples", "200", "--batch-size", "8", "--optimizer", "sgd", "--lr", "1e38",
            "--output", At("w"));
        Assert.That(run.ExitCode, Is.EqualTo(1));
        Assert.That(run.Error, Does.Contain("smaller --lr"));
        Assert.That(File.Exists(At("w")), Is.False);
    }

    [Test]
    public void Weights_SayWhatTheyAreFor()
    {
        var (entries, metadata) = Safetensors.Inspect(TrainedWeights());
        Assert.That(metadata["nativedl.model"], Is.EqualTo("linear"));
        Assert.That(metadata["nativedl.input_shape"], Is.EqualTo("28x28x1"));
        Assert.That(entries.Select(e => e.Name), Is.EquivalentTo(new[] { "1.weight", "1.bias" }));
    }

    [Test]
    public void Demo_WritesWeightsAndPage()
    {
        var run = ToolRun.Of("demo", "--samples", "120", "--epochs", "1", "--output", At("demo"));
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Out, Does.Contain("Test accuracy").And.Contain("predictions.html"));
        Assert.That(File.ReadAllText(Path.Combine(At("demo"), "predictions.html")), Does.Contain("data:image/png;base64,"));
        Assert.That(File.Exists(Path.Combine(At("demo"), "tutorial-cnn.safetensors")), Is.True);
    }
}
