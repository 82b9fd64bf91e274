using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

public static partial class Ops
{
    /// <summary>
    /// The squared differences of x and target, which have one shape: their mean or sum, a scalar, or all of them. The
    /// mean of nothing is NaN. Gradients flow to both. F32, F64.
    /// </summary>
    /// <exception cref="ShapeException">The shapes differ: nothing is broadcast.</exception>
    public static Tensor MseLoss(Tensor x, Tensor target, Reduction reduction = Reduction.Mean)
    {
        var loss = Native.MseLossForward(x, target, reduction);
        return Tape.Record(
            "mse_loss", loss, inputs: [x, target], saved: [x, target], state: reduction,
            static (dloss, saved, need, reduction) =>
            [
                need[0] ? Native.MseLossBackward(saved[0], saved[1], dloss, reduction) : null,
                need[1] ? Native.MseLossBackward(saved[1], saved[0], dloss, reduction) : null,
            ]);
    }
}

internal static unsafe partial class Native
{
    public static Tensor MseLossForward(Tensor x, Tensor target, Reduction reduction)
    {
        using var call = NativeCall.On(x);
        var options = MseLossOptionsOf(reduction);
        ulong loss = 0;
        var status = Abi.MseLossForward(call.Context, (nint)(&options), x.Handle, target.Handle, &loss);
        GC.KeepAlive(x);
        GC.KeepAlive(target);
        return call.Output(status, loss);
    }

    public static Tensor MseLossBackward(Tensor x, Tensor target, Tensor dloss, Reduction reduction)
    {
        using var call = NativeCall.On(x);
        var options = MseLossOptionsOf(reduction);
        ulong dx = 0;
        var status = Abi.MseLossBackward(call.Context, (nint)(&options), x.Handle, target.Handle, dloss.Handle, &dx);
        GC.KeepAlive(x);
        GC.KeepAlive(target);
        GC.KeepAlive(dloss);
        return call.Output(status, dx);
    }

    private static Bindings.MseLossOptions.__Internal MseLossOptionsOf(Reduction reduction) => new()
    {
        struct_size = (uint)sizeof(Bindings.MseLossOptions.__Internal),
        reduction = (Bindings.Reduction)reduction,
    };
}
