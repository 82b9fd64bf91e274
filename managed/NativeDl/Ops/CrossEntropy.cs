using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

/// <summary>How <see cref="Ops.CrossEntropy"/> counts: <c>new CrossEntropyOptions { LabelSmoothing = 0.1 }</c>.</summary>
public sealed record CrossEntropyOptions
{
    /// <summary>The mean, no smoothing, rows labelled -100 ignored.</summary>
    public static CrossEntropyOptions Default { get; } = new();

    /// <summary>What becomes of the rows' losses.</summary>
    public Reduction Reduction { get; init; } = Reduction.Mean;

    /// <summary>The part of each label, 0..1, that is shared out evenly among all classes.</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>The label of rows that do not count; it may name a class.</summary>
    public long IgnoreIndex { get; init; } = -100;

    internal unsafe Bindings.CrossEntropyOptions.__Internal ToNative() => new()
    {
        struct_size = (uint)sizeof(Bindings.CrossEntropyOptions.__Internal),
        reduction = (Bindings.Reduction)Reduction,
        label_smoothing = LabelSmoothing,
        ignore_index = IgnoreIndex,
    };
}

public static partial class Ops
{
    /// <summary>
    /// Softmax and cross entropy in one, without overflow: the negative logarithm of the probability that the logits give
    /// to each row's label. logits [..., classes], labels [...], I64 or I32, classWeights [classes]; returns a scalar, or
    /// [...] without reduction. F32, F64. The mean weighs each row by the weight of its class; it is NaN where no row
    /// counts. A gradient flows to the logits alone.
    /// </summary>
    /// <exception cref="ShapeException">labels has not the shape of logits without its last dimension, or classWeights
    /// not one value per class.</exception>
    /// <exception cref="InvalidArgumentException">A label smoothing outside 0..1.</exception>
    /// <exception cref="DataException">A label is neither a class nor the one that is ignored.</exception>
    public static Tensor CrossEntropy(
        Tensor logits, Tensor labels, Tensor? classWeights = null, CrossEntropyOptions? options = null)
    {
        var o = options ?? CrossEntropyOptions.Default;
        var recording = Tape.IsRecording(logits);
        var (loss, logSumExp) = Native.CrossEntropyForward(logits, labels, classWeights, o, wantLogSumExp: recording);
        if (!recording)
            return loss;
        Tape.Record(
            "cross_entropy", loss, inputs: [logits], saved: [logits, labels, classWeights, logSumExp], state: o,
            static (dloss, saved, _, o) =>
                [Native.CrossEntropyBackward(saved[0], saved[1], saved.OrNull(2), saved[3], dloss, o)]);
        logSumExp!.Dispose();
        return loss;
    }
}

internal static unsafe partial class Native
{
    public static (Tensor Loss, Tensor? LogSumExp) CrossEntropyForward(
        Tensor logits, Tensor labels, Tensor? classWeights, CrossEntropyOptions options, bool wantLogSumExp)
    {
        using var call = NativeCall.On(logits);
        var native = options.ToNative();
        ulong loss = 0, logSumExp = 0;
        var status = Abi.CrossEntropyForward(
            call.Context, (nint)(&native), logits.Handle, labels.Handle, classWeights?.Handle ?? 0, &loss,
            wantLogSumExp ? &logSumExp : null);
        GC.KeepAlive(logits);
        GC.KeepAlive(labels);
        GC.KeepAlive(classWeights);
        return (call.Output(status, loss), wantLogSumExp ? call.Output(status, logSumExp) : null);
    }

    public static Tensor CrossEntropyBackward(
        Tensor logits, Tensor labels, Tensor? classWeights, Tensor logSumExp, Tensor dloss, CrossEntropyOptions options)
    {
        using var call = NativeCall.On(logits);
        var native = options.ToNative();
        ulong dlogits = 0;
        var status = Abi.CrossEntropyBackward(
            call.Context, (nint)(&native), logits.Handle, labels.Handle, classWeights?.Handle ?? 0, logSumExp.Handle,
            dloss.Handle, &dlogits);
        GC.KeepAlive(logits);
        GC.KeepAlive(labels);
        GC.KeepAlive(classWeights);
        GC.KeepAlive(logSumExp);
        GC.KeepAlive(dloss);
        return call.Output(status, dlogits);
    }
}
