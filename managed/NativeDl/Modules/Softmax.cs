namespace NativeDl.Modules;

/// <summary>
/// Probabilities: exp of each element, divided by their sum along an axis. Not at the end of a model that
/// <see cref="Losses.CrossEntropyLoss"/> trains, which has it inside.
/// </summary>
/// <param name="axis">The axis; negative ones count from the end.</param>
public sealed class Softmax(int axis = -1) : Module
{
    /// <summary>The axis; negative ones count from the end.</summary>
    public int Axis => axis;

    private protected override bool KeepsNothing => true;

    /// <summary>Any shape of rank 1 or more; returns the same. Errors: as <see cref="Ops.Softmax"/>.</summary>
    public override Tensor Forward(Tensor x)
    {
        var y = Ops.Softmax(x, axis);
        LayerTrace.Current?.Add(this, x, y);
        return y;
    }
}
