using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

/// <summary>How <see cref="Ops.BatchNorm2d"/> normalises.</summary>
public sealed record BatchNorm2dOptions
{
    /// <summary>eps 1e-5, momentum 0.1, no activation.</summary>
    public static BatchNorm2dOptions Default { get; } = new();

    /// <summary>Added to the variance, > 0.</summary>
    public double Eps { get; init; } = 1e-5;

    /// <summary>Weight of a new batch in the running values, 0 to 1. Not used in inference.</summary>
    public double Momentum { get; init; } = 0.1;

    /// <summary>Whether running values are the mean over all batches, in place of the moving one that
    /// <see cref="Momentum"/> describes. Not used in inference.</summary>
    public bool Cumulative { get; init; }

    /// <summary>Activation of the output.</summary>
    public Activation Activation { get; init; } = Activation.None;

    internal unsafe Bindings.BatchNorm2dOptions.__Internal ToNative() => new()
    {
        struct_size = (uint)sizeof(Bindings.BatchNorm2dOptions.__Internal),
        activation = (Bindings.Activation)Activation,
        eps = Eps,
        momentum = Momentum,
        cumulative = Cumulative ? 1 : 0,
    };
}

public static partial class Ops
{
    /// <summary>
    /// Batch normalisation in training: each channel of x [n,h,w,c] gets mean 0 and variance 1 over the batch, then
    /// gamma and beta [c], which may be null (1 and 0). runningMean and runningVar [c] and numBatches, an I64 scalar,
    /// are updated in place; the variance that is remembered is the unbiased one. F32, F64, all the same.
    /// </summary>
    /// <exception cref="ShapeException">x is not of rank 4, has fewer than two values per channel, or another tensor is
    /// not one value per channel.</exception>
    /// <exception cref="InvalidArgumentException">eps is not positive, or momentum outside 0 to 1.</exception>
    public static Tensor BatchNorm2d(
        Tensor x, Tensor? gamma, Tensor? beta, Tensor runningMean, Tensor runningVar, Tensor numBatches,
        BatchNorm2dOptions? options = null)
    {
        var o = options ?? BatchNorm2dOptions.Default;
        var (y, mean, inverseStd) = Native.BatchNorm2dForward(x, gamma, beta, runningMean, runningVar, numBatches, o);
        Tape.Record(
            "batch_norm2d", y, inputs: [x, gamma, beta], saved: [x, gamma, Read(beta, o), mean, inverseStd], state: o,
            static (dy, saved, need, options) => Native.BatchNorm2dBackward(
                saved[0], saved.OrNull(1), saved.OrNull(2), saved[3], saved[4], dy, need, options, training: true));
        mean.Dispose();
        inverseStd.Dispose();
        return y;
    }

    /// <summary>
    /// Batch normalisation with the running values of training, which are only read: y = (x - runningMean) /
    /// sqrt(runningVar + eps) * gamma + beta. Shapes and errors as <see cref="BatchNorm2d"/>; any number of values.
    /// </summary>
    public static Tensor BatchNorm2dInference(
        Tensor x, Tensor? gamma, Tensor? beta, Tensor runningMean, Tensor runningVar, BatchNorm2dOptions? options = null)
    {
        var o = options ?? BatchNorm2dOptions.Default;
        var y = Native.BatchNorm2dInferenceForward(x, gamma, beta, runningMean, runningVar, o);
        return Tape.Record(
            "batch_norm2d_inference", y, inputs: [x, gamma, beta], saved: [x, gamma, Read(beta, o), runningMean, runningVar], state: o,
            static (dy, saved, need, options) => Native.BatchNorm2dBackward(
                saved[0], saved.OrNull(1), saved.OrNull(2), saved[3], saved[4], dy, need, options, training: false));
    }

    // Backward reads beta where it forms y anew, for the activation's gradient.
    private static Tensor? Read(Tensor? beta, BatchNorm2dOptions options) => options.Activation == Activation.None ? null : beta;
}

