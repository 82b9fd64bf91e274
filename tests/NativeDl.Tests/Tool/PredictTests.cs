using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using NativeDl.Data;
using NUnit.Framework;

namespace NativeDl.Tests.Tool;

internal sealed partial class PredictTests : ToolTests
{
    [Test]
    public void Evaluate_CountsEveryImageOnce()
    {
        var json = ToolRun.Of("evaluate", TrainedWeights(), "--samples", "240", "--json").Json;
        var rows = json.GetProperty("confusion").EnumerateArray()
            .Select(row => row.EnumerateArray().Select(cell => cell.GetInt32()).ToArray()).ToArray();
        Assert.That(rows.Sum(row => row.Sum()), Is.EqualTo(40).And.EqualTo(json.GetProperty("images").GetInt32()));
        var right = rows.Select((row, c) => row[c]).Sum();
        Assert.That(json.GetProperty("accuracy").GetDouble(), Is.EqualTo(right / 40.0).Within(1e-12));
        Assert.That(json.GetProperty("loss").GetDouble(), Is.Positive);
    }

    [Test]
    public void Evaluate_AgreesWithTraining()
    {
        var trained = ToolRun.Of("train", "--model", "linear", "--samples", "240", "--epochs", "1", "--json", "--output", At("w")).Json;
        var judged = ToolRun.Of("evaluate", At("w"), "--samples", "240", "--json").Json;
        Assert.That(
            judged.GetProperty("accuracy").GetDouble(), Is.EqualTo(trained.GetProperty("test_accuracy").GetDouble()));
        Assert.That(judged.GetProperty("loss").GetDouble(), Is.EqualTo(trained.GetProperty("test_loss").GetDouble()));
    }

    [Test]
    public void Evaluate_PrintsAWordForPeople()
    {
        var run = ToolRun.Of("evaluate", TrainedWeights(), "--samples", "60");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Out, Does.Contain("accuracy").And.Contain("taken for"));
    }

    [Test]
    public void Predict_GivesProbabilities()
    {
        var json = ToolRun.Of("predict", TrainedWeights(), "--samples", "60", "--json").Json;
        var all = json.GetProperty("predictions").EnumerateArray().ToArray();
        Assert.That(all, Has.Length.EqualTo(10));
        foreach (var one in all)
        {
            var probabilities = one.GetProperty("probabilities").EnumerateArray().Select(p => p.GetSingle()).ToArray();
            Assert.That(probabilities.Sum(), Is.EqualTo(1).Within(1e-5));
            Assert.That(one.GetProperty("probability").GetSingle(), Is.EqualTo(probabilities.Max()));
        }
        Assert.That(ToolRun.Of("predict", At("weights.safetensors"), "--samples", "60", "--limit", "2").Out,
            Does.Contain("The first 2 of 10"));
    }

    [Test]
    public void Predict_TakesPictureFilesOfOtherSizes()
    {
        var digit = new byte[28 * 28];
        GeneratedDigits.Draw(1, 0, digit);
        var pgm = Folder.Write("digit.pgm", [.. "P5\n# a digit\n28 28\n255\n"u8, .. digit]);
        var doubled = Folder.Write("doubled.ppm", [.. "P6 56 56 255\n"u8, .. Doubled(digit)]);
        var text = Folder.Write("text.pgm", Encoding.ASCII.GetBytes($"P2 28 28 255 {string.Join(' ', digit)}"));
        var dark = Folder.Write("dark.pgm", [.. "P5 28 28 255\n"u8, .. digit.Select(v => (byte)(255 - v))]);
        var idx = Folder.Write("many.idx", [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28, .. digit, .. digit]);
        var weights = TrainedWeights();
        var json = ToolRun.Of("predict", weights, pgm, doubled, text, idx, "--json").Json;
        var all = json.GetProperty("predictions").EnumerateArray().ToArray();
        Assert.That(all, Has.Length.EqualTo(5));
        Assert.That(json.TryGetProperty("accuracy", out _), Is.False, "nobody knows what they are");
        Assert.That(all.Select(p => p.GetProperty("probability").GetSingle()), Has.All.EqualTo(
            all[0].GetProperty("probability").GetSingle()).Within(1e-6));
        var inverted = ToolRun.Of("predict", weights, dark, "--invert", "--json").Json.GetProperty("predictions")[0];
        Assert.That(inverted.GetProperty("probability").GetSingle(), Is.EqualTo(all[0].GetProperty("probability").GetSingle()));
    }

    [Test]
    public void Page_IsOneFileWithThePictures()
    {
        var page = At("page.html");
        var json = ToolRun.Of("predict", TrainedWeights(), "--samples", "120", "--html", page, "--json").Json;
        var html = File.ReadAllText(page);
        var pictures = Picture().Matches(html);
        Assert.That(pictures, Has.Count.EqualTo(20));
        Assert.That(html, Does.Not.Contain("http:").And.Not.Contain("https:"), "nothing from the network");
        Assert.That(html.IndexOf("Mistakes", StringComparison.Ordinal), Is.LessThan(
            html.IndexOf("What is taken for what", StringComparison.Ordinal)));
        Assert.That(json.GetProperty("html").GetString(), Is.EqualTo(page));

        var pixels = pictures.Select(m => Convert.ToBase64String(DecodePng(Convert.FromBase64String(m.Groups[1].Value))));
        var test = ImageData.GenerateDigits(120, 20).Test;
        Assert.That(pixels, Is.EquivalentTo(Enumerable.Range(0, 20).Select(i => Convert.ToBase64String(test.Image(i)))));
    }

    [Test]
    public void Page_EscapesNames()
    {
        var pgm = Folder.Write("<script>&'.pgm", [.. "P5 28 28 255\n"u8, .. new byte[28 * 28]]);
        var run = ToolRun.Of("predict", TrainedWeights(), pgm, "--html", At("page.html"));
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(File.ReadAllText(At("page.html")), Does.Contain("&lt;script&gt;&amp;").And.Not.Contain("<script>&"));
    }

    [Test]
    public void Info_ListsEveryImplementation()
    {
        var json = ToolRun.Of("info", "--json").Json;
        Assert.That(json.GetProperty("machine").GetProperty("version").GetString(), Is.Not.Empty);
        Assert.That(json.GetProperty("cores").GetInt32(), Is.Positive);
        var passes = json.GetProperty("passes").EnumerateArray().Select(p => p.GetProperty("name").GetString());
        Assert.That(passes, Is.EqualTo(Implementations.Passes));
        var run = ToolRun.Of("info");
        Assert.That(run.Out, Does.Contain("conv2d_forward").And.Contain("cpu:ref").And.Contain("tutorial-cnn"));
    }

    private static byte[] Doubled(byte[] grey) => [.. Enumerable.Range(0, 56 * 56)
        .SelectMany(i => Enumerable.Repeat(grey[i / 56 / 2 * 28 + i % 56 / 2], 3))];

    /// <summary>The pixels of a grey PNG without filters.</summary>
    private static byte[] DecodePng(byte[] png)
    {
        Assert.That(png[..8], Is.EqualTo(new byte[] { 0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A }));
        var length = png[33] << 24 | png[34] << 16 | png[35] << 8 | png[36];
        using var zlib = new ZLibStream(new MemoryStream(png, 41, length), CompressionMode.Decompress);
        using var rows = new MemoryStream();
        zlib.CopyTo(rows);
        return [.. rows.ToArray().Chunk(29).SelectMany(row => row[1..])];
    }

    [GeneratedRegex("src=\"data:image/png;base64,([^\"]+)\"")]
    private static partial Regex Picture();
}
