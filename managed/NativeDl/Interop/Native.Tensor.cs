using NativeDl.Bindings;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

/// <summary>
/// The one layer over the generated bindings: every call of the ABI stands here, keeps its operands alive to its end,
/// and turns its status into an exception. An op's part of the class stands in the op's own file.
/// </summary>
internal static unsafe partial class Native
{
    public static ulong TensorCreate(DType dtype, Device device, Shape shape)
    {
        Reclaimer.Drain();
        TensorOptions.__Internal options = default;
        options.struct_size = (uint)sizeof(TensorOptions.__Internal);
        options.dtype = (Dtype)dtype;
        options.device_type = device.NativeType;
        options.device_index = device.Index;
        ulong handle = 0;
        fixed (long* dims = shape.Dims)
            NativeStatus.Check(Abi.TensorCreate((nint)(&options), dims, shape.Rank, &handle));
        return handle;
    }

    public static ulong TensorAlias(Tensor tensor)
    {
        var alias = TensorAlias(tensor.Handle);
        GC.KeepAlive(tensor);
        return alias;
    }

    /// <summary>For a handle that has no tensor object.</summary>
    public static ulong TensorAlias(ulong handle)
    {
        Reclaimer.Drain();
        ulong alias = 0;
        NativeStatus.Check(Abi.TensorAlias(handle, &alias));
        return alias;
    }

    public static ulong TensorView(Tensor tensor, long offset, Shape shape)
    {
        Reclaimer.Drain();
        ulong view = 0;
        Status status;
        fixed (long* dims = shape.Dims)
            status = Abi.TensorView(tensor.Handle, offset, dims, shape.Rank, &view);
        GC.KeepAlive(tensor);
        NativeStatus.Check(status);
        return view;
    }

    public static TensorInfo.__Internal TensorInfo(Tensor tensor)
    {
        var status = TryTensorInfo(tensor.Handle, out var info);
        GC.KeepAlive(tensor);
        NativeStatus.Check(status);
        return info;
    }

    /// <summary>For a handle that has no tensor object.</summary>
    public static TensorInfo.__Internal TensorInfo(ulong handle)
    {
        NativeStatus.Check(TryTensorInfo(handle, out var info));
        return info;
    }

    public static Shape TensorShape(Tensor tensor)
    {
        var dims = stackalloc long[(int)Constants.MaxRank];
        int rank;
        var status = Abi.TensorGetDims(tensor.Handle, dims, (int)Constants.MaxRank, &rank);
        GC.KeepAlive(tensor);
        NativeStatus.Check(status);
        return new Shape(new ReadOnlySpan<long>(dims, rank));
    }

    public static void TensorRead(Tensor tensor, long byteOffset, void* destination, long byteCount)
    {
        var status = Abi.TensorRead(tensor.Handle, byteOffset, (nint)destination, byteCount);
        GC.KeepAlive(tensor);
        NativeStatus.Check(status);
    }

    public static void TensorWrite(Tensor tensor, long byteOffset, void* source, long byteCount)
    {
        var status = Abi.TensorWrite(tensor.Handle, byteOffset, (nint)source, byteCount);
        GC.KeepAlive(tensor);
        NativeStatus.Check(status);
    }

    public static ulong TensorMap(Tensor tensor, Access access, out void* address)
    {
        ulong lease = 0, start = 0;
        var status = Abi.TensorMap(tensor.Handle, access, &lease, &start);
        GC.KeepAlive(tensor);
        NativeStatus.Check(status);
        address = (void*)start;
        return lease;
    }

    /// <summary>Frees a handle at once. Safe for 0 and for a handle that is gone.</summary>
    public static void TensorDestroy(ulong handle) => Abi.TensorDestroy(handle);

    /// <summary>Gives back a lease. Safe for one that was given back before.</summary>
    public static void LeaseRelease(ulong lease) => Abi.LeaseRelease(lease);

    private static Status TryTensorInfo(ulong handle, out TensorInfo.__Internal info)
    {
        TensorInfo.__Internal native = default;
        native.struct_size = (uint)sizeof(TensorInfo.__Internal);
        var status = Abi.TensorGetInfo(handle, (nint)(&native));
        info = native;
        return status;
    }
}
