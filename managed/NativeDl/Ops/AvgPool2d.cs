using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

/// <summary>
/// How <see cref="Ops.AvgPool2d"/> moves its window: <c>new AvgPool2dOptions(3, stride: 2) { Padding = 1 }</c>.
/// </summary>
public sealed record AvgPool2dOptions
{
    /// <summary>Windows of 2x2, side by side.</summary>
    public AvgPool2dOptions() : this(2) { }

    /// <summary>Square windows, side by side unless a stride is given.</summary>
    public AvgPool2dOptions(int kernel, int? stride = null)
    {
        KernelH = KernelW = kernel;
        StrideH = StrideW = stride ?? kernel;
    }

    /// <summary>Windows of 2x2, side by side.</summary>
    public static AvgPool2dOptions Default { get; } = new();

    /// <summary>Rows of a window, > 0.</summary>
    public int KernelH { get; init; }

    /// <summary>Columns of a window, > 0.</summary>
    public int KernelW { get; init; }

    /// <summary>Step between rows of windows, > 0.</summary>
    public int StrideH { get; init; }

    /// <summary>Step between columns of windows, > 0.</summary>
    public int StrideW { get; init; }

    /// <summary>Rows of zeros above the image; at most half the kernel, as the other paddings.</summary>
    public int PadTop { get; init; }

    /// <summary>Rows of zeros below the image.</summary>
    public int PadBottom { get; init; }

    /// <summary>Columns of zeros left of the image.</summary>
    public int PadLeft { get; init; }

    /// <summary>Columns of zeros right of the image.</summary>
    public int PadRight { get; init; }

    /// <summary>Rounds the output's height and width up: a last window may reach past the padded image.</summary>
    public bool CeilMode { get; init; }

    /// <summary>Whether elements of the padding count in the mean.</summary>
    public bool CountIncludePad { get; init; } = true;

    /// <summary>What sums are divided by, in place of the window's size; 0: the window's size.</summary>
    public int DivisorOverride { get; init; }

    /// <summary>Sets the padding of all four sides.</summary>
    public int Padding { init => PadTop = PadBottom = PadLeft = PadRight = value; }

    internal unsafe Bindings.AvgPool2dOptions.__Internal ToNative() => new()
    {
        struct_size = (uint)sizeof(Bindings.AvgPool2dOptions.__Internal),
        kernel_h = KernelH,
        kernel_w = KernelW,
        stride_h = StrideH,
        stride_w = StrideW,
        pad_top = PadTop,
        pad_bottom = PadBottom,
        pad_left = PadLeft,
        pad_right = PadRight,
        ceil_mode = CeilMode ? 1 : 0,
        count_include_pad = CountIncludePad ? 1 : 0,
        divisor_override = DivisorOverride,
    };
}

public static partial class Ops
{
    /// <summary>
    /// The mean of each window. x [n,h,w,c]; returns [n,p,q,c] with p = (h + padding - kernel) / stride + 1, rounded
    /// down, or up under <see cref="AvgPool2dOptions.CeilMode"/>. F32, F64.
    /// </summary>
    /// <exception cref="ShapeException">x is not of rank 4, has no pixels, or a window is larger than the padded image.
    /// </exception>
    /// <exception cref="InvalidArgumentException">A kernel or stride below 1, a negative divisor, or a padding that is
    /// negative or over half the kernel.</exception>
    public static Tensor AvgPool2d(Tensor x, AvgPool2dOptions? options = null)
    {
        var o = options ?? AvgPool2dOptions.Default;
        var y = Native.AvgPool2dForward(x, o);
        return Tape.Record(
            "avg_pool2d", y, inputs: [x], saved: [], state: (x: x.Shape, options: o),
            static (dy, _, _, of) => [Native.AvgPool2dBackward(dy, of.x, of.options)]);
    }
}

internal static unsafe partial class Native
{
    public static Tensor AvgPool2dForward(Tensor x, AvgPool2dOptions options)
    {
        using var call = NativeCall.On(x);
        var native = options.ToNative();
        ulong y = 0;
        var status = Abi.AvgPool2dForward(call.Context, (nint)(&native), x.Handle, &y);
        GC.KeepAlive(x);
        return call.Output(status, y);
    }

    public static Tensor AvgPool2dBackward(Tensor dy, Shape x, AvgPool2dOptions options)
    {
        using var call = NativeCall.On(dy);
        var native = options.ToNative();
        ulong dx = 0;
        fixed (long* dims = x.Dims)
        {
            var status = Abi.AvgPool2dBackward(call.Context, (nint)(&native), dy.Handle, dims, x.Rank, &dx);
            GC.KeepAlive(dy);
            return call.Output(status, dx);
        }
    }
}
