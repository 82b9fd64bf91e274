using System.Buffers;

namespace NativeDl;

public sealed unsafe partial class Tensor
{
    /// <summary>Copies bytes from an offset on, for files.</summary>
    internal void ReadBytes(long offset, Span<byte> destination)
    {
        fixed (byte* start = destination)
            Native.TensorRead(this, offset, start, destination.Length);
    }

    /// <summary>Overwrites bytes from an offset on, for files.</summary>
    internal void WriteBytes(long offset, ReadOnlySpan<byte> source)
    {
        fixed (byte* start = source)
            Native.TensorWrite(this, offset, start, source.Length);
    }

    /// <summary>Overwrites all elements with those of a tensor of the same dtype and shape, on any device.</summary>
    internal void CopyBytesFrom(Tensor source) => CopyBytesAt(0, source);

    /// <summary>Overwrites bytes from an offset on with all elements of a tensor; returns how many they are.</summary>
    internal long CopyBytesAt(long offset, Tensor source)
    {
        const int ChunkBytes = 1 << 20;
        var byteCount = source._count * source._dtype.ElementSize();
        var chunk = ArrayPool<byte>.Shared.Rent((int)Math.Min(ChunkBytes, Math.Max(byteCount, 1)));
        for (long done = 0; done < byteCount;)
        {
            var part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, byteCount - done));
            source.ReadBytes(done, part);
            WriteBytes(offset + done, part);
            done += part.Length;
        }
        ArrayPool<byte>.Shared.Return(chunk);
        return byteCount;
    }
}
