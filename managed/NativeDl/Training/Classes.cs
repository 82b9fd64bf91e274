using System.Numerics;
using System.Numerics.Tensors;

namespace NativeDl.Training;

internal static class Classes
{
    /// <summary>The place of the greatest output of each row, the first of equal ones.</summary>
    public static long[] Of(Tensor outputs) => outputs.DType switch
    {
        DType.F32 => Of<float>(outputs),
        DType.F64 => Of<double>(outputs),
        _ => throw new DTypeException($"Classes are found in outputs F32 or F64; these are {outputs.DType} {outputs.Shape}."),
    };

    private static long[] Of<T>(Tensor outputs) where T : unmanaged, INumber<T>
    {
        var classes = new long[outputs.Shape[0]];
        var width = (int)outputs.Shape[1];
        if (width == 0)
            throw new ShapeException($"Outputs {outputs.Shape} have no class.");
        if (outputs.Device != Device.Cpu)
        {
            Find(outputs.ToArray<T>());
            return classes;
        }
        using var map = outputs.Map<T>();
        Find(map.Span);
        return classes;

        void Find(ReadOnlySpan<T> values)
        {
            for (var row = 0; row < classes.Length; row++)
                classes[row] = TensorPrimitives.IndexOfMax(values.Slice(row * width, width));
        }
    }
}
