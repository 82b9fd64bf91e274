namespace NativeDl.Modules;

/// <summary>The largest element of each window of images [n, h, w, c]: <c>new MaxPool2d(2)</c>.</summary>
public sealed class MaxPool2d : Module
{
    /// <summary>Makes the layer.</summary>
    /// <param name="kernel">Rows and columns of a window.</param>
    /// <param name="stride">Step between windows; side by side by default.</param>
    /// <param name="padding">Padding around the image, at most half the kernel; none by default.</param>
    /// <exception cref="InvalidArgumentException">A number below 1.</exception>
    public MaxPool2d(Size2d kernel, Size2d? stride = null, Padding padding = default)
    {
        Kernel = Require.Positive(kernel, nameof(kernel), nameof(MaxPool2d));
        Stride = Require.Positive(stride ?? kernel, nameof(stride), nameof(MaxPool2d));
        Padding = padding;
    }

    /// <summary>Rows and columns of a window.</summary>
    public Size2d Kernel { get; }

    /// <summary>Step between windows.</summary>
    public Size2d Stride { get; }

    /// <summary>Padding around the image.</summary>
    public Padding Padding { get; }

    private protected override bool KeepsNothing => true;

    /// <summary>x [n, h, w, c]; returns [n, p, q, c]. Errors: as <see cref="Ops.MaxPool2d"/>.</summary>
    public override Tensor Forward(Tensor x)
    {
        var sides = Padding.For(x.Shape, Kernel, Stride, 1);
        var y = Ops.MaxPool2d(x, new MaxPool2dOptions
        {
            KernelH = Kernel.H,
            KernelW = Kernel.W,
            StrideH = Stride.H,
            StrideW = Stride.W,
            PadTop = sides.Top,
            PadBottom = sides.Bottom,
            PadLeft = sides.Left,
            PadRight = sides.Right,
        });
        LayerTrace.Current?.Add(this, x, y);
        return y;
    }

    /// <summary>"MaxPool2d(2x2)".</summary>
    public override string ToString() =>
        $"MaxPool2d({Kernel}{(Stride == Kernel ? "" : $", stride {Stride}")}" +
        $"{(Padding == Padding.Valid ? "" : $", padding {Padding}")})";
}
