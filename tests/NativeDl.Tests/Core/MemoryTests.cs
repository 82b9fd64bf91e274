using System.Runtime.CompilerServices;
using NUnit.Framework;

namespace NativeDl.Tests.Core;

/// <summary>Native memory follows the managed objects, whatever the collector does and whatever the user forgets.</summary>
[NonParallelizable]
public sealed class MemoryTests
{
    private const long MB = 1L << 20;

    [Test]
    public void Dispose_FreesAtOnce()
    {
        var before = Settled();
        var t = Tensor.Empty([MB]);
        Assert.That(NativeMemory.Read().BytesInUse, Is.GreaterThanOrEqualTo(before.BytesInUse + (4 * MB)));
        t.Dispose();
        Assert.That(NativeMemory.Read().BytesInUse, Is.LessThan(before.BytesInUse + MB));
    }

    [Test]
    public void Unreachable_IsFreedByTheNextCall()
    {
        var before = Settled();
        Forget();
        Collect();
        Assert.That(NativeMemory.Read().BytesInUse, Is.LessThan(before.BytesInUse + MB));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget() => _ = Tensor.Empty([MB]).ToArray<float>();
    }

    [Test]
    public void NeverDisposed_StaysFlat()
    {
        Settled();
        NativeMemory.ResetPeak();
        var start = NativeMemory.Read().BytesInUse;
        for (var i = 0; i < 2000; i++)
            Tensor.Empty([MB]); // 8 GB in all
        Assert.That(NativeMemory.Read().PeakBytesInUse - start, Is.LessThan(512 * MB));
    }

    [Test]
    public void TrainingLoop_NeverDisposed_StaysFlat()
    {
        var w1 = Parameter(16, 3, 3, 3);
        var w2 = Parameter(16, 3, 3, 16);
        var x = Tensor.Ones([8, 64, 64, 3]);
        void Step()
        {
            w1.Grad = w2.Grad = null;
            var y = Ops.Relu(Ops.Conv2d(x, w1, options: new() { Padding = 1 }));
            y = Ops.MaxPool2d(Ops.Conv2d(y, w2, options: new() { Padding = 1, Activation = Activation.Relu }));
            y.Backward(Tensor.Ones(y.Shape));
        }
        Step();
        Settled();
        NativeMemory.ResetPeak();
        var start = NativeMemory.Read();
        for (var i = 0; i < 60; i++) // holds about 10 MB a step, were nothing freed
            Step();
        Collect();
        var end = NativeMemory.Read();
        Assert.That(end.BytesInUse, Is.LessThan(start.BytesInUse + (4 * MB)), "what stays after the loop");
        Assert.That(end.PeakBytesInUse - start.BytesInUse, Is.LessThan(256 * MB), "the peak of the loop");
        GC.KeepAlive(x);

        static Tensor Parameter(params long[] dims)
        {
            var t = Tensor.Full(dims, 0.01f);
            t.RequiresGrad = true;
            return t;
        }
    }

    [Test]
    public void Graph_ThatNoBackwardWentThrough_IsFreed()
    {
        var before = Settled();
        Forget();
        Collect();
        Collect();
        Assert.That(NativeMemory.Read().LiveTensors, Is.LessThanOrEqualTo(before.LiveTensors));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget()
        {
            var x = Tensor.Ones([1, 8, 8, 3]);
            x.RequiresGrad = true;
            for (var i = 0; i < 10; i++)
                x = Ops.MaxPool2d(Ops.Relu(x), new(1));
        }
    }

    [Test]
    public void Backward_FreesWhatWasSaved_WhileTheLossIsHeld()
    {
        var x = Tensor.Ones([1000]);
        x.RequiresGrad = true;
        var before = Settled();
        var y = x;
        for (var i = 0; i < 50; i++)
        {
            var next = Ops.Relu(y);
            if (i > 0)
                y.Dispose();
            y = next;
        }
        Assert.That(NativeMemory.Read().LiveTensors, Is.GreaterThanOrEqualTo(before.LiveTensors + 50), "the tape holds its own");
        using (var gradient = Tensor.Ones([1000]))
            y.Backward(gradient);
        Assert.That(NativeMemory.Read().LiveTensors, Is.LessThanOrEqualTo(before.LiveTensors + 2), "y and the gradient");
        Assert.That(y.ToArray<float>(), Is.All.EqualTo(1f));
    }

    private static NativeMemory Settled()
    {
        Collect();
        return NativeMemory.Read();
    }

    private static void Collect()
    {
        // Twice: a finalized graph node frees what it holds only when its own finalizer has run.
        for (var i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
