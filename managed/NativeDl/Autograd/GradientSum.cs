using System.Numerics;
using System.Numerics.Tensors;

namespace NativeDl;

/// <summary>The sum of two gradients of one tensor.</summary>
internal static class GradientSum
{
    /// <summary>sum += addend.</summary>
    public static void AddInPlace(Tensor sum, Tensor addend)
    {
        if (sum.Shape != addend.Shape)
        {
            throw new AutogradException(
                $"Two gradients of one tensor have shapes {sum.Shape} and {addend.Shape}. A gradient rule gave one of a " +
                "shape that is not its tensor's.");
        }
        switch (sum.DType)
        {
            case DType.F32: AddInPlace<float>(sum, addend); break;
            case DType.F64: AddInPlace<double>(sum, addend); break;
            case DType.F16: AddInPlace<Half>(sum, addend); break;
            default: throw new UnsupportedException($"Gradients of dtype {sum.DType} cannot be summed.");
        }
    }

    private static void AddInPlace<T>(Tensor sum, Tensor addend) where T : unmanaged, INumber<T>
    {
        using var to = sum.MapWrite<T>();
        using var from = addend.Map<T>();
        TensorPrimitives.Add(to.Span, from.Span, to.Span);
    }
}
