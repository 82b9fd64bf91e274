using NativeDl.Bindings;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

public sealed partial class Tensor
{
    /// <summary>Overwrites all elements with one value, and raises the version.</summary>
    /// <exception cref="DTypeException"><typeparamref name="T"/> is not the tensor's element type.</exception>
    public void Fill<T>(T value) where T : unmanaged
    {
        RequireDType<T>(nameof(Fill));
        if (value is long whole && (double)whole is var rounded && (rounded >= long.MaxValue || (long)rounded != whole))
        {
            // No double holds it, and the native op takes a double.
            var values = new long[_count];
            values.AsSpan().Fill(whole);
            CopyFrom<long>(values);
            return;
        }
        Native.FillForward(this, ToDouble(value));
        LastWriters.Note(this, nameof(Fill));
    }

    private static double ToDouble<T>(T value) where T : unmanaged => value switch
    {
        float v => v,
        double v => v,
        Half v => (double)v,
        BFloat16 v => (float)v,
        long v => v,
        int v => v,
        sbyte v => v,
        byte v => v,
        _ => throw new DTypeException($"No tensor holds elements of type {typeof(T)}."),
    };
}

internal static unsafe partial class Native
{
    /// <summary>Overwrites a tensor with a number, rounded to its dtype as by a cast.</summary>
    public static void FillForward(Tensor y, double value)
    {
        using var call = NativeCall.On(y);
        FillOptions.__Internal options = default;
        options.struct_size = (uint)sizeof(FillOptions.__Internal);
        options.value = value;
        var status = Abi.FillForward(call.Context, (nint)(&options), y.Handle);
        GC.KeepAlive(y);
        NativeStatus.Check(status);
    }

    /// <summary>Overwrites a tensor with the elements of another of its shape and dtype.</summary>
    public static void CopyInto(Tensor target, Tensor x)
    {
        using var call = NativeCall.On(x);
        var y = target.Handle;
        var status = Abi.CopyForward(call.Context, x.Handle, &y);
        GC.KeepAlive(x);
        GC.KeepAlive(target);
        NativeStatus.Check(status);
    }

    public static Tensor CopyForward(Tensor x)
    {
        using var call = NativeCall.On(x);
        ulong y = 0;
        var status = Abi.CopyForward(call.Context, x.Handle, &y);
        GC.KeepAlive(x);
        return call.Output(status, y);
    }
}
