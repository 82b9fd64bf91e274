using System.Runtime.CompilerServices;
using NativeDl.Bindings;

namespace NativeDl;

/// <summary>
/// One call of a native op: frees what finalizers left, rents a context of the ambient options on the operand's
/// device, and turns status and handle into a tensor.
/// <code>
/// using var call = NativeCall.On(x);
/// ulong y = 0;
/// var status = Abi.ReluForward(call.Context, x.Handle, &amp;y);
/// GC.KeepAlive(x);
/// return call.Output(status, y);
/// </code>
/// </summary>
internal readonly ref struct NativeCall
{
    private readonly ContextPool _pool;

    private NativeCall(ContextPool pool)
    {
        _pool = pool;
        Context = pool.Rent();
    }

    public readonly ulong Context;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NativeCall On(Tensor operand)
    {
        Reclaimer.Drain();
        return new NativeCall(ExecutionOptions.Current.PoolFor(operand.Device));
    }

    /// <summary>The tensor of a new handle that the op gave out, or its error.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Tensor Output(Status status, ulong handle)
    {
        NativeStatus.Check(status);
        return Tensor.Adopt(handle, isNewStorage: true);
    }

    public void Dispose() => _pool.Return(Context);
}
