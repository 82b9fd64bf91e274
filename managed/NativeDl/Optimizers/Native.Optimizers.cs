using NativeDl.Optimizers;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

internal static unsafe partial class Native
{
    public static void SgdForward(Bindings.SgdOptions.__Internal options, ParameterBatch batch)
    {
        using var call = NativeCall.On(batch.LearningRate);
        Bindings.Status status;
        fixed (ulong* handles = batch.Handles)
        {
            status = Abi.SgdForward(
                call.Context, (nint)(&options), batch.List(handles, 0), batch.List(handles, 1), batch.LearningRate.Handle,
                batch.List(handles, 2), batch.List(handles, 3), batch.Count);
        }
        GC.KeepAlive(batch);
        NativeStatus.Check(status);
    }

    public static void AdamForward(Bindings.AdamOptions.__Internal options, ParameterBatch batch)
    {
        using var call = NativeCall.On(batch.LearningRate);
        Bindings.Status status;
        fixed (ulong* handles = batch.Handles)
        {
            status = Abi.AdamForward(
                call.Context, (nint)(&options), batch.List(handles, 0), batch.List(handles, 1), batch.LearningRate.Handle,
                batch.List(handles, 2), batch.List(handles, 3), batch.List(handles, 4), batch.List(handles, 5), batch.Count);
        }
        GC.KeepAlive(batch);
        NativeStatus.Check(status);
    }

    public static void AdadeltaForward(Bindings.AdadeltaOptions.__Internal options, ParameterBatch batch)
    {
        using var call = NativeCall.On(batch.LearningRate);
        Bindings.Status status;
        fixed (ulong* handles = batch.Handles)
        {
            status = Abi.AdadeltaForward(
                call.Context, (nint)(&options), batch.List(handles, 0), batch.List(handles, 1), batch.LearningRate.Handle,
                batch.List(handles, 2), batch.List(handles, 3), batch.Count);
        }
        GC.KeepAlive(batch);
        NativeStatus.Check(status);
    }
}
