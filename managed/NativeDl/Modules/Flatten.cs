namespace NativeDl.Modules;

/// <summary>Makes one dimension of all but the batch: [n, h, w, c] to [n, h * w * c]. A view, nothing is copied.</summary>
public sealed class Flatten : Module
{
    private protected override bool KeepsNothing => true;

    /// <summary>Rank 1 or more; returns [n, rest].</summary>
    public override Tensor Forward(Tensor x)
    {
        var y = x.Flatten(1);
        LayerTrace.Current?.Add(this, x, y);
        return y;
    }
}
