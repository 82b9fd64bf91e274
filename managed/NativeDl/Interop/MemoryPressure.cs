using NativeDl.Bindings;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

/// <summary>
/// Lets the collector see native memory. A dead tensor object is a few dozen bytes to the collector, whatever it
/// holds natively; so when native bytes outgrow what was live after the last collection by <see cref="Factor"/>
/// plus <see cref="Slack"/>, the collector is run and the handles it finds dead are freed. A loop in which the user
/// never calls Dispose runs in flat memory, and one that does never comes here.
/// </summary>
internal static unsafe class MemoryPressure
{
    private const long Slack = 64L << 20;
    private const int Factor = 2;

    private static readonly TimeSpan FinalizerPatience = TimeSpan.FromSeconds(1);

    private static long _threshold = Slack;
    private static long _headroom = Slack; // bytes that may be allocated before in-use bytes can pass the threshold
    private static int _collecting;

    /// <summary>Tells of a new storage. Most calls are one interlocked subtraction.</summary>
    public static void Allocated(long bytes)
    {
        if (Interlocked.Add(ref _headroom, -bytes) < 0)
            Relieve();
    }

    private static void Relieve()
    {
        if (Interlocked.Exchange(ref _collecting, 1) != 0)
            return; // another thread is at it
        try
        {
            if (BytesInUse() >= _threshold)
                Collect();
            Volatile.Write(ref _headroom, Math.Max(_threshold - BytesInUse(), Slack / 4));
        }
        finally
        {
            Volatile.Write(ref _collecting, 0);
        }
    }

    private static void Collect()
    {
        // Intermediates of a training step die young: the young generations usually hold enough of them.
        GC.Collect(1, GCCollectionMode.Forced, blocking: true);
        FreeFinalized();
        if (BytesInUse() < _threshold / 2)
            return;
        GC.Collect();
        FreeFinalized();
        _threshold = (BytesInUse() * Factor) + Slack;
    }

    private static void FreeFinalized()
    {
        // Not waited for on this thread itself: a user's finalizer may wait for a lock that this thread holds, or
        // this may be the finalizer thread.
        var waiter = new Thread(GC.WaitForPendingFinalizers) { IsBackground = true, Name = "NativeDl finalizer wait" };
        waiter.Start();
        waiter.Join(FinalizerPatience);
        Reclaimer.Drain();
    }

    private static long BytesInUse()
    {
        MemoryInfo.__Internal info = default;
        info.struct_size = (uint)sizeof(MemoryInfo.__Internal);
        NativeStatus.Check(Abi.MemoryGetInfo((nint)(&info)));
        return info.bytes_in_use;
    }
}
