using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

public static partial class Ops
{
    /// <summary>
    /// Tensors one after the other along one dimension, where -1 is the last; all other dimensions are the same. Any
    /// dtype, all the same.
    /// </summary>
    /// <exception cref="ShapeException">Dimensions beside the axis differ.</exception>
    /// <exception cref="DTypeException">The dtypes differ.</exception>
    /// <exception cref="InvalidArgumentException">There are no tensors, or they have no such dimension.</exception>
    public static Tensor Concat(ReadOnlySpan<Tensor> x, int axis = 0)
    {
        var y = Native.ConcatForward(x, axis);
        var along = axis < 0 ? axis + y.Rank : axis;
        var lengths = new long[x.Length];
        for (var i = 0; i < lengths.Length; i++)
            lengths[i] = x[i].Shape[along];
        return Tape.Record("concat", y, inputs: x!, saved: [], state: (along, lengths), static (dy, _, need, of) =>
        {
            var gradients = new Tensor?[of.lengths.Length];
            var (starts, ends) = (new long[dy.Rank], dy.Shape.ToArray());
            long[] steps = [.. Enumerable.Repeat(1L, dy.Rank)];
            ends[of.along] = 0;
            for (var i = 0; i < gradients.Length; i++)
            {
                starts[of.along] = ends[of.along];
                ends[of.along] += of.lengths[i];
                if (need[i])
                    gradients[i] = Native.SliceForward(dy, starts, ends, steps);
            }
            return gradients;
        });
    }
}

public sealed partial class Tensor
{
    /// <summary>Tensors one after the other along the first dimension. Errors: as <see cref="Ops.Concat"/>.</summary>
    public static Tensor Concatenate(params ReadOnlySpan<Tensor> tensors) => Ops.Concat(tensors);

    /// <summary>Tensors one after the other along a dimension. Errors: as <see cref="Ops.Concat"/>.</summary>
    public static Tensor ConcatenateOnDimension(int dimension, params ReadOnlySpan<Tensor> tensors) =>
        Ops.Concat(tensors, dimension);
}

internal static unsafe partial class Native
{
    public static Tensor ConcatForward(ReadOnlySpan<Tensor> x, int axis)
    {
        // Without a tensor there is no device to ask.
        if (x.IsEmpty)
            throw new InvalidArgumentException("concat: there are no tensors. Give at least one.");
        using var call = NativeCall.On(x[0]);
        Bindings.ConcatOptions.__Internal native = default;
        native.struct_size = (uint)sizeof(Bindings.ConcatOptions.__Internal);
        native.axis = axis;
        var handles = new ulong[x.Length];
        for (var i = 0; i < handles.Length; i++)
            handles[i] = x[i].Handle;
        ulong y = 0;
        fixed (ulong* list = handles)
        {
            var status = Abi.ConcatForward(call.Context, (nint)(&native), list, handles.Length, &y);
            foreach (var tensor in x)
                GC.KeepAlive(tensor);
            return call.Output(status, y);
        }
    }
}
