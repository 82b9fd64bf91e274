namespace NativeDl.Modules;

/// <summary>1 / (1 + exp(-x)), element by element.</summary>
public sealed class Sigmoid : Module
{
    private protected override bool KeepsNothing => true;

    /// <summary>Any shape; returns the same.</summary>
    public override Tensor Forward(Tensor x)
    {
        var y = Ops.Sigmoid(x);
        LayerTrace.Current?.Add(this, x, y);
        return y;
    }
}
