using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

public static partial class Ops
{
    /// <summary>
    /// A copy of x with its dimensions in another order: dimension i of the result is dimension axes[i] of x, where -1 is
    /// the last. Any dtype.
    /// </summary>
    /// <exception cref="InvalidArgumentException">axes does not name each dimension of x once.</exception>
    public static Tensor Permute(Tensor x, params ReadOnlySpan<int> axes)
    {
        var order = Widen(axes);
        var y = Native.PermuteForward(x, order);
        return Tape.Record("permute", y, inputs: [x], saved: [], state: order, static (dy, _, _, order) =>
        {
            var inverse = new long[order.Length];
            for (var i = 0; i < order.Length; i++)
                inverse[order[i] < 0 ? order[i] + order.Length : order[i]] = i;
            return [Native.PermuteForward(dy, inverse)];
        });
    }
}

public sealed partial class Tensor
{
    /// <summary>A copy with the dimensions in another order. Errors: as <see cref="Ops.Permute"/>.</summary>
    public Tensor PermuteDimensions(params ReadOnlySpan<int> dimensions) => Ops.Permute(this, dimensions);

    /// <summary>
    /// A copy in the library's layout, [n, h, w, c], of images [n, c, h, w]; likewise of convolution weights,
    /// [out, kh, kw, in] of [out, in, kh, kw]. For data and weights that come from PyTorch or ONNX.
    /// </summary>
    /// <exception cref="InvalidArgumentException">The tensor is not of rank 4.</exception>
    public static Tensor FromNchw(Tensor nchw) => Ops.Permute(nchw, 0, 2, 3, 1);

    /// <summary>A copy in the layout [n, c, h, w] of images [n, h, w, c]: the inverse of <see cref="FromNchw"/>.</summary>
    /// <exception cref="InvalidArgumentException">The tensor is not of rank 4.</exception>
    public Tensor ToNchw() => Ops.Permute(this, 0, 3, 1, 2);
}

internal static unsafe partial class Native
{
    public static Tensor PermuteForward(Tensor x, ReadOnlySpan<long> axes)
    {
        using var call = NativeCall.On(x);
        ulong y = 0;
        fixed (long* order = axes)
        {
            var status = Abi.PermuteForward(call.Context, x.Handle, order, axes.Length, &y);
            GC.KeepAlive(x);
            return call.Output(status, y);
        }
    }
}
