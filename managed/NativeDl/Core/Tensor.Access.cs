using System.Runtime.CompilerServices;
using NativeDl.Bindings;

namespace NativeDl;

public sealed unsafe partial class Tensor
{
    /// <summary>
    /// Reads the elements in place: <c>using var m = t.Map&lt;float&gt;(); m.Span...</c>. The lease holds the memory,
    /// also if the tensor is disposed or finalized meanwhile; spans taken from it are good until it is disposed.
    /// </summary>
    /// <exception cref="DTypeException"><typeparamref name="T"/> is not the tensor's element type.</exception>
    /// <exception cref="DeviceException">The memory is not the CPU's; use <see cref="ToArray"/>.</exception>
    /// <exception cref="ObjectDisposedException">The tensor was disposed.</exception>
    public ReadLease<T> Map<T>() where T : unmanaged
    {
        RequireDType<T>(nameof(Map));
        var shape = Shape;
        return new ReadLease<T>(Native.TensorMap(this, Access.Read, out var address), (T*)address, shape, _count);
    }

    /// <summary>
    /// Reads and writes the elements in place, and raises the version. Errors: as <see cref="Map"/>. A gradient rule
    /// that saved this memory refuses to run afterwards.
    /// </summary>
    public WriteLease<T> MapWrite<T>() where T : unmanaged
    {
        RequireDType<T>(nameof(MapWrite));
        var shape = Shape;
        var lease = new WriteLease<T>(Native.TensorMap(this, Access.Write, out var address), (T*)address, shape, _count);
        LastWriters.Note(this, nameof(MapWrite));
        return lease;
    }

    /// <summary>Copies all elements to the beginning of a span.</summary>
    /// <exception cref="DTypeException"><typeparamref name="T"/> is not the tensor's element type.</exception>
    /// <exception cref="ArgumentException">The span is too short.</exception>
    public void CopyTo<T>(Span<T> destination) where T : unmanaged
    {
        RequireDType<T>(nameof(CopyTo));
        if (destination.Length < _count)
        {
            throw new ArgumentException(
                $"CopyTo: a tensor {Shape} has {_count} elements, and the span has room for {destination.Length}.",
                nameof(destination));
        }
        fixed (T* start = destination)
            Native.TensorRead(this, 0, start, _count * sizeof(T));
    }

    /// <summary>Overwrites all elements with the values of a span, and raises the version.</summary>
    /// <exception cref="DTypeException"><typeparamref name="T"/> is not the tensor's element type.</exception>
    /// <exception cref="ShapeException">The span has not as many values as the tensor has elements.</exception>
    public void CopyFrom<T>(ReadOnlySpan<T> source) where T : unmanaged
    {
        RequireDType<T>(nameof(CopyFrom));
        if (source.Length != _count)
        {
            throw new ShapeException(
                $"CopyFrom: a tensor {Shape} has {_count} elements, and {source.Length} values were given. Give as many.");
        }
        fixed (T* start = source)
            Native.TensorWrite(this, 0, start, _count * sizeof(T));
        LastWriters.Note(this, nameof(CopyFrom));
    }

    /// <summary>A copy of all elements, last dimension fastest.</summary>
    /// <exception cref="DTypeException"><typeparamref name="T"/> is not the tensor's element type.</exception>
    public T[] ToArray<T>() where T : unmanaged
    {
        RequireDType<T>(nameof(ToArray));
        var values = GC.AllocateUninitializedArray<T>(checked((int)_count));
        CopyTo<T>(values);
        return values;
    }

    /// <summary>The only element: of a scalar, or of any tensor with one element.</summary>
    /// <exception cref="DTypeException"><typeparamref name="T"/> is not the tensor's element type.</exception>
    /// <exception cref="ShapeException">The tensor has not exactly one element.</exception>
    public T Item<T>() where T : unmanaged
    {
        RequireDType<T>(nameof(Item));
        if (_count != 1)
            throw new ShapeException($"Item: a tensor {Shape} has {_count} elements, not one. Take a slice, or ToArray.");
        Unsafe.SkipInit(out T value);
        Native.TensorRead(this, 0, &value, sizeof(T));
        return value;
    }

    /// <summary>Copies elements from one on, for printing and other looks at a part.</summary>
    internal void Read<T>(long first, Span<T> destination) where T : unmanaged
    {
        fixed (T* start = destination)
            Native.TensorRead(this, first * sizeof(T), start, (long)destination.Length * sizeof(T));
    }
}
