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

    public static Tensor GradientNormForward(Tensor[] gradients)
    {
        using var call = NativeCall.On(gradients[0]);
        ulong norm = 0;
        Bindings.Status status;
        fixed (ulong* handles = Array.ConvertAll(gradients, g => g.Handle))
            status = Abi.GradientNormForward(call.Context, handles, gradients.Length, &norm);
        GC.KeepAlive(gradients);
        return call.Output(status, norm);
    }

    public static void ClipGradientsForward(Tensor[] gradients, Tensor norm, double maxNorm)
    {
        using var call = NativeCall.On(norm);
        Bindings.ClipGradientsOptions.__Internal options = default;
        options.struct_size = (uint)sizeof(Bindings.ClipGradientsOptions.__Internal);
        options.max_norm = maxNorm;
        Bindings.Status status;
        fixed (ulong* handles = Array.ConvertAll(gradients, g => g.Handle))
            status = Abi.ClipGradientsForward(call.Context, (nint)(&options), handles, norm.Handle, gradients.Length);
        GC.KeepAlive(gradients);
        GC.KeepAlive(norm);
        NativeStatus.Check(status);
    }
}
