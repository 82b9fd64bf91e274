namespace NativeDl.Modules;

/// <summary>The mean of each window of images [n, h, w, c]: <c>new AvgPool2d(2)</c>.</summary>
public sealed class AvgPool2d : Module
{
    /// <summary>Makes the layer.</summary>
    /// <param name="kernel">Rows and columns of a window.</param>
    /// <param name="stride">Step between windows; side by side by default.</param>
    /// <param name="padding">Padding around the image, at most half the kernel; none by default.</param>
    /// <param name="countPadding">Whether the zeros of the padding count in the mean, as in PyTorch; not so in
    /// Keras.</param>
    /// <exception cref="InvalidArgumentException">A number below 1.</exception>
    public AvgPool2d(Size2d kernel, Size2d? stride = null, Padding padding = default, bool countPadding = true)
    {
        Kernel = Require.Positive(kernel, nameof(kernel), nameof(AvgPool2d));
        Stride = Require.Positive(stride ?? kernel, nameof(stride), nameof(AvgPool2d));
        Padding = padding;
        CountPadding = countPadding;
    }

    /// <summary>Rows and columns of a window.</summary>
    public Size2d Kernel { get; }

    /// <summary>Step between windows.</summary>
    public Size2d Stride { get; }

    /// <summary>Padding around the image.</summary>
    public Padding Padding { get; }

    /// <summary>Whether the zeros of the padding count in the mean.</summary>
    public bool CountPadding { get; }

    private protected override bool KeepsNothing => true;

    /// <summary>x [n, h, w, c]; returns [n, p, q, c]. Errors: as <see cref="Ops.AvgPool2d"/>.</summary>
    public override Tensor Forward(Tensor x)
    {
        var sides = Padding.For(x.Shape, Kernel, Stride, 1);
        var y = Ops.AvgPool2d(x, new AvgPool2dOptions
        {
            KernelH = Kernel.H,
            KernelW = Kernel.W,
            StrideH = Stride.H,
            StrideW = Stride.W,
            PadTop = sides.Top,
            PadBottom = sides.Bottom,
            PadLeft = sides.Left,
            PadRight = sides.Right,
            CountIncludePad = CountPadding,
        });
        LayerTrace.Current?.Add(this, x, y);
        return y;
    }

    /// <summary>"AvgPool2d(2x2)".</summary>
    public override string ToString() =>
        $"AvgPool2d({Kernel}{(Stride == Kernel ? "" : $", stride {Stride}")}" +
        $"{(Padding == Padding.Valid ? "" : $", padding {Padding}")})";
}
