namespace NativeDl.Data;

/// <summary>A data file, or a folder of them, is not what it should be.</summary>
public sealed class DataFormatException : IOException
{
    /// <summary>Says which file, what a valid one has at that place, what this one has, and what to do.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="expected">What was expected, as the end of a sentence that begins "expected".</param>
    /// <param name="found">What was found instead, as the end of a sentence that begins "found".</param>
    /// <param name="remedy">What the user can do: one or more whole sentences.</param>
    /// <param name="innerException">The cause, if any.</param>
    public DataFormatException(
        string path, string expected, string found, string remedy, Exception? innerException = null)
        : base($"{path}: expected {expected}, found {found}. {remedy}", innerException)
    {
        Path = path;
        Expected = expected;
        Found = found;
        Remedy = remedy;
    }

    /// <summary>The file or folder.</summary>
    public string Path { get; }

    /// <summary>What was expected.</summary>
    public string Expected { get; }

    /// <summary>What was found.</summary>
    public string Found { get; }

    /// <summary>What to do about it.</summary>
    public string Remedy { get; }
}
