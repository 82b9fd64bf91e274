using System.Text.Json;
using NativeDl.Tests.Data;
using NativeDl.Tool;
using NUnit.Framework;

namespace NativeDl.Tests.Tool;

/// <summary>One run of the command-line tool inside this process.</summary>
internal sealed record ToolRun(int ExitCode, string Out, string Error)
{
    public static ToolRun Of(params string[] arguments) => Of(CancellationToken.None, arguments);

    public static ToolRun Of(CancellationToken stop, params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var exitCode = App.Run(arguments, new Terminal(output, error), stop);
        return new ToolRun(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>What a run that succeeded printed last, as JSON.</summary>
    public JsonElement Json
    {
        get
        {
            Assert.That(ExitCode, Is.Zero, Error);
            return LastLine;
        }
    }

    public JsonElement LastLine => JsonDocument.Parse(Out.TrimEnd('\n').Split('\n')[^1]).RootElement;
}

/// <summary>Tests of the tool get a folder of their own, and no data of the machine.</summary>
[NonParallelizable]
internal abstract class ToolTests
{
    private string? _dataBefore;

    public ScratchFolder Folder { get; private set; } = null!;

    [SetUp]
    public void MakeFolder()
    {
        Folder = new ScratchFolder();
        _dataBefore = Environment.GetEnvironmentVariable(NativeDl.Data.ImageData.FolderVariable);
        Environment.SetEnvironmentVariable(NativeDl.Data.ImageData.FolderVariable, null);
    }

    [TearDown]
    public void RemoveFolder()
    {
        Environment.SetEnvironmentVariable(NativeDl.Data.ImageData.FolderVariable, _dataBefore);
        Folder.Dispose();
    }

    public string At(string name) => Path.Combine(Folder.Path, name);

    /// <summary>A linear model after an epoch on a few drawn digits.</summary>
    public string TrainedWeights()
    {
        var path = At("weights.safetensors");
        Assert.That(
            ToolRun.Of("train", "--model", "linear", "--samples", "120", "--epochs", "1", "--output", path).ExitCode, Is.Zero);
        return path;
    }
}
