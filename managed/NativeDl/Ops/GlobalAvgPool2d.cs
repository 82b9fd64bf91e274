using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

public static partial class Ops
{
    /// <summary>The mean of each image and channel. x [n,h,w,c]; returns [n,c]. F32, F64.</summary>
    /// <exception cref="ShapeException">x is not of rank 4, or has no pixels.</exception>
    public static Tensor GlobalAvgPool2d(Tensor x)
    {
        var y = Native.GlobalAvgPool2dForward(x);
        return Tape.Record("global_avg_pool2d", y, inputs: [x], saved: [], state: x.Shape, static (dy, _, _, shape) =>
            [Native.GlobalAvgPool2dBackward(dy, shape)]);
    }
}

internal static unsafe partial class Native
{
    public static Tensor GlobalAvgPool2dForward(Tensor x)
    {
        using var call = NativeCall.On(x);
        ulong y = 0;
        var status = Abi.GlobalAvgPool2dForward(call.Context, x.Handle, &y);
        GC.KeepAlive(x);
        return call.Output(status, y);
    }

    public static Tensor GlobalAvgPool2dBackward(Tensor dy, Shape x)
    {
        using var call = NativeCall.On(dy);
        ulong dx = 0;
        fixed (long* dims = x.Dims)
        {
            var status = Abi.GlobalAvgPool2dBackward(call.Context, dy.Handle, dims, x.Rank, &dx);
            GC.KeepAlive(dy);
            return call.Output(status, dx);
        }
    }
}
