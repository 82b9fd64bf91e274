using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

/// <summary>
/// How <see cref="Ops.MaxPool2d"/> moves its window: <c>new MaxPool2dOptions(3, stride: 2) { Padding = 1 }</c>.
/// </summary>
public sealed record MaxPool2dOptions
{
    /// <summary>Windows of 2x2, side by side.</summary>
    public MaxPool2dOptions() : this(2) { }

    /// <summary>Square windows, side by side unless a stride is given.</summary>
    public MaxPool2dOptions(int kernel, int? stride = null)
    {
        KernelH = KernelW = kernel;
        StrideH = StrideW = stride ?? kernel;
    }

    /// <summary>Windows of 2x2, side by side.</summary>
    public static MaxPool2dOptions Default { get; } = new();

    /// <summary>Rows of a window, > 0.</summary>
    public int KernelH { get; init; }

    /// <summary>Columns of a window, > 0.</summary>
    public int KernelW { get; init; }

    /// <summary>Step between rows of windows, > 0.</summary>
    public int StrideH { get; init; }

    /// <summary>Step between columns of windows, > 0.</summary>
    public int StrideW { get; init; }

    /// <summary>Rows above the image; at most half the kernel, as the other paddings.</summary>
    public int PadTop { get; init; }

    /// <summary>Rows below the image.</summary>
    public int PadBottom { get; init; }

    /// <summary>Columns left of the image.</summary>
    public int PadLeft { get; init; }

    /// <summary>Columns right of the image.</summary>
    public int PadRight { get; init; }

    /// <summary>Step between rows inside a window, > 0.</summary>
    public int DilationH { get; init; } = 1;

    /// <summary>Step between columns inside a window, > 0.</summary>
    public int DilationW { get; init; } = 1;

    /// <summary>Rounds the output's height and width up: a last window may reach past the padded image.</summary>
    public bool CeilMode { get; init; }

    /// <summary>
    /// What <see cref="Ops.MaxPool2dWithIndices"/> returns: places in the window, row * KernelW + column, U8, of windows of
    /// at most 256 elements, instead of pixels of the image, I32.
    /// </summary>
    public bool ArgmaxInWindow { get; init; }

    /// <summary>Sets the padding of all four sides.</summary>
    public int Padding { init => PadTop = PadBottom = PadLeft = PadRight = value; }

    /// <summary>Sets both dilations.</summary>
    public int Dilation { init => DilationH = DilationW = value; }

    /// <summary>The same windows, with the least memory that a gradient needs.</summary>
    internal MaxPool2dOptions ForTraining() => this with { ArgmaxInWindow = (long)KernelH * KernelW <= 256 };

    internal unsafe Bindings.MaxPool2dOptions.__Internal ToNative() => new()
    {
        struct_size = (uint)sizeof(Bindings.MaxPool2dOptions.__Internal),
        kernel_h = KernelH,
        kernel_w = KernelW,
        stride_h = StrideH,
        stride_w = StrideW,
        pad_top = PadTop,
        pad_bottom = PadBottom,
        pad_left = PadLeft,
        pad_right = PadRight,
        dilation_h = DilationH,
        dilation_w = DilationW,
        ceil_mode = CeilMode ? 1 : 0,
        argmax_in_window = ArgmaxInWindow ? 1 : 0,
    };
}

public static partial class Ops
{
    /// <summary>
    /// The largest element of each window; a NaN counts as largest. x [n,h,w,c]; returns [n,p,q,c] with
    /// p = (h + padding - dilation*(kernel-1) - 1) / stride + 1, rounded down, or up under
    /// <see cref="MaxPool2dOptions.CeilMode"/>. F32, F64.
    /// </summary>
    /// <exception cref="ShapeException">x is not of rank 4, or a window is larger than the padded image.</exception>
    /// <exception cref="InvalidArgumentException">A kernel, stride or dilation below 1, or a padding that is negative
    /// or over half the kernel.</exception>
    public static Tensor MaxPool2d(Tensor x, MaxPool2dOptions? options = null)
    {
        if (Tape.IsRecording(x))
        {
            var (y, argmax) = MaxPool2dWithIndices(x, (options ?? MaxPool2dOptions.Default).ForTraining());
            argmax.Dispose(); // the tape has its own
            return y;
        }
        return Native.MaxPool2dForward(x, options ?? MaxPool2dOptions.Default, wantArgmax: false).Y;
    }

    /// <summary>
    /// As <see cref="MaxPool2d"/>, and where each element came from: argmax [n,p,q,c], I32, is row * w + column of
    /// the first largest one in row order, or as <see cref="MaxPool2dOptions.ArgmaxInWindow"/> says.
    /// </summary>
    public static (Tensor Y, Tensor Argmax) MaxPool2dWithIndices(Tensor x, MaxPool2dOptions? options = null)
    {
        var o = options ?? MaxPool2dOptions.Default;
        var (y, argmax) = Native.MaxPool2dForward(x, o, wantArgmax: true);
        Tape.Record(
            "max_pool2d", y, inputs: [x], saved: [argmax], state: (x: x.Shape, options: o),
            static (dy, saved, _, of) => [Native.MaxPool2dBackward(dy, saved[0], of.x, of.options)]);
        return (y, argmax!);
    }
}

internal static unsafe partial class Native
{
    public static (Tensor Y, Tensor? Argmax) MaxPool2dForward(Tensor x, MaxPool2dOptions options, bool wantArgmax)
    {
        using var call = NativeCall.On(x);
        var native = options.ToNative();
        ulong y = 0, argmax = 0;
        var status = Abi.MaxPool2dForward(
            call.Context, (nint)(&native), x.Handle, &y, wantArgmax ? &argmax : null);
        GC.KeepAlive(x);
        return (call.Output(status, y), wantArgmax ? call.Output(status, argmax) : null);
    }

    public static Tensor MaxPool2dBackward(Tensor dy, Tensor argmax, Shape x, MaxPool2dOptions options)
    {
        using var call = NativeCall.On(dy);
        var native = options.ToNative();
        ulong dx = 0;
        fixed (long* dims = x.Dims)
        {
            var status = Abi.MaxPool2dBackward(
                call.Context, (nint)(&native), dy.Handle, argmax.Handle, dims, x.Rank, &dx);
            GC.KeepAlive(dy);
            GC.KeepAlive(argmax);
            return call.Output(status, dx);
        }
    }
}
