namespace NativeDl.Modules;

/// <summary>The hyperbolic tangent, element by element.</summary>
public sealed class Tanh : Module
{
    private protected override bool KeepsNothing => true;

    /// <summary>Any shape; returns the same.</summary>
    public override Tensor Forward(Tensor x)
    {
        var y = Ops.Tanh(x);
        LayerTrace.Current?.Add(this, x, y);
        return y;
    }
}
