using System.IO.Compression;

namespace NativeDl.Data;

/// <summary>Files of data sets, plain or gzip.</summary>
internal static class DataFile
{
    /// <summary>The first of the names that the folder has, as it is or with ".gz"; null if it has none.</summary>
    public static string? Find(string folder, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            var path = Path.Combine(folder, name);
            if (File.Exists(path))
                return path;
            if (File.Exists(path + ".gz"))
                return path + ".gz";
        }
        return null;
    }

    /// <summary>As <see cref="Find"/>, and an error if the folder has none.</summary>
    public static string Require(string folder, string remedy, params ReadOnlySpan<string> names) =>
        Find(folder, names) ?? throw new DataFormatException(
            folder, $"a file {string.Join(" or ", names!)}, plain or with .gz", Listing(folder), remedy);

    /// <summary>What a folder has, for an error message.</summary>
    public static string Listing(string folder)
    {
        const int shown = 6;
        var names = Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName)
            .Order(StringComparer.Ordinal).ToArray();
        return names.Length == 0 ? "an empty folder"
            : "only " + string.Join(", ", names.Take(shown)) + (names.Length > shown ? ", ..." : "");
    }

    /// <summary>The whole content, unpacked if it begins as gzip does: the name says nothing.</summary>
    public static byte[] Read(string path)
    {
        var content = File.ReadAllBytes(path);
        if (content is not [0x1F, 0x8B, ..])
            return content;
        try
        {
            using var gzip = new GZipStream(new MemoryStream(content), CompressionMode.Decompress);
            using var plain = new MemoryStream();
            gzip.CopyTo(plain);
            return plain.ToArray();
        }
        catch (InvalidDataException e)
        {
            throw new DataFormatException(
                path, "intact gzip data", "damaged data", "Get the file again: this copy is broken.", e);
        }
    }
}
