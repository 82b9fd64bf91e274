using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

/// <summary>
/// The convolution of <see cref="Ops.Conv2dMaxPool2d"/>, and its pooling windows, which lie side by side:
/// <c>new Conv2dMaxPool2dOptions(pool: 2) { Conv2d = new() { Padding = 1, Activation = Activation.Relu } }</c>.
/// </summary>
public sealed record Conv2dMaxPool2dOptions
{
    /// <summary>Windows of 2x2 behind a convolution by <see cref="Conv2dOptions.Default"/>.</summary>
    public Conv2dMaxPool2dOptions() : this(2) { }

    /// <summary>Square windows behind a convolution by <see cref="Conv2dOptions.Default"/>.</summary>
    public Conv2dMaxPool2dOptions(int pool) => PoolH = PoolW = pool;

    /// <summary>Windows of 2x2 behind a convolution by <see cref="Conv2dOptions.Default"/>.</summary>
    public static Conv2dMaxPool2dOptions Default { get; } = new();

    /// <summary>The convolution and its activation; of one group.</summary>
    public Conv2dOptions Conv2d { get; init; } = Conv2dOptions.Default;

    /// <summary>Rows of a pooling window, > 0.</summary>
    public int PoolH { get; init; }

    /// <summary>Columns of a pooling window, > 0; a window has at most 255 elements.</summary>
    public int PoolW { get; init; }

    internal unsafe Bindings.Conv2dMaxPool2dOptions.__Internal ToNative()
    {
        var conv = Conv2d;
        if (conv.Groups != 1)
        {
            throw new InvalidArgumentException(
                $"conv2d_max_pool2d: Groups is {conv.Groups}; it takes one group only. Use Conv2d and MaxPool2d one after the other.");
        }
        return new()
        {
            struct_size = (uint)sizeof(Bindings.Conv2dMaxPool2dOptions.__Internal),
            pool_h = PoolH,
            pool_w = PoolW,
            stride_h = conv.StrideH,
            stride_w = conv.StrideW,
            pad_top = conv.PadTop,
            pad_bottom = conv.PadBottom,
            pad_left = conv.PadLeft,
            pad_right = conv.PadRight,
            dilation_h = conv.DilationH,
            dilation_w = conv.DilationW,
            activation = (Bindings.Activation)conv.Activation,
        };
    }
}

public static partial class Ops
{
    /// <summary>
    /// <see cref="Conv2d"/> of one group and <see cref="MaxPool2d"/> by windows side by side, in one step and without the
    /// image between them: faster, and less memory. x [n,h,w,c], weight [k,r,s,c], bias [k]; returns [n,p,q,k] with p the
    /// rows of the convolution's output over <see cref="Conv2dMaxPool2dOptions.PoolH"/>, rounded down. F32, F64, all the same.
    /// <see cref="Modules.Sequential"/> takes it by itself where a <see cref="Modules.Conv2d"/> is followed by a
    /// <see cref="Modules.MaxPool2d"/>.
    /// </summary>
    /// <exception cref="ShapeException">Wrong ranks, channels that do not fit, a kernel larger than the padded image, or a
    /// window larger than what the convolution gives.</exception>
    /// <exception cref="InvalidArgumentException">A stride, dilation or side of a window below 1, a window of more than 255
    /// elements, a negative padding, or groups.</exception>
    public static Tensor Conv2dMaxPool2d(Tensor x, Tensor weight, Tensor? bias = null, Conv2dMaxPool2dOptions? options = null)
    {
        if (Tape.IsRecording(x, weight, bias))
        {
            var (y, argmax) = Conv2dMaxPool2dWithIndices(x, weight, bias, options);
            argmax.Dispose(); // the tape has its own
            return y;
        }
        return Native.Conv2dMaxPool2dForward(x, weight, bias, options ?? Conv2dMaxPool2dOptions.Default, wantArgmax: false).Y;
    }

