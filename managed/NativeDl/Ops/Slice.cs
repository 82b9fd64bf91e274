using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

public static partial class Ops
{
    /// <summary>
    /// A copy of every step-th element of each dimension, from start on, before end. One number per dimension; without
    /// steps, 1. A step may be negative: from 4 to -1 by -1 turns a dimension of 5 round. Positions lie in
    /// 0..dimension, or under a negative step in -1..dimension-1; none is wrapped or cut. Any dtype.
    /// </summary>
    /// <exception cref="ShapeException">A position lies outside.</exception>
    /// <exception cref="InvalidArgumentException">Another number of positions than x has dimensions, or a step of 0.
    /// </exception>
    public static Tensor Slice(Tensor x, ReadOnlySpan<long> starts, ReadOnlySpan<long> ends, ReadOnlySpan<long> steps = default)
    {
        var by = steps.IsEmpty ? [.. Enumerable.Repeat(1L, x.Rank)] : steps.ToArray();
        var (from, to) = (starts.ToArray(), ends.ToArray());
        var y = Native.SliceForward(x, from, to, by);
        return Tape.Record(
            "slice", y, inputs: [x], saved: [], state: (x: x.Shape, from, to, by),
            static (dy, _, _, of) => [Native.SliceBackward(dy, of.x, of.from, of.to, of.by)]);
    }
}

public sealed partial class Tensor
{
    /// <summary>
    /// A copy of a part of each dimension: <c>x.Slice(.., 1..3, ..^1)</c>; dimensions without a range are taken whole.
    /// For a part of the first dimension alone, <c>x[1..3]</c> is a view.
    /// </summary>
    /// <exception cref="ShapeException">A range reaches outside, or there are more ranges than dimensions.</exception>
    public Tensor Slice(params ReadOnlySpan<Range> ranges)
    {
        var shape = Shape;
        if (ranges.Length > shape.Rank)
            throw new ShapeException($"Slice: {ranges.Length} ranges were given for a tensor {shape} of rank {shape.Rank}. Give at most one per dimension.");
        var (starts, ends) = (new long[shape.Rank], shape.ToArray());
        for (var axis = 0; axis < ranges.Length; axis++)
        {
            var (start, end) = (ranges[axis].Start, ranges[axis].End);
            starts[axis] = start.IsFromEnd ? shape[axis] - start.Value : start.Value;
            ends[axis] = end.IsFromEnd ? shape[axis] - end.Value : end.Value;
        }
        return Ops.Slice(this, starts, ends);
    }
}

internal static unsafe partial class Native
{
    public static Tensor SliceForward(Tensor x, ReadOnlySpan<long> starts, ReadOnlySpan<long> ends, ReadOnlySpan<long> steps)
    {
        using var call = NativeCall.On(x);
        ulong y = 0;
        fixed (long* from = starts, to = ends, by = steps)
        {
            var status = Abi.SliceForward(
                call.Context, x.Handle, from, starts.Length, to, ends.Length, by, steps.Length, &y);
            GC.KeepAlive(x);
            return call.Output(status, y);
        }
    }

    public static Tensor SliceBackward(
        Tensor dy, Shape x, ReadOnlySpan<long> starts, ReadOnlySpan<long> ends, ReadOnlySpan<long> steps)
    {
        using var call = NativeCall.On(dy);
        ulong dx = 0;
        fixed (long* dims = x.Dims, from = starts, to = ends, by = steps)
        {
            var status = Abi.SliceBackward(
                call.Context, dy.Handle, dims, x.Rank, from, starts.Length, to, ends.Length, by, steps.Length, &dx);
            GC.KeepAlive(dy);
            return call.Output(status, dx);
        }
    }
}
