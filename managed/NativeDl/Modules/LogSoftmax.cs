namespace NativeDl.Modules;

/// <summary>The logarithm of <see cref="Softmax"/>, without its rounding to zero.</summary>
/// <param name="axis">The axis; negative ones count from the end.</param>
public sealed class LogSoftmax(int axis = -1) : Module
{
    /// <summary>The axis; negative ones count from the end.</summary>
    public int Axis => axis;

    private protected override bool KeepsNothing => true;

    /// <summary>Any shape of rank 1 or more; returns the same. Errors: as <see cref="Ops.LogSoftmax"/>.</summary>
    public override Tensor Forward(Tensor x)
    {
        var y = Ops.LogSoftmax(x, axis);
        LayerTrace.Current?.Add(this, x, y);
        return y;
    }
}
