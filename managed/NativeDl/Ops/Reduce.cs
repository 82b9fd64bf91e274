using NativeDl.Bindings;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

public static partial class Ops
{
    /// <summary>
    /// The sum over axes, of which those below 0 count from the end; over all where none is given. The reduced dimensions
    /// go away, or become 1 under <paramref name="keepDims"/>. 0 where there are no elements. F32, F64.
    /// </summary>
    /// <exception cref="InvalidArgumentException">x has no such axis, or it is named twice.</exception>
    public static Tensor Sum(Tensor x, ReadOnlySpan<int> axes = default, bool keepDims = false)
    {
        var (list, shape) = (Widen(axes), x.Shape);
        return Tape.Record(
            "sum", Native.SumForward(x, list, keepDims), inputs: [x], saved: [], state: (x: shape, kept: Kept(shape, list)),
            static (dy, _, _, of) => [Repeat(dy, of.kept, of.x)]);
    }

    /// <summary>The mean over axes: the sum divided by the number of elements, NaN where there are none. Otherwise as
    /// <see cref="Sum"/>.</summary>
    public static Tensor Mean(Tensor x, ReadOnlySpan<int> axes = default, bool keepDims = false)
    {
        var (list, shape) = (Widen(axes), x.Shape);
        return Tape.Record(
            "mean", Native.MeanForward(x, list, keepDims), inputs: [x], saved: [], state: (x: shape, kept: Kept(shape, list)),
            static (dy, _, _, of) =>
            {
                // dy is the smaller of the two: scaled first.
                using var scaled = Scale(dy, (double)Math.Max(of.kept.Count, 1) / of.x.Count);
                return [Repeat(scaled, of.kept, of.x)];
            });
    }

    /// <summary>The largest element over axes; a NaN counts as largest. The gradient goes to the first of equal ones.
    /// Axes and shapes: as <see cref="Sum"/>.</summary>
    /// <exception cref="ShapeException">The axes have no elements.</exception>
    public static Tensor Max(Tensor x, ReadOnlySpan<int> axes = default, bool keepDims = false) =>
        Tape.IsRecording(x)
            ? MaxWithIndices(x, axes, keepDims).Y
            : Native.MaxForward(x, Widen(axes), keepDims, wantArgmax: false).Y;

    /// <summary>As <see cref="Max"/>, and the <see cref="ArgMax"/> of the same axes.</summary>
    public static (Tensor Y, Tensor Argmax) MaxWithIndices(Tensor x, ReadOnlySpan<int> axes = default, bool keepDims = false)
    {
        var list = Widen(axes);
        var (y, argmax) = Native.MaxForward(x, list, keepDims, wantArgmax: true);
        Tape.Record(
            "max", y, inputs: [x], saved: [argmax], state: (x: x.Shape, list, keepDims),
            static (dy, saved, _, of) => [Native.MaxBackward(dy, saved[0], of.x, of.list, of.keepDims)]);
        return (y, argmax!);
    }

    /// <summary>Where the largest element over axes stands among them, in row order of the reduced dimensions; the first of
    /// equal ones, a NaN before all others. I64. Axes, shapes and errors: as <see cref="Max"/>.</summary>
    public static Tensor ArgMax(Tensor x, ReadOnlySpan<int> axes = default, bool keepDims = false) =>
        Native.ArgmaxForward(x, Widen(axes), keepDims);

    /// <summary>x repeated to a shape: aligned at the last dimension, a dimension is equal, or 1 or absent in x. Every
    /// dtype; the gradient is the sum over the repetitions.</summary>
    /// <exception cref="ShapeException">x does not repeat to the shape.</exception>
    public static Tensor BroadcastTo(Tensor x, Shape shape) => Tape.Record(
        "broadcast_to", Native.BroadcastToForward(x, shape), inputs: [x], saved: [], state: x.Shape,
        static (dy, _, _, of) => [SumTo(dy, of)]);

    private static long[] Widen(ReadOnlySpan<int> axes)
    {
        var list = new long[axes.Length];
        for (var i = 0; i < list.Length; i++)
            list[i] = axes[i];
        return list;
    }

    /// <summary>The shape with the axes, which the native call has accepted, reduced to 1.</summary>
    private static Shape Kept(Shape x, long[] axes)
    {
        var dims = x.ToArray();
        if (axes.Length == 0)
            Array.Fill(dims, 1);
        foreach (var axis in axes)
            dims[axis < 0 ? axis + dims.Length : axis] = 1;
        return Shape.Adopt(dims);
    }

    private static Tensor Repeat(Tensor dy, Shape kept, Shape x)
    {
        using var view = Tensor.Adopt(Native.TensorView(dy, 0, kept), isNewStorage: false);
        return Native.BroadcastToForward(view, x);
    }
}

