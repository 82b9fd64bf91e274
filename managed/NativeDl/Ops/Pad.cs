using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

public static partial class Ops
{
    /// <summary>
    /// A copy of x with elements of one value before and after each dimension; a negative number takes elements away. One
    /// number per dimension. Any dtype; the value is converted to it.
    /// </summary>
    /// <exception cref="ShapeException">More elements are taken away than a dimension has.</exception>
    /// <exception cref="InvalidArgumentException">Another number of numbers than x has dimensions.</exception>
    public static Tensor Pad(Tensor x, ReadOnlySpan<long> before, ReadOnlySpan<long> after, double value = 0)
    {
        var y = Native.PadForward(x, before, after, value);
        return Tape.Record(
            "pad", y, inputs: [x], saved: [], state: (before: Negative(before), after: Negative(after)),
            static (dy, _, _, less) => [Native.PadForward(dy, less.before, less.after, 0)]);

        static long[] Negative(ReadOnlySpan<long> values) => Array.ConvertAll(values.ToArray(), value => -value);
    }
}

internal static unsafe partial class Native
{
    public static Tensor PadForward(Tensor x, ReadOnlySpan<long> before, ReadOnlySpan<long> after, double value)
    {
        using var call = NativeCall.On(x);
        Bindings.PadOptions.__Internal native = default;
        native.struct_size = (uint)sizeof(Bindings.PadOptions.__Internal);
        native.value = value;
        ulong y = 0;
        fixed (long* first = before, last = after)
        {
            var status = Abi.PadForward(
                call.Context, (nint)(&native), x.Handle, first, before.Length, last, after.Length, &y);
            GC.KeepAlive(x);
            return call.Output(status, y);
        }
    }
}
