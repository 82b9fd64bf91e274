using NativeDl.Bindings;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

public static partial class Ops
{
    /// <summary>
    /// exp(x) divided by its sum along an axis, which may count from the end: positive numbers that sum to one. Does not
    /// overflow. x of rank 1 or more; F32, F64. For a loss over classes, <see cref="CrossEntropy"/> takes logits itself.
    /// </summary>
    /// <exception cref="ShapeException">x is a scalar.</exception>
    /// <exception cref="InvalidArgumentException">x has no such axis.</exception>
    public static Tensor Softmax(Tensor x, int axis = -1)
    {
        var y = Native.SoftmaxForward(x, axis);
        return Tape.Record("softmax", y, inputs: [x], saved: [y], state: axis, static (dy, saved, _, axis) =>
            [Native.SoftmaxBackward(saved[0], dy, axis)]);
    }

    /// <summary>The logarithm of <see cref="Softmax"/>, found without its rounding to zero. Otherwise as it.</summary>
    public static Tensor LogSoftmax(Tensor x, int axis = -1)
    {
        var y = Native.LogSoftmaxForward(x, axis);
        return Tape.Record("log_softmax", y, inputs: [x], saved: [y], state: axis, static (dy, saved, _, axis) =>
            [Native.LogSoftmaxBackward(saved[0], dy, axis)]);
    }
}

public sealed partial class Tensor
{
    /// <summary>As <see cref="Ops.Softmax"/>.</summary>
    public Tensor Softmax(int axis = -1) => Ops.Softmax(this, axis);

    /// <summary>As <see cref="Ops.LogSoftmax"/>.</summary>
    public Tensor LogSoftmax(int axis = -1) => Ops.LogSoftmax(this, axis);
}

internal static unsafe partial class Native
{
    public static Tensor SoftmaxForward(Tensor x, int axis)
    {
        using var call = NativeCall.On(x);
        var options = SoftmaxOptionsOf(axis);
        ulong y = 0;
        var status = Abi.SoftmaxForward(call.Context, (nint)(&options), x.Handle, &y);
        GC.KeepAlive(x);
        return call.Output(status, y);
    }

    public static Tensor SoftmaxBackward(Tensor y, Tensor dy, int axis)
    {
        using var call = NativeCall.On(y);
        var options = SoftmaxOptionsOf(axis);
        ulong dx = 0;
        var status = Abi.SoftmaxBackward(call.Context, (nint)(&options), y.Handle, dy.Handle, &dx);
        GC.KeepAlive(y);
        GC.KeepAlive(dy);
        return call.Output(status, dx);
    }

    public static Tensor LogSoftmaxForward(Tensor x, int axis)
    {
        using var call = NativeCall.On(x);
        var options = SoftmaxOptionsOf(axis);
        ulong y = 0;
        var status = Abi.LogSoftmaxForward(call.Context, (nint)(&options), x.Handle, &y);
        GC.KeepAlive(x);
        return call.Output(status, y);
    }

    public static Tensor LogSoftmaxBackward(Tensor y, Tensor dy, int axis)
    {
        using var call = NativeCall.On(y);
        var options = SoftmaxOptionsOf(axis);
        ulong dx = 0;
        var status = Abi.LogSoftmaxBackward(call.Context, (nint)(&options), y.Handle, dy.Handle, &dx);
        GC.KeepAlive(y);
        GC.KeepAlive(dy);
        return call.Output(status, dx);
    }

    private static SoftmaxOptions.__Internal SoftmaxOptionsOf(int axis) =>
        new() { struct_size = (uint)sizeof(SoftmaxOptions.__Internal), axis = axis };
}