public sealed partial class Tensor
{
    /// <summary>See <see cref="Ops.Sum"/>.</summary>
    public Tensor Sum(ReadOnlySpan<int> axes = default, bool keepDims = false) => Ops.Sum(this, axes, keepDims);

    /// <summary>See <see cref="Ops.Sum"/>.</summary>
    public Tensor Sum(int axis, bool keepDims = false) => Ops.Sum(this, [axis], keepDims);

    /// <summary>See <see cref="Ops.Mean"/>.</summary>
    public Tensor Mean(ReadOnlySpan<int> axes = default, bool keepDims = false) => Ops.Mean(this, axes, keepDims);

    /// <summary>See <see cref="Ops.Mean"/>.</summary>
    public Tensor Mean(int axis, bool keepDims = false) => Ops.Mean(this, [axis], keepDims);

    /// <summary>See <see cref="Ops.Max"/>.</summary>
    public Tensor Max(ReadOnlySpan<int> axes = default, bool keepDims = false) => Ops.Max(this, axes, keepDims);

    /// <summary>See <see cref="Ops.Max"/>.</summary>
    public Tensor Max(int axis, bool keepDims = false) => Ops.Max(this, [axis], keepDims);

    /// <summary>See <see cref="Ops.ArgMax"/>.</summary>
    public Tensor ArgMax(ReadOnlySpan<int> axes = default, bool keepDims = false) => Ops.ArgMax(this, axes, keepDims);

    /// <summary>See <see cref="Ops.ArgMax"/>.</summary>
    public Tensor ArgMax(int axis, bool keepDims = false) => Ops.ArgMax(this, [axis], keepDims);

    /// <summary>See <see cref="Ops.BroadcastTo"/>.</summary>
    public Tensor BroadcastTo(Shape shape) => Ops.BroadcastTo(this, shape);
}

internal static unsafe partial class Native
{
    public static Tensor SumForward(Tensor x, long[] axes, bool keepDims) => Reduce(&Abi.SumForward, x, axes, keepDims);

    public static Tensor MeanForward(Tensor x, long[] axes, bool keepDims) => Reduce(&Abi.MeanForward, x, axes, keepDims);

    public static Tensor ArgmaxForward(Tensor x, long[] axes, bool keepDims) => Reduce(&Abi.ArgmaxForward, x, axes, keepDims);

    public static (Tensor Y, Tensor? Argmax) MaxForward(Tensor x, long[] axes, bool keepDims, bool wantArgmax)
    {
        using var call = NativeCall.On(x);
        var options = ReduceOptions(keepDims);
        ulong y = 0, argmax = 0;
        fixed (long* list = axes)
        {
            var status = Abi.MaxForward(
                call.Context, (nint)(&options), x.Handle, list, axes.Length, &y, wantArgmax ? &argmax : null);
            GC.KeepAlive(x);
            return (call.Output(status, y), wantArgmax ? call.Output(status, argmax) : null);
        }
    }

    public static Tensor MaxBackward(Tensor dy, Tensor argmax, Shape x, long[] axes, bool keepDims)
    {
        using var call = NativeCall.On(dy);
        var options = ReduceOptions(keepDims);
        ulong dx = 0;
        fixed (long* dims = x.Dims, list = axes)
        {
            var status = Abi.MaxBackward(
                call.Context, (nint)(&options), dy.Handle, argmax.Handle, dims, x.Rank, list, axes.Length, &dx);
            GC.KeepAlive(dy);
            GC.KeepAlive(argmax);
            return call.Output(status, dx);
        }
    }

    public static Tensor BroadcastToForward(Tensor x, Shape shape)
    {
        using var call = NativeCall.On(x);
        ulong y = 0;
        fixed (long* dims = shape.Dims)
        {
            var status = Abi.BroadcastToForward(call.Context, x.Handle, dims, shape.Rank, &y);
            GC.KeepAlive(x);
            return call.Output(status, y);
        }
    }

    private static Tensor Reduce(
        delegate*<ulong, nint, ulong, long*, int, ulong*, Status> forward, Tensor x, long[] axes, bool keepDims)
    {
        using var call = NativeCall.On(x);
        var options = ReduceOptions(keepDims);
        ulong y = 0;
        fixed (long* list = axes)
        {
            var status = forward(call.Context, (nint)(&options), x.Handle, list, axes.Length, &y);
            GC.KeepAlive(x);
            return call.Output(status, y);
        }
    }

    private static ReduceOptions.__Internal ReduceOptions(bool keepDims) => new()
    {
        struct_size = (uint)sizeof(ReduceOptions.__Internal),
        keep_dims = keepDims ? 1 : 0,
    };
}
