namespace NativeDl;

/// <summary>An activation fused behind another op.</summary>
public enum Activation
{
    /// <summary>None: the op's own output.</summary>
    None = 1,

    /// <summary>max(x, 0).</summary>
    Relu = 2,
}

internal static class Activations
{
    /// <summary>dy taken through the activation, from its output y.</summary>
    public static Tensor Backward(Tensor y, Tensor dy, Activation activation) => activation switch
    {
        Activation.Relu => y.DType == DType.BF16 ? ReluOfBF16(y, dy) : Native.ReluBackward(y, dy),
        _ => dy,
    };

    private static Tensor ReluOfBF16(Tensor y, Tensor dy)
    {
        using var wideY = Native.CastForward(y, DType.F32);
        return Ops.ThroughF32(dy, wide => Native.ReluBackward(wideY, wide));
    }
}
