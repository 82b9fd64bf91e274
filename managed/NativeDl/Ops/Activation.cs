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
        Activation.Relu => Native.ReluBackward(y, dy),
        _ => dy,
    };
}
