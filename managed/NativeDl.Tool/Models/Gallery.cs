using NativeDl.Data;
using NativeDl.Tool.CommandLine;

namespace NativeDl.Tool.Models;

/// <summary>Images to look at.</summary>
/// <param name="Name">What they are, for people.</param>
/// <param name="Images">The images.</param>
/// <param name="HasLabels">Whether their labels mean anything.</param>
/// <param name="Titles">A name for each; null numbers them.</param>
internal sealed record Gallery(
    string Name, ImageSet Images, bool HasLabels = true, IReadOnlyList<string>? Titles = null)
{
    public string Title(int index) => Titles?[index] ?? $"{index}";

    /// <summary>The data that the options name, or drawn digits.</summary>
    public static ImageData Open(DataOptions options) => Open(options.Data, options.Samples);

    public static ImageData Open(string? folder, int? samples)
    {
        folder ??= Environment.GetEnvironmentVariable(ImageData.FolderVariable);
        if (string.IsNullOrEmpty(folder))
        {
            return samples is { } count
                ? ImageData.GenerateDigits(count, Math.Max(1, (count + 5) / 6))
                : ImageData.GenerateDigits();
        }
        var data = ImageData.Open(folder);
        return samples < data.Train.Count ? data with { Train = data.Train.Slice(0, samples.Value) } : data;
    }

    /// <summary>The test images of the data, or the training images.</summary>
    public static Gallery Open(WeightsOptions options)
    {
        var takesTest = options.Set switch
        {
            "test" => true,
            "train" => false,
            _ => throw new ToolException($"--set {options.Set}: give test or train.", ExitCode.Usage),
        };
        var data = Open((DataOptions)options);
        return takesTest
            ? new Gallery($"{data.Name}, test images", data.Test)
            : new Gallery($"{data.Name}, training images", data.Train);
    }
}
