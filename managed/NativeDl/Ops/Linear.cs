using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

public static partial class Ops
{
    /// <summary>
    /// A fully connected layer: y[..., n] = activation(sum of x[..., k] * weight[n, k] over k + bias[n] + residual[..., n]).
    /// x [..., k] of rank 1 or more, weight [n, k], bias [n], residual and the result [..., n]. F32, BF16 (with sums in F32),
    /// F64, all the same.
    /// </summary>
    /// <exception cref="ShapeException">Wrong ranks, another number of features in x than weight takes, or a bias or residual
    /// that does not fit.</exception>
    /// <exception cref="DTypeException">The operands' types differ, or are not among these.</exception>
    public static Tensor Linear(
        Tensor x, Tensor weight, Tensor? bias = null, Activation activation = Activation.None, Tensor? residual = null)
    {
        var y = Native.LinearForward(x, weight, bias, residual, activation);
        return Tape.Record(
            "linear", y, inputs: [x, weight, bias, residual],
            saved: [weight.RequiresGrad ? x : null, x.RequiresGrad ? weight : null], state: 0,
            static (dy, saved, need, _) =>
            [
                need[0] ? Native.LinearBackwardInput(dy, saved[1]) : null,
                need[1] ? Native.LinearBackwardWeight(saved[0], dy) : null,
                need[2] ? Native.LinearBackwardBias(dy) : null,
                need[3] ? dy : null,
            ],
            activation);
    }
}

internal static unsafe partial class Native
{
    public static Tensor LinearForward(Tensor x, Tensor weight, Tensor? bias, Tensor? residual, Activation activation)
    {
        using var call = NativeCall.On(x);
        Bindings.LinearOptions.__Internal native = default;
        native.struct_size = (uint)sizeof(Bindings.LinearOptions.__Internal);
        native.activation = (Bindings.Activation)activation;
        ulong y = 0;
        var status = Abi.LinearForward(call.Context, (nint)(&native), x.Handle, weight.Handle, bias?.Handle ?? 0, residual?.Handle ?? 0, &y);
        GC.KeepAlive(x);
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
        GC.KeepAlive(residual);
        return call.Output(status, y);
    }

    public static Tensor LinearBackwardInput(Tensor dy, Tensor weight)
    {
        using var call = NativeCall.On(dy);
        ulong dx = 0;
        var status = Abi.LinearBackwardInput(call.Context, dy.Handle, weight.Handle, &dx);
        GC.KeepAlive(dy);
        GC.KeepAlive(weight);
        return call.Output(status, dx);
    }

    public static Tensor LinearBackwardWeight(Tensor x, Tensor dy)
    {
        using var call = NativeCall.On(x);
        ulong dw = 0;
        var status = Abi.LinearBackwardWeight(call.Context, x.Handle, dy.Handle, &dw);
        GC.KeepAlive(x);
        GC.KeepAlive(dy);
        return call.Output(status, dw);
    }

    /// <summary>The sum of dy [..., n] over all but the last dimension.</summary>
    public static Tensor LinearBackwardBias(Tensor dy)
    {
        using var call = NativeCall.On(dy);
        ulong db = 0;
        var status = Abi.LinearBackwardBias(call.Context, dy.Handle, &db);
        GC.KeepAlive(dy);
        return call.Output(status, db);
    }
}
