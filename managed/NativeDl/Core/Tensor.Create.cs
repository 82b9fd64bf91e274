using System.Runtime.InteropServices;

namespace NativeDl;

public sealed partial class Tensor
{
    /// <summary>A tensor with undefined content.</summary>
    /// <exception cref="ShapeException">A negative dimension, too many dimensions, or a size that overflows.</exception>
    /// <exception cref="DeviceException">The device is not there.</exception>
    /// <exception cref="NativeOutOfMemoryException">The device has not enough memory.</exception>
    public static Tensor Empty(Shape shape, DType dtype = DType.F32, Device device = default) =>
        Adopt(Native.TensorCreate(dtype, device, shape), isNewStorage: true);

    /// <summary>A tensor of zeros. Errors: as <see cref="Empty"/>.</summary>
    public static Tensor Zeros(Shape shape, DType dtype = DType.F32, Device device = default) => Filled(shape, 0, dtype, device);

    /// <summary>A tensor of ones. Errors: as <see cref="Empty"/>.</summary>
    public static Tensor Ones(Shape shape, DType dtype = DType.F32, Device device = default) => Filled(shape, 1, dtype, device);

    /// <summary>A tensor of one value, whose type gives the dtype. Errors: as <see cref="Empty"/>.</summary>
    public static Tensor Full<T>(Shape shape, T value, Device device = default) where T : unmanaged
    {
        var tensor = Empty(shape, DTypes.Of<T>(), device);
        tensor.Fill(value);
        return tensor;
    }

    /// <summary>A tensor of rank 0 with this value, whose type gives the dtype.</summary>
    public static Tensor Scalar<T>(T value, Device device = default) where T : unmanaged =>
        FromSpan([value], default, device);

    /// <summary>A tensor with a copy of these values, last dimension fastest.</summary>
    /// <exception cref="ShapeException">The shape has another number of elements than there are values.</exception>
    public static Tensor FromSpan<T>(ReadOnlySpan<T> values, Shape shape, Device device = default) where T : unmanaged
    {
        if (shape.Count != values.Length)
        {
            throw new ShapeException(
                $"FromSpan: shape {shape} has {shape.Count} elements, and {values.Length} values were given. Give as many.");
        }
        var tensor = Empty(shape, DTypes.Of<T>(), device);
        tensor.CopyFrom(values);
        return tensor;
    }

    /// <summary>A tensor of rank 1 with a copy of these values.</summary>
    public static Tensor FromArray<T>(T[] values) where T : unmanaged => FromSpan<T>(values, [values.Length]);

    /// <summary>A tensor with a copy of these values, last dimension fastest. Errors: as <see cref="FromSpan"/>.</summary>
    public static Tensor FromArray<T>(T[] values, Shape shape) where T : unmanaged => FromSpan<T>(values, shape);

    /// <summary>A tensor of rank 2 with a copy of these values.</summary>
    public static Tensor FromArray<T>(T[,] values) where T : unmanaged => FromMultiDimensional<T>(values);

    /// <summary>A tensor of rank 3 with a copy of these values.</summary>
    public static Tensor FromArray<T>(T[,,] values) where T : unmanaged => FromMultiDimensional<T>(values);

    /// <summary>A tensor of rank 4 with a copy of these values.</summary>
    public static Tensor FromArray<T>(T[,,,] values) where T : unmanaged => FromMultiDimensional<T>(values);

    private static Tensor Filled(Shape shape, double value, DType dtype, Device device)
    {
        var tensor = Empty(shape, dtype, device);
        Native.FillForward(tensor, value);
        return tensor;
    }

    private static Tensor FromMultiDimensional<T>(Array values) where T : unmanaged
    {
        var dims = new long[values.Rank];
        for (var axis = 0; axis < dims.Length; axis++)
            dims[axis] = values.GetLongLength(axis);
        ref var first = ref System.Runtime.CompilerServices.Unsafe.As<byte, T>(
            ref MemoryMarshal.GetArrayDataReference(values));
        return FromSpan(MemoryMarshal.CreateReadOnlySpan(ref first, values.Length), dims);
    }
}
