namespace NativeDl.IO;

/// <summary>Writes a file so that its place holds the old content or the new one, whole, at any time.</summary>
internal static class AtomicFile
{
    /// <param name="path">The file.</param>
    /// <param name="write">Writes the content.</param>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        // A link stays, and what it points to is replaced.
        var isLink = new FileInfo(path).LinkTarget is not null;
        var place = isLink ? File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName : Path.GetFullPath(path);
        var temporary = Path.Combine(
            Path.GetDirectoryName(place)!, $".{Path.GetFileName(place)}.{Guid.NewGuid():N}.tmp");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                write(stream);
                // Before the rename: otherwise a power cut may leave a name on a file without content.
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, place, overwrite: true);
        }
        finally
        {
            if (File.Exists(temporary))
                File.Delete(temporary);
        }
    }
}
