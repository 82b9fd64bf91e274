using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

public static partial class Ops
{
    /// <summary>max(x, 0), element by element; NaN stays NaN. Any shape; F32, F64.</summary>
    /// <exception cref="DTypeException">x has another dtype.</exception>
    public static Tensor Relu(Tensor x)
    {
        var y = Native.ReluForward(x);
        return Tape.Record("relu", y, inputs: [x], saved: [y], state: 0, static (dy, saved, _, _) =>
            [Native.ReluBackward(saved[0], dy)]);
    }
}

internal static unsafe partial class Native
{
    public static Tensor ReluForward(Tensor x)
    {
        using var call = NativeCall.On(x);
        ulong y = 0;
        var status = Abi.ReluForward(call.Context, x.Handle, &y);
        GC.KeepAlive(x);
        return call.Output(status, y);
    }

    /// <summary>dy where y > 0, else 0; y is the output of the forward pass.</summary>
    public static Tensor ReluBackward(Tensor y, Tensor dy)
    {
        using var call = NativeCall.On(y);
        ulong dx = 0;
        var status = Abi.ReluBackward(call.Context, y.Handle, dy.Handle, &dx);
        GC.KeepAlive(y);
        GC.KeepAlive(dy);
        return call.Output(status, dx);
    }
}
