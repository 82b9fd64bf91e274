namespace NativeDl.Modules;

/// <summary>max(x, 0). Behind a convolution or a linear layer, their <c>activation</c> is faster.</summary>
public sealed class Relu : Module
{
    private protected override bool KeepsNothing => true;

    /// <summary>Any shape; returns the same.</summary>
    public override Tensor Forward(Tensor x)
    {
        var y = Ops.Relu(x);
        LayerTrace.Current?.Add(this, x, y);
        return y;
    }
}
