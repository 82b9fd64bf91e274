namespace NativeDl.IO;

/// <summary>A file is no valid safetensors file, or holds what cannot be loaded. Nothing was changed.</summary>
public sealed class WeightFormatException : NativeDlException
{
    /// <summary>Says what is wrong, where, and what to do.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensor">The tensor inside it; null where the fault is not of one.</param>
    /// <param name="problem">What is wrong, as a whole sentence.</param>
    /// <param name="remedy">What the user can do, as a whole sentence.</param>
    /// <param name="innerException">The cause, if any.</param>
    public WeightFormatException(
        string path, string? tensor, string problem, string remedy, Exception? innerException = null)
        : base($"{path}{(tensor is null ? "" : $", tensor '{tensor}'")}: {problem} {remedy}", innerException)
    {
        Path = path;
        Tensor = tensor;
        Problem = problem;
        Remedy = remedy;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The tensor inside the file; null where the fault is not of one.</summary>
    public string? Tensor { get; }

    /// <summary>What is wrong.</summary>
    public string Problem { get; }

    /// <summary>What to do about it.</summary>
    public string Remedy { get; }
}
