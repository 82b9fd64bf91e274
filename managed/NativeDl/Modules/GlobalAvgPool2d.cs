namespace NativeDl.Modules;

/// <summary>The mean of each channel of an image: [n, h, w, c] to [n, c], ready for a <see cref="Linear"/>.</summary>
public sealed class GlobalAvgPool2d : Module
{
    private protected override bool KeepsNothing => true;

    /// <summary>x [n, h, w, c]; returns [n, c]. Errors: as <see cref="Ops.GlobalAvgPool2d"/>.</summary>
    public override Tensor Forward(Tensor x)
    {
        var y = Ops.GlobalAvgPool2d(x);
        LayerTrace.Current?.Add(this, x, y);
        return y;
    }
}