    /// <summary>
    /// As <see cref="Conv2dMaxPool2d"/>, and where in its window each element came from: argmax [n,p,q,k], U8, is
    /// row * PoolW + column of the first largest one in row order, or 255 where relu leaves no gradient.
    /// </summary>
    public static (Tensor Y, Tensor Argmax) Conv2dMaxPool2dWithIndices(
        Tensor x, Tensor weight, Tensor? bias = null, Conv2dMaxPool2dOptions? options = null)
    {
        var o = options ?? Conv2dMaxPool2dOptions.Default;
        var (y, argmax) = Native.Conv2dMaxPool2dForward(x, weight, bias, o, wantArgmax: true);
        Tape.Record(
            "conv2d_max_pool2d", y, inputs: [x, weight, bias],
            saved: [argmax, weight.RequiresGrad ? x : null, x.RequiresGrad ? weight : null],
            state: (x: x.Shape, weight: weight.Shape, options: o),
            static (dy, saved, need, of) =>
            [
                need[0] ? Native.Conv2dMaxPool2dBackwardInput(dy, saved[0], saved[2], of.x, of.options) : null,
                need[1] ? Native.Conv2dMaxPool2dBackwardWeight(saved[1], dy, saved[0], of.weight, of.options) : null,
                need[2] ? Native.Conv2dMaxPool2dBackwardBias(dy, saved[0]) : null,
            ]);
        return (y, argmax!);
    }
}

internal static unsafe partial class Native
{
    public static (Tensor Y, Tensor? Argmax) Conv2dMaxPool2dForward(
        Tensor x, Tensor weight, Tensor? bias, Conv2dMaxPool2dOptions options, bool wantArgmax)
    {
        using var call = NativeCall.On(x);
        var native = options.ToNative();
        ulong y = 0, argmax = 0;
        var status = Abi.Conv2dMaxPool2dForward(
            call.Context, (nint)(&native), x.Handle, weight.Handle, bias?.Handle ?? 0, &y, wantArgmax ? &argmax : null);
        GC.KeepAlive(x);
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
        return (call.Output(status, y), wantArgmax ? call.Output(status, argmax) : null);
    }

    public static Tensor Conv2dMaxPool2dBackwardInput(
        Tensor dy, Tensor argmax, Tensor weight, Shape x, Conv2dMaxPool2dOptions options)
    {
        using var call = NativeCall.On(dy);
        var native = options.ToNative();
        ulong dx = 0;
        fixed (long* dims = x.Dims)
        {
            var status = Abi.Conv2dMaxPool2dBackwardInput(
                call.Context, (nint)(&native), dy.Handle, argmax.Handle, weight.Handle, dims, x.Rank, &dx);
            GC.KeepAlive(dy);
            GC.KeepAlive(argmax);
            GC.KeepAlive(weight);
            return call.Output(status, dx);
        }
    }

    public static Tensor Conv2dMaxPool2dBackwardBias(Tensor dy, Tensor argmax)
    {
        using var call = NativeCall.On(dy);
        ulong db = 0;
        var status = Abi.Conv2dMaxPool2dBackwardBias(call.Context, dy.Handle, argmax.Handle, &db);
        GC.KeepAlive(dy);
        GC.KeepAlive(argmax);
        return call.Output(status, db);
    }

    public static Tensor Conv2dMaxPool2dBackwardWeight(
        Tensor x, Tensor dy, Tensor argmax, Shape weight, Conv2dMaxPool2dOptions options)
    {
        using var call = NativeCall.On(x);
        var native = options.ToNative();
        ulong dw = 0;
        fixed (long* dims = weight.Dims)
        {
            var status = Abi.Conv2dMaxPool2dBackwardWeight(
                call.Context, (nint)(&native), x.Handle, dy.Handle, argmax.Handle, dims, weight.Rank, &dw);
            GC.KeepAlive(x);
            GC.KeepAlive(dy);
            GC.KeepAlive(argmax);
            return call.Output(status, dw);
        }
    }
}
