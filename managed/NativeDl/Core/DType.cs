using System.Runtime.CompilerServices;

namespace NativeDl;

/// <summary>Element types of tensors.</summary>
public enum DType
{
    /// <summary>32-bit float, <see cref="float"/>.</summary>
    F32 = 1,

    /// <summary>64-bit float, <see cref="double"/>.</summary>
    F64 = 2,

    /// <summary>16-bit float, <see cref="Half"/>.</summary>
    F16 = 3,

    /// <summary>16-bit float with the exponent of <see cref="float"/>, <see cref="BFloat16"/>.</summary>
    BF16 = 4,

    /// <summary>64-bit integer, <see cref="long"/>.</summary>
    I64 = 5,

    /// <summary>32-bit integer, <see cref="int"/>.</summary>
    I32 = 6,

    /// <summary>8-bit integer, <see cref="sbyte"/>.</summary>
    I8 = 7,

    /// <summary>Unsigned 8-bit integer, <see cref="byte"/>.</summary>
    U8 = 8,
}

/// <summary>Facts about element types.</summary>
public static class DTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int ElementSize(this DType dtype) => dtype switch
    {
        DType.F64 or DType.I64 => 8,
        DType.F32 or DType.I32 => 4,
        DType.F16 or DType.BF16 => 2,
        _ => 1,
    };

    /// <summary>Whether the type is one of the floats, which alone have gradients.</summary>
    public static bool IsFloat(this DType dtype) => dtype is >= DType.F32 and <= DType.BF16;

    /// <summary>The dtype of a .NET element type.</summary>
    /// <exception cref="DTypeException">No dtype has this element type.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DType Of<T>() where T : unmanaged
    {
        if (typeof(T) == typeof(float)) return DType.F32;
        if (typeof(T) == typeof(double)) return DType.F64;
        if (typeof(T) == typeof(Half)) return DType.F16;
        if (typeof(T) == typeof(BFloat16)) return DType.BF16;
        if (typeof(T) == typeof(long)) return DType.I64;
        if (typeof(T) == typeof(int)) return DType.I32;
        if (typeof(T) == typeof(sbyte)) return DType.I8;
        if (typeof(T) == typeof(byte)) return DType.U8;
        throw new DTypeException(
            $"No tensor holds elements of type {typeof(T)}. Use float, double, Half, BFloat16, long, int, sbyte or byte.");
    }

    internal static Type ElementType(this DType dtype) => dtype switch
    {
        DType.F32 => typeof(float),
        DType.F64 => typeof(double),
        DType.F16 => typeof(Half),
        DType.BF16 => typeof(BFloat16),
        DType.I64 => typeof(long),
        DType.I32 => typeof(int),
        DType.I8 => typeof(sbyte),
        _ => typeof(byte),
    };
}
