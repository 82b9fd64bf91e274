using System.Numerics.Tensors;

namespace NativeDl;

/// <summary>
/// Access to a CPU tensor's elements for reading, until disposed; holds the memory. Made by <see cref="Tensor.Map"/>.
/// Spans taken from the lease must not be used after it.
/// </summary>
public unsafe ref struct ReadLease<T> where T : unmanaged
{
    private LeasedMemory<T> _memory;

    internal ReadLease(ulong lease, T* start, Shape shape, long count) => _memory = new(lease, start, shape, count);

    /// <summary>All elements, last dimension fastest.</summary>
    /// <exception cref="ObjectDisposedException">The lease was disposed.</exception>
    /// <exception cref="ShapeException">More elements than a span can hold; use <see cref="TensorSpan"/>.</exception>
    public readonly ReadOnlySpan<T> Span => _memory.Span;

    /// <summary>The elements under the tensor's shape ([1] for a scalar).</summary>
    /// <exception cref="ObjectDisposedException">The lease was disposed.</exception>
    public readonly ReadOnlyTensorSpan<T> TensorSpan => _memory.TensorSpan;

    /// <summary>Gives the memory back. Disposing twice is allowed.</summary>
    public void Dispose() => _memory.Release();
}

/// <summary>
/// Access to a CPU tensor's elements for reading and writing, until disposed; holds the memory. Made by
/// <see cref="Tensor.MapWrite"/>. Spans taken from the lease must not be used after it.
/// </summary>
public unsafe ref struct WriteLease<T> where T : unmanaged
{
    private LeasedMemory<T> _memory;

    internal WriteLease(ulong lease, T* start, Shape shape, long count) => _memory = new(lease, start, shape, count);

    /// <summary>All elements, last dimension fastest.</summary>
    /// <exception cref="ObjectDisposedException">The lease was disposed.</exception>
    /// <exception cref="ShapeException">More elements than a span can hold; use <see cref="TensorSpan"/>.</exception>
    public readonly Span<T> Span => _memory.Span;

    /// <summary>The elements under the tensor's shape ([1] for a scalar).</summary>
    /// <exception cref="ObjectDisposedException">The lease was disposed.</exception>
    public readonly TensorSpan<T> TensorSpan => _memory.TensorSpan;

    /// <summary>Gives the memory back. Disposing twice is allowed.</summary>
    public void Dispose() => _memory.Release();

    internal readonly void Fill(T value) => _memory.Fill(value);
}

/// <summary>What both leases share.</summary>
internal unsafe ref struct LeasedMemory<T> where T : unmanaged
{
    private readonly T* _start;
    private readonly Shape _shape;
    private readonly long _count;
    private ulong _lease;

    public LeasedMemory(ulong lease, T* start, Shape shape, long count)
    {
        _lease = lease;
        _start = start;
        _shape = shape;
        _count = count;
    }

    public readonly Span<T> Span
    {
        get
        {
            ThrowIfReleased();
            if (_count > int.MaxValue)
                throw new ShapeException($"A tensor {_shape} has more elements than a Span holds. Use TensorSpan, or slices.");
            return new Span<T>(_start, (int)_count);
        }
    }

    public readonly TensorSpan<T> TensorSpan
    {
        get
        {
            ThrowIfReleased();
            if (_shape.Rank == 0)
                return new TensorSpan<T>(_start, 1, [1], []);
            Span<nint> lengths = stackalloc nint[_shape.Rank];
            for (var axis = 0; axis < lengths.Length; axis++)
                lengths[axis] = (nint)_shape[axis];
            return new TensorSpan<T>(_start, (nint)_count, lengths, []);
        }
    }

    public readonly void Fill(T value)
    {
        ThrowIfReleased();
        for (long done = 0; done < _count; done += int.MaxValue)
            new Span<T>(_start + done, (int)Math.Min(_count - done, int.MaxValue)).Fill(value);
    }

    public void Release()
    {
        if (_lease == 0)
            return;
        Native.LeaseRelease(_lease);
        _lease = 0;
    }

    private readonly void ThrowIfReleased() =>
        ObjectDisposedException.ThrowIf(_lease == 0, typeof(Tensor));
}
