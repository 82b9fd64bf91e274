using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace NativeDl.Data;

/// <summary>Runs an iterator ahead of who reads it.</summary>
internal static class Prefetch
{
    /// <summary>
    /// Goes through a sequence on a thread of its own, at most <paramref name="depth"/> finished items ahead of the
    /// reader. The order stays; an error in the sequence comes to the reader where it would have come without the
    /// thread. When the reader stops early, the thread is waited for and what it had made is disposed.
    /// </summary>
    public static IEnumerable<T> Ahead<T>(this IEnumerable<T> source, int depth, CancellationToken cancellation)
        where T : IDisposable
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var ready = new BlockingCollection<T>(depth);
        ExceptionDispatchInfo? failure = null;
        var worker = new Thread(() => failure = Produce(source, ready, stop.Token))
        {
            IsBackground = true,
            Name = "NativeDl prefetch",
        };
        worker.Start();
        try
        {
            foreach (var item in ready.GetConsumingEnumerable(cancellation))
                yield return item;
            worker.Join();
            failure?.Throw();
        }
        finally
        {
            stop.Cancel();
            worker.Join();
            while (ready.TryTake(out var item))
                item.Dispose();
        }
    }

    private static ExceptionDispatchInfo? Produce<T>(
        IEnumerable<T> source, BlockingCollection<T> ready, CancellationToken stop)
        where T : IDisposable
    {
        try
        {
            foreach (var item in source)
            {
                try
                {
                    ready.Add(item, stop);
                }
                catch
                {
                    item.Dispose();
                    throw;
                }
            }
            return null;
        }
        catch (Exception e)
        {
            return ExceptionDispatchInfo.Capture(e);
        }
        finally
        {
            ready.CompleteAdding();
        }
    }
}
