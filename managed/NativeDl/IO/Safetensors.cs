using System.Buffers;

namespace NativeDl.IO;

/// <summary>
/// Reads and writes tensors by name in the safetensors format, which other programs read too. The same tensors give the
/// same bytes.
/// </summary>
public static class Safetensors
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>
    /// Writes a file. It is written beside its place, brought to the disk, and then put in place in one step: the file
    /// that was there before stays as it was if anything fails.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="metadata">Texts to keep with them.</param>
    /// <exception cref="InvalidArgumentException">A tensor is named "__metadata__".</exception>
    /// <exception cref="IOException">The file could not be written, because the disk is full for example.</exception>
    /// <exception cref="UnauthorizedAccessException">The file or its folder must not be written.</exception>
    public static void Save(
        string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        AtomicFile.Write(path, stream => Save(stream, tensors, metadata));

    /// <summary>Writes to a stream.</summary>
    public static void Save(
        Stream stream, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(tensors);
        stream.Write(SafetensorsHeader.Write(tensors, metadata, out var order));
        var chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            foreach (var tensor in order)
            {
                var byteCount = tensor.FlattenedLength * tensor.DType.ElementSize();
                for (long done = 0; done < byteCount;)
                {
                    var part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, byteCount - done));
                    tensor.ReadBytes(done, part);
                    stream.Write(part);
                    done += part.Length;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    /// <summary>Reads all tensors of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">Where the tensors are to be.</param>
    /// <exception cref="WeightFormatException">The file is not valid.</exception>
    /// <exception cref="IOException">The file could not be read.</exception>
    public static WeightFile Load(string path, Device device = default)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        return Load(stream, path, device);
    }

    /// <summary>Reads all tensors of a stream that can tell its length, from its position 0 on.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="name">What errors call it.</param>
    /// <param name="device">Where the tensors are to be.</param>
    /// <exception cref="WeightFormatException">The content is not valid.</exception>
    public static WeightFile Load(Stream stream, string name = "(stream)", Device device = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Position = 0;
        Dictionary<string, Tensor> tensors = [];
        var chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            var header = SafetensorsHeader.Read(stream, name);
            stream.Position = header.DataStart;
            foreach (var entry in header.Entries) // in the order of their bytes, without holes
            {
                var tensor = Create(entry, name, device);
                tensors.Add(entry.Name, tensor);
                for (long done = 0; done < entry.ByteCount;)
                {
                    var part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, entry.ByteCount - done));
                    stream.ReadExactly(part);
                    tensor.WriteBytes(done, part);
                    done += part.Length;
                }
            }
            return new WeightFile(tensors, header.Metadata);
        }
        catch (Exception e)
        {
            foreach (var tensor in tensors.Values)
                tensor.Dispose();
            if (e is EndOfStreamException)
            {
                throw new WeightFormatException(
                    name, null, "It became shorter while it was read.", "Load it when no one writes to it.", e);
            }
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    private static Tensor Create(WeightEntry entry, string path, Device device)
    {
        try
        {
            return Tensor.Empty(entry.Shape, entry.DType, device);
        }
        catch (ShapeException e) // such as [0, 2^62, 2^62], which has no bytes
        {
            throw new WeightFormatException(path, entry.Name, e.Message, "No tensor of this library has such a shape.", e);
        }
    }

    /// <summary>What a file holds, from its header alone.</summary>
    /// <exception cref="WeightFormatException">The file is not valid.</exception>
    /// <exception cref="IOException">The file could not be read.</exception>
    public static (IReadOnlyList<WeightEntry> Entries, IReadOnlyDictionary<string, string> Metadata) Inspect(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        var header = SafetensorsHeader.Read(stream, path);
        return (header.Entries, header.Metadata);
    }
}

/// <summary>The content of a weight file.</summary>
/// <param name="Tensors">The tensors by name.</param>
/// <param name="Metadata">The texts that were kept with them.</param>
public sealed record WeightFile(
    IReadOnlyDictionary<string, Tensor> Tensors, IReadOnlyDictionary<string, string> Metadata) : IDisposable
{
    /// <summary>Frees the tensors now; nobody has to.</summary>
    public void Dispose()
    {
        foreach (var tensor in Tensors.Values)
            tensor.Dispose();
    }
}
