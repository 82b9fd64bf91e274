using NativeDl.Bindings;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

public static partial class Ops
{
    /// <summary>
    /// Sets each element to 0 with probability <paramref name="p"/>, and scales the others by 1 / (1 - p). F32, F64.
    /// </summary>
    /// <param name="x">Any shape.</param>
    /// <param name="p">From 0 to 1.</param>
    /// <param name="generator">What decides; <see cref="Generator.Current"/> if null.</param>
    /// <exception cref="InvalidArgumentException">p is not from 0 to 1.</exception>
    public static Tensor Dropout(Tensor x, float p = 0.5f, Generator? generator = null)
    {
        var (y, mask) = Native.DropoutForward(generator ?? Generator.Current, x, p);
        Tape.Record(
            "dropout", y, inputs: [x], saved: [mask], state: p, static (dy, saved, _, p) =>
                [Native.DropoutBackward(dy, saved[0], p)]);
        // The tape, if it records, holds the mask by a reference of its own.
        mask.Dispose();
        return y;
    }
}

public sealed partial class Tensor
{
    /// <summary>A tensor of random numbers, equally likely everywhere from <paramref name="low"/> to below
    /// <paramref name="high"/>. F32, F64.</summary>
    /// <exception cref="InvalidArgumentException">low is not below high, or one is not finite.</exception>
    public static Tensor RandomUniform(
        Shape shape, double low = 0, double high = 1, DType dtype = DType.F32, Generator? generator = null,
        Device device = default) =>
        Native.UniformForward(generator ?? Generator.Current, shape, low, high, dtype, device);

    /// <summary>A tensor of normally distributed random numbers. F32, F64.</summary>
    /// <exception cref="InvalidArgumentException">The standard deviation is negative.</exception>
    public static Tensor RandomNormal(
        Shape shape, double mean = 0, double standardDeviation = 1, DType dtype = DType.F32, Generator? generator = null,
        Device device = default) =>
        Native.NormalForward(generator ?? Generator.Current, shape, mean, standardDeviation, dtype, device);
}

internal static unsafe partial class Native
{
    public static Tensor UniformForward(Generator generator, Shape shape, double low, double high, DType dtype, Device device)
    {
        UniformOptions.__Internal options = default;
        options.struct_size = (uint)sizeof(UniformOptions.__Internal);
        options.dtype = (Dtype)dtype;
        options.low = low;
        options.high = high;
        return Draw(&Abi.UniformForward, &options, generator, shape, device);
    }

    public static Tensor NormalForward(
        Generator generator, Shape shape, double mean, double standardDeviation, DType dtype, Device device)
    {
        NormalOptions.__Internal options = default;
        options.struct_size = (uint)sizeof(NormalOptions.__Internal);
        options.dtype = (Dtype)dtype;
        options.mean = mean;
        options.standard_deviation = standardDeviation;
        return Draw(&Abi.NormalForward, &options, generator, shape, device);
    }

    public static (Tensor Y, Tensor Mask) DropoutForward(Generator generator, Tensor x, float p)
    {
        using var call = NativeCall.On(x);
        var options = DropoutOptions(p);
        ulong y = 0, mask = 0;
        Status status;
        lock (generator.Gate)
            status = Abi.DropoutForward(call.Context, (nint)(&options), generator.StateOn(x.Device).Handle, x.Handle, &y, &mask);
        GC.KeepAlive(generator);
        GC.KeepAlive(x);
        return (call.Output(status, y), call.Output(status, mask));
    }

    public static Tensor DropoutBackward(Tensor dy, Tensor mask, float p)
    {
        using var call = NativeCall.On(dy);
        var options = DropoutOptions(p);
        ulong dx = 0;
        var status = Abi.DropoutBackward(call.Context, (nint)(&options), dy.Handle, mask.Handle, &dx);
        GC.KeepAlive(dy);
        GC.KeepAlive(mask);
        return call.Output(status, dx);
    }

    private static Tensor Draw(
        delegate*<ulong, nint, ulong, long*, int, ulong*, Status> forward, void* options, Generator generator, Shape shape,
        Device device)
    {
        lock (generator.Gate)
        {
            var state = generator.StateOn(device);
            using var call = NativeCall.On(state);
            ulong y = 0;
            fixed (long* dims = shape.Dims)
            {
                var status = forward(call.Context, (nint)options, state.Handle, dims, shape.Rank, &y);
                GC.KeepAlive(state);
                return call.Output(status, y);
            }
        }
    }

    private static DropoutOptions.__Internal DropoutOptions(float p) => new()
    {
        struct_size = (uint)sizeof(DropoutOptions.__Internal),
        p = p,
    };
}