internal static unsafe partial class Native
{
    public static (Tensor Y, Tensor Mean, Tensor InverseStd) BatchNorm2dForward(
        Tensor x, Tensor? gamma, Tensor? beta, Tensor runningMean, Tensor runningVar, Tensor numBatches,
        BatchNorm2dOptions options)
    {
        using var call = NativeCall.On(x);
        var native = options.ToNative();
        ulong y = 0, mean = 0, inverseStd = 0;
        var status = Abi.BatchNorm2dForward(
            call.Context, (nint)(&native), x.Handle, gamma?.Handle ?? 0, beta?.Handle ?? 0, runningMean.Handle,
            runningVar.Handle, numBatches.Handle, &y, &mean, &inverseStd);
        GC.KeepAlive(x);
        GC.KeepAlive(gamma);
        GC.KeepAlive(beta);
        GC.KeepAlive(runningMean);
        GC.KeepAlive(runningVar);
        GC.KeepAlive(numBatches);
        var result = (call.Output(status, y), call.Output(status, mean), call.Output(status, inverseStd));
        LastWriters.Note(runningMean, "BatchNorm2d");
        LastWriters.Note(runningVar, "BatchNorm2d");
        LastWriters.Note(numBatches, "BatchNorm2d");
        return result;
    }

    public static Tensor BatchNorm2dInferenceForward(
        Tensor x, Tensor? gamma, Tensor? beta, Tensor runningMean, Tensor runningVar, BatchNorm2dOptions options)
    {
        using var call = NativeCall.On(x);
        var native = options.ToNative();
        ulong y = 0;
        var status = Abi.BatchNorm2dInferenceForward(
            call.Context, (nint)(&native), x.Handle, gamma?.Handle ?? 0, beta?.Handle ?? 0, runningMean.Handle,
            runningVar.Handle, &y);
        GC.KeepAlive(x);
        GC.KeepAlive(gamma);
        GC.KeepAlive(beta);
        GC.KeepAlive(runningMean);
        GC.KeepAlive(runningVar);
        return call.Output(status, y);
    }

    /// <summary>The gradients that are needed of x, gamma and beta. mean and spread: in training, with the inverse
    /// standard deviation; else the running mean and variance.</summary>
    public static Tensor?[] BatchNorm2dBackward(
        Tensor x, Tensor? gamma, Tensor? beta, Tensor mean, Tensor spread, Tensor dy, ReadOnlySpan<bool> need,
        BatchNorm2dOptions options, bool training)
    {
        using var call = NativeCall.On(x);
        var native = options.ToNative();
        ulong dx = 0, dgamma = 0, dbeta = 0;
        var wantDx = need[0] ? &dx : null;
        var wantDgamma = need[1] ? &dgamma : null;
        var wantDbeta = need[2] ? &dbeta : null;
        var status = training
            ? Abi.BatchNorm2dBackward(
                call.Context, (nint)(&native), x.Handle, gamma?.Handle ?? 0, beta?.Handle ?? 0, mean.Handle, spread.Handle,
                dy.Handle, wantDx, wantDgamma, wantDbeta)
            : Abi.BatchNorm2dInferenceBackward(
                call.Context, (nint)(&native), x.Handle, gamma?.Handle ?? 0, beta?.Handle ?? 0, mean.Handle, spread.Handle,
                dy.Handle, wantDx, wantDgamma, wantDbeta);
        GC.KeepAlive(x);
        GC.KeepAlive(gamma);
        GC.KeepAlive(beta);
        GC.KeepAlive(mean);
        GC.KeepAlive(spread);
        GC.KeepAlive(dy);
        return
        [
            need[0] ? call.Output(status, dx) : null,
            need[1] ? call.Output(status, dgamma) : null,
            need[2] ? call.Output(status, dbeta) : null,
        ];
    }
}
