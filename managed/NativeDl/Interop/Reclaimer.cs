using System.Collections.Concurrent;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

/// <summary>
/// Tensor handles whose managed owner was finalized. A finalizer only leaves its handle here, and the next native
/// call frees them: no native code runs on the finalizer thread, where a slow call would hold up every finalizer.
/// </summary>
internal static class Reclaimer
{
    private static readonly ConcurrentQueue<ulong> Handles = new();

    // Read on every native call; the queue's own IsEmpty costs more.
    private static volatile bool _waiting;

    public static void Enqueue(ulong handle)
    {
        Handles.Enqueue(handle);
        _waiting = true;
    }

    public static void Drain()
    {
        if (_waiting)
            DrainQueue();
    }

    private static void DrainQueue()
    {
        // Lowered first: a handle that comes during the loop raises it again.
        _waiting = false;
        while (Handles.TryDequeue(out var handle))
            Abi.TensorDestroy(handle);
    }
}
