using System.IO.Compression;

namespace NativeDl.Tests.Data;

/// <summary>A folder that goes away with the test.</summary>
internal sealed class ScratchFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("nativedl-").FullName;

    public string Write(string name, byte[] content)
    {
        var path = System.IO.Path.Combine(Path, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    public static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
            gzip.Write(content);
        return packed.ToArray();
    }

    /// <summary>An IDX file of bytes 0, 1, 2, ... modulo a number.</summary>
    public static byte[] Idx(int modulo, params byte[] dims) =>
    [
        0, 0, 8, (byte)dims.Length,
        .. dims.SelectMany(dim => new byte[] { 0, 0, 0, dim }),
        .. Enumerable.Range(0, dims.Aggregate(1, (product, dim) => product * dim)).Select(i => (byte)(i % modulo)),
    ];

    /// <summary>The four files of a tiny set with MNIST's names.</summary>
    public void WriteMnist(string separator = "-", string suffix = "", bool gzip = false)
    {
        foreach (var (part, count) in new[] { ("train", (byte)6), ("t10k", (byte)4) })
        {
            Put($"{part}-images{separator}idx3-ubyte{suffix}", Idx(256, count, 2, 3));
            Put($"{part}-labels{separator}idx1-ubyte{suffix}", Idx(10, count));
        }
        void Put(string name, byte[] content) => Write(name, gzip ? Gzip(content) : content);
    }
}
