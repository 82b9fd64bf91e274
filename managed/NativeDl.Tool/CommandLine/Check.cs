namespace NativeDl.Tool.CommandLine;

/// <summary>Arguments that are numbers or places, refused before any work is done.</summary>
internal static class Check
{
    public static void AtLeast(int least, int? value, string option)
    {
        if (value < least)
            throw new ToolException($"--{option} {value}: give {least} or more.", ExitCode.Usage);
    }

    public static void Positive(double? value, string option)
    {
        if (value is not null && !(value > 0 && double.IsFinite(value.Value)))
            throw new ToolException($"--{option} {value}: give a number above 0.", ExitCode.Usage);
    }

    public static void Share(double? value, string option)
    {
        if (value is not null and not (>= 0 and < 1))
            throw new ToolException($"--{option} {value}: give a number from 0 to below 1.", ExitCode.Usage);
    }

    public static void Common(DataOptions options)
    {
        AtLeast(0, options.Threads, "threads");
        AtLeast(1, options.Samples, "samples");
    }

    public static void Weights(WeightsOptions options)
    {
        Common(options);
        AtLeast(1, options.BatchSize, "batch-size");
        if (options.Html is { } page)
            Writable(page, "html");
    }

    /// <summary>Finds out whether a file can be written, by writing another one beside it.</summary>
    /// <param name="path">The file to be.</param>
    /// <param name="option">The option that names it.</param>
    public static void Writable(string path, string option)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (path.Length == 0 || Directory.Exists(path))
            throw new ToolException($"--{option} {path}: this is a folder. Name a file in it.");
        if (!Directory.Exists(folder))
            throw new ToolException($"--{option} {path}: there is no folder {folder}. Make it, or name another.");
        var probe = Path.Combine(folder, $".nativedl-{Guid.NewGuid():N}");
        try
        {
            using (new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
            {
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(
                $"--{option} {path}: the folder {folder} cannot be written. Name one in which you may write files.");
        }
    }
}
