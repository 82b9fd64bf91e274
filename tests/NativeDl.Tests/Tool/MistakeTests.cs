using NUnit.Framework;

namespace NativeDl.Tests.Tool;

/// <summary>What users do wrong: one sentence or two, the right exit code, and never a stack trace.</summary>
internal sealed class MistakeTests : ToolTests
{
    private static IEnumerable<TestCaseData> Usage()
    {
        yield return Case("", "fly", "There is no command 'fly'");
        yield return Case("unknown option", "train --wings 2", "There is no option '--wings'");
        yield return Case("no number", "train --epochs many", "--epochs");
        yield return Case("no value", "train --epochs", "--epochs needs a value");
        yield return Case("no value before another", "train --output --json", "--output needs a value");
        yield return Case("epochs", "train --epochs 0", "--epochs 0: give 1 or more");
        yield return Case("batch", "train --batch-size -3", "--batch-size -3: give 1 or more");
        yield return Case("lr", "train --lr 0", "--lr 0: give a number above 0");
        yield return Case("lr nan", "train --lr NaN", "--lr NaN");
        yield return Case("momentum", "train --optimizer sgd --momentum 1", "from 0 to below 1");
        yield return Case("momentum of adam", "train --momentum 0.9", "--momentum is for sgd");
        yield return Case("threads", "train --threads -1", "--threads -1");
        yield return Case("samples", "train --samples 0", "--samples 0");
        yield return Case("model", "train --model gpt", "Models are tutorial-cnn");
        yield return Case("optimizer", "train --optimizer lion", "Optimizers are adam");
        yield return Case("weights", "evaluate", "Name the file of weights");
        yield return Case("set", "evaluate {weights} --set all", "give test or train");

        static TestCaseData Case(string name, string line, string says) =>
            new TestCaseData(line, says).SetArgDisplayNames(name.Length == 0 ? line : name);
    }

    [TestCaseSource(nameof(Usage))]
    public void Usage_IsExplained(string line, string says) => Expect(2, says, Split(line));

    [TestCase("train --data {folder}/none", "expected a folder of data, found nothing")]
    [TestCase("train --data {folder}", "expected the files of MNIST")]
    [TestCase("train --samples 50 --output {folder}/none/w", "there is no folder")]
    [TestCase("train --samples 50 --output {folder}", "this is a folder")]
    [TestCase("evaluate {folder}/none.safetensors --samples 12", "There is no file")]
    [TestCase("evaluate {weights} --html {folder}/none/page.html --samples 12", "there is no folder")]
    [TestCase("predict {weights} {folder}/none.pgm", "There is no picture")]
    [TestCase("predict {weights} {weights}", "expected a PGM, PPM or IDX file")]
    [TestCase("evaluate {weights} --model tutorial-cnn --samples 12", "has no weights of a tutorial-cnn")]
    public void Mistake_IsExplained(string line, string says) => Expect(1, says, Split(line));

    [Test]
    public void BrokenFiles_AreNamed()
    {
        var weights = TrainedWeights();
        var whole = File.ReadAllBytes(weights);
        var cut = Folder.Write("cut.safetensors", whole[..^5]);
        Expect(1, "cut.safetensors", "evaluate", cut, "--samples", "12");
        var foreign = Folder.Write("foreign.safetensors", [1, 2, 3]);
        Expect(1, "foreign.safetensors", "predict", foreign, "--samples", "12");
        var nameless = At("nameless.safetensors");
        NativeDl.IO.Safetensors.Save(nameless, new Dictionary<string, Tensor> { ["x"] = Tensor.Zeros([2]) });
        Expect(1, "Name it with --model", "evaluate", nameless, "--samples", "12");
        Expect(1, "has no weights of a linear", "evaluate", nameless, "--model", "linear", "--samples", "12");
    }

    [Test]
    public void BrokenPictures_AreNamed()
    {
        var weights = TrainedWeights();
        Expect(1, "expected 784 bytes of pixels", "predict", weights, Folder.Write("cut.pgm", [.. "P5 28 28 255\n"u8, 1, 2]));
        Expect(1, "expected a width", "predict", weights, Folder.Write("empty.pgm", [.. "P5"u8]));
        Expect(1, "a width of at most", "predict", weights, Folder.Write("wide.pgm", [.. "P5 99999999 1 255\n"u8]));
        Expect(1, "sizes above 0", "predict", weights, Folder.Write("flat.pgm", [.. "P5 0 1 255\n"u8]));
        Expect(1, "found P4", "predict", weights, Folder.Write("bits.pbm", [.. "P4 8 1\n"u8, 1]));
    }

    [Test]
    public void BrokenData_AreNamed()
    {
        Folder.WriteMnist();
        File.WriteAllBytes(At("train-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0]);
        Expect(1, "train-images-idx3-ubyte", "train", "--data", Folder.Path, "--output", At("w"));
    }

    [Test]
    public void TooSmallImages_AreRefusedBeforeTraining()
    {
        Folder.WriteMnist();
        Expect(1, "cannot take images of 2x3x1", "train", "--data", Folder.Path, "--output", At("w"));
    }

    [Test]
    public void OtherImagesThanTheWeights_AreRefused()
    {
        var weights = TrainedWeights();
        Folder.WriteMnist();
        Expect(1, "for images of 28x28x1", "evaluate", weights, "--data", Folder.Path);
    }

    [Test]
    public void Help_IsNoMistake()
    {
        var run = ToolRun.Of("train", "--help");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        Assert.That(run.Out, Does.Contain("--batch-size").And.Contain("--optimizer"));
        Assert.That(ToolRun.Of("help").Out, Does.Contain("evaluate").And.Contain("demo"));
        Assert.That(ToolRun.Of("--version").Out, Does.StartWith("nativedl "));
        Assert.That(ToolRun.Of().ExitCode, Is.EqualTo(2));
    }

    private string[] Split(string line) => [.. line.Split(' ').Select(part => part switch
    {
        "{weights}" => File.Exists(At("weights.safetensors")) ? At("weights.safetensors") : TrainedWeights(),
        _ => part.Replace("{folder}", Folder.Path),
    })];

    private static void Expect(int exitCode, string says, params string[] line)
    {
        var run = ToolRun.Of(line);
        Assert.That(run.Error, Does.StartWith("nativedl: ").And.Contain(says));
        Assert.That(run.ExitCode, Is.EqualTo(exitCode), run.Error);
        Assert.That(run.Error, Does.Not.Contain("   at "));
        Assert.That(run.Out, Is.Empty.Or.Not.Contain("Unhandled"));
    }
}
