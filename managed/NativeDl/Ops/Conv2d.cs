using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

/// <summary>How <see cref="Ops.Conv2d"/> moves its kernel: <c>new Conv2dOptions { Stride = 2, Padding = 1 }</c>.</summary>
public sealed record Conv2dOptions
{
    /// <summary>Stride 1, dilation 1, no padding, one group, no activation.</summary>
    public static Conv2dOptions Default { get; } = new();

    /// <summary>Groups that the channels are divided into; the channel counts must be multiples of it.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Step between rows of outputs, > 0.</summary>
    public int StrideH { get; init; } = 1;

    /// <summary>Step between columns of outputs, > 0.</summary>
    public int StrideW { get; init; } = 1;

    /// <summary>Rows of zeros above the image.</summary>
    public int PadTop { get; init; }

    /// <summary>Rows of zeros below the image.</summary>
    public int PadBottom { get; init; }

    /// <summary>Columns of zeros left of the image.</summary>
    public int PadLeft { get; init; }

    /// <summary>Columns of zeros right of the image.</summary>
    public int PadRight { get; init; }

    /// <summary>Step between rows of the kernel, > 0.</summary>
    public int DilationH { get; init; } = 1;

    /// <summary>Step between columns of the kernel, > 0.</summary>
    public int DilationW { get; init; } = 1;

    /// <summary>Activation of the output.</summary>
    public Activation Activation { get; init; } = Activation.None;

    /// <summary>Sets both strides.</summary>
    public int Stride { init => StrideH = StrideW = value; }

    /// <summary>Sets the padding of all four sides.</summary>
    public int Padding { init => PadTop = PadBottom = PadLeft = PadRight = value; }

    /// <summary>Sets both dilations.</summary>
    public int Dilation { init => DilationH = DilationW = value; }

    internal unsafe Bindings.Conv2dOptions.__Internal ToNative() => new()
    {
        struct_size = (uint)sizeof(Bindings.Conv2dOptions.__Internal),
        groups = Groups,
        stride_h = StrideH,
        stride_w = StrideW,
        pad_top = PadTop,
        pad_bottom = PadBottom,
        pad_left = PadLeft,
        pad_right = PadRight,
        dilation_h = DilationH,
        dilation_w = DilationW,
        activation = (Bindings.Activation)Activation,
    };
}

public static partial class Ops
{
    /// <summary>
    /// 2-D convolution. x [n,h,w,c], weight [k,r,s,c/groups], bias [k]; returns [n,p,q,k] with
    /// p = (h + padding - dilation*(r-1) - 1) / stride + 1, rounded down. A residual of the result's shape is added before
    /// the activation. F32, BF16 (with sums in F32), F64, all the same.
    /// </summary>
    /// <exception cref="ShapeException">Wrong ranks, channels that do not fit, a kernel larger than the padded image, or a
    /// bias or residual that does not fit.</exception>
    /// <exception cref="DTypeException">The operands' types differ, or are not among these.</exception>
    /// <exception cref="InvalidArgumentException">A stride, dilation or group count below 1, or a negative padding.</exception>
    public static Tensor Conv2d(
        Tensor x, Tensor weight, Tensor? bias = null, Conv2dOptions? options = null, Tensor? residual = null)
    {
        var o = options ?? Conv2dOptions.Default;
        var y = Native.Conv2dForward(x, weight, bias, residual, o);
        return Tape.Record(
            "conv2d", y, inputs: [x, weight, bias, residual],
            saved: [weight.RequiresGrad ? x : null, x.RequiresGrad ? weight : null],
            state: (x: x.Shape, weight: weight.Shape, options: o),
            static (dy, saved, need, of) =>
            [
                need[0] ? Native.Conv2dBackwardInput(dy, saved[1], of.x, of.options) : null,
                need[1] ? Native.Conv2dBackwardWeight(saved[0], dy, of.weight, of.options) : null,
                need[2] ? Native.Conv2dBackwardBias(dy) : null,
                need[3] ? dy : null,
            ],
            o.Activation);
    }
}

internal static unsafe partial class Native
{
    public static Tensor Conv2dForward(Tensor x, Tensor weight, Tensor? bias, Tensor? residual, Conv2dOptions options)
    {
        using var call = NativeCall.On(x);
        var native = options.ToNative();
        ulong y = 0;
        var status = Abi.Conv2dForward(
            call.Context, (nint)(&native), x.Handle, weight.Handle, bias?.Handle ?? 0, residual?.Handle ?? 0, &y);
        GC.KeepAlive(x);
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
        GC.KeepAlive(residual);
        return call.Output(status, y);
    }

    public static Tensor Conv2dBackwardInput(Tensor dy, Tensor weight, Shape x, Conv2dOptions options)
    {
        using var call = NativeCall.On(dy);
        var native = options.ToNative();
        ulong dx = 0;
        fixed (long* dims = x.Dims)
        {
            var status = Abi.Conv2dBackwardInput(
                call.Context, (nint)(&native), dy.Handle, weight.Handle, dims, x.Rank, &dx);
            GC.KeepAlive(dy);
            GC.KeepAlive(weight);
            return call.Output(status, dx);
        }
    }

    public static Tensor Conv2dBackwardWeight(Tensor x, Tensor dy, Shape weight, Conv2dOptions options)
    {
        using var call = NativeCall.On(x);
        var native = options.ToNative();
        ulong dw = 0;
        fixed (long* dims = weight.Dims)
        {
            var status = Abi.Conv2dBackwardWeight(
                call.Context, (nint)(&native), x.Handle, dy.Handle, dims, weight.Rank, &dw);
            GC.KeepAlive(x);
            GC.KeepAlive(dy);
            return call.Output(status, dw);
        }
    }

    public static Tensor Conv2dBackwardBias(Tensor dy)
    {
        using var call = NativeCall.On(dy);
        ulong db = 0;
        var status = Abi.Conv2dBackwardBias(call.Context, dy.Handle, &db);
        GC.KeepAlive(dy);
        return call.Output(status, db);
    }
}
