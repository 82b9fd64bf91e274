using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace NativeDl;

/// <summary>
/// A dense tensor on a device: a handle on native memory, with dtype and shape. Activations are NHWC, convolution
/// weights [out, kh, kw, in / groups]. Views share memory; every write to that memory raises its version.
/// <para>Nobody has to call <see cref="Dispose"/>: memory of tensors that are no longer reachable is found and reused.
/// Disposing one frees it sooner.</para>
/// <para>Ops may run on one tensor from several threads; a write, by a lease or in place, must not run beside
/// anything else on the same memory.</para>
/// </summary>
public sealed partial class Tensor : IDisposable
{
    private readonly DType _dtype;
    private readonly Device _device;
    private readonly long _count;
    private ulong _handle;
    private long[]? _dims;

    private Tensor(ulong handle, in Bindings.TensorInfo.__Internal info)
    {
        _handle = handle;
        _dtype = (DType)info.dtype;
        _device = Device.FromNative(info.device_type, info.device_index);
        _count = info.count;
    }

    /// <summary>Leaves the handle to the next native call.</summary>
    ~Tensor()
    {
        if (_handle != 0)
            Reclaimer.Enqueue(_handle);
    }

    /// <summary>The element type.</summary>
    public DType DType => _dtype;

    /// <summary>Where the tensor lives.</summary>
    public Device Device => _device;

    /// <summary>The dimensions.</summary>
    /// <exception cref="ObjectDisposedException">The tensor was disposed before its shape was first read.</exception>
    public Shape Shape => Shape.Adopt(_dims ??= Native.TensorShape(this).ToArray());

    /// <summary>Number of dimensions; 0 for a scalar.</summary>
    public int Rank => Shape.Rank;

    /// <summary>Number of elements.</summary>
    public long FlattenedLength => _count;

    /// <summary>Raised by every write to the memory, whichever view it came through.</summary>
    /// <exception cref="ObjectDisposedException">The tensor was disposed.</exception>
    public long Version => (long)Native.TensorInfo(this).version;

    /// <summary>Whether <see cref="Dispose"/> was called.</summary>
    public bool IsDisposed => _handle == 0;

    /// <summary>The handle, for a native call that ends with GC.KeepAlive(this).</summary>
    internal ulong Handle
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            var handle = _handle;
            if (handle == 0)
                ThrowDisposed();
            return handle;
        }
    }

    /// <summary>Equal for two tensors that share memory.</summary>
    internal ulong Storage => Native.TensorInfo(this).storage;

    /// <summary>
    /// Gives up this tensor's hold on its memory, which is freed when no view, lease or recorded gradient rule holds
    /// it either. Using the tensor afterwards is an <see cref="ObjectDisposedException"/>.
    /// </summary>
    public void Dispose()
    {
        var handle = Interlocked.Exchange(ref _handle, 0);
        if (handle == 0)
            return;
        Native.TensorDestroy(handle);
        GC.SuppressFinalize(this);
    }

    /// <summary>Makes the tensor that owns a native handle.</summary>
    internal static Tensor Adopt(ulong handle, bool isNewStorage)
    {
        var info = Native.TensorInfo(handle);
        var tensor = new Tensor(handle, info);
        if (isNewStorage)
            MemoryPressure.Allocated(info.byte_count);
        TensorTracking.Made(tensor);
        return tensor;
    }

    internal void RequireDType<T>(string member) where T : unmanaged
    {
        if (DTypes.Of<T>() != _dtype)
        {
            throw new DTypeException(
                $"{member}<{typeof(T).Name}> on a tensor {_dtype} {Shape}: the element type must be that of the tensor, " +
                $"{_dtype.ElementType().Name}.");
        }
    }

    [DoesNotReturn]
    private static void ThrowDisposed() => throw new ObjectDisposedException(
        nameof(Tensor), "The tensor was used after it was disposed.");
}
