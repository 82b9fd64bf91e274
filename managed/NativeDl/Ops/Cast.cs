using NativeDl.Bindings;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

public static partial class Ops
{
    /// <summary>
    /// x in another dtype, or a copy in the same. To a float: rounded to nearest, ties to even. To an integer: floats are
    /// cut off towards 0, NaN gives 0, and what is out of range gives the nearest integer in range.
    /// </summary>
    public static Tensor Cast(Tensor x, DType dtype)
    {
        var y = Native.CastForward(x, dtype);
        if (!dtype.IsFloat())
            return y;
        return Tape.Record(
            "cast", y, inputs: [x], saved: [], state: x.DType, static (dy, _, _, of) => [Native.CastForward(dy, of)]);
    }

    /// <summary>What a function gives for x; for x in bf16 it is called with x in f32, and its result narrowed.</summary>
    internal static Tensor ThroughF32(Tensor x, Func<Tensor, Tensor> function)
    {
        if (x.DType != DType.BF16)
            return function(x);
        using var wide = Native.CastForward(x, DType.F32);
        using var result = function(wide);
        return Native.CastForward(result, DType.BF16);
    }
}

public sealed partial class Tensor
{
    /// <summary>This tensor in another dtype; see <see cref="Ops.Cast"/>.</summary>
    public Tensor Cast(DType dtype) => Ops.Cast(this, dtype);
}

internal static unsafe partial class Native
{
    public static Tensor CastForward(Tensor x, DType dtype)
    {
        using var call = NativeCall.On(x);
        var options = CastOptions(dtype);
        ulong y = 0;
        var status = Abi.CastForward(call.Context, (nint)(&options), x.Handle, &y);
        GC.KeepAlive(x);
        return call.Output(status, y);
    }

    /// <summary>Overwrites a tensor of x's shape.</summary>
    public static void CastInto(Tensor target, Tensor x)
    {
        using var call = NativeCall.On(x);
        var options = CastOptions(target.DType);
        var y = target.Handle;
        var status = Abi.CastForward(call.Context, (nint)(&options), x.Handle, &y);
        GC.KeepAlive(x);
        GC.KeepAlive(target);
        NativeStatus.Check(status);
    }

    private static CastOptions.__Internal CastOptions(DType dtype) => new()
    {
        struct_size = (uint)sizeof(CastOptions.__Internal),
        dtype = (Dtype)dtype,
    };
}
