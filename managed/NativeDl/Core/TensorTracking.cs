using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;

namespace NativeDl;

/// <summary>What is told of every tensor that is made, where a scope or a leak report wants to know.</summary>
internal static class TensorTracking
{
    // Most programs use neither, and pay for this read alone.
    private static volatile bool _active;

    public static void Begin() => _active = true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Made(Tensor tensor)
    {
        if (_active)
            Note(tensor);
    }

    private static void Note(Tensor tensor)
    {
        Ambient.Current.Scope?.Add(tensor);
        LeakReport.Note(tensor);
    }
}

/// <summary>
/// Says where the live tensors were made: for a program whose memory grows. Costs microseconds per tensor while it
/// runs.
/// <code>
/// LeakReport.Start();
/// Train();
/// Console.WriteLine(LeakReport.Describe());
/// </code>
/// </summary>
public static class LeakReport
{
    private static readonly ConcurrentDictionary<long, Entry> Entries = new();
    private static volatile bool _running;
    private static long _last;

    private sealed record Entry(WeakReference<Tensor> Tensor, string Site);

    /// <summary>Forgets what was seen, and records the call site of every tensor made from now on.</summary>
    public static void Start()
    {
        Entries.Clear();
        TensorTracking.Begin();
        _running = true;
    }

    /// <summary>Stops recording. What was recorded can still be described.</summary>
    public static void Stop() => _running = false;

    /// <summary>
    /// The tensors made since <see cref="Start"/> that are neither disposed nor collected, by call site, the most bytes
    /// first. Runs the collector, so that what is only waiting for it does not count.
    /// </summary>
    public static string Describe()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var sites = new Dictionary<string, (int Count, long Bytes)>();
        foreach (var (number, entry) in Entries)
        {
            if (!entry.Tensor.TryGetTarget(out var tensor) || tensor.IsDisposed)
            {
                Entries.TryRemove(number, out _);
                continue;
            }
            var (count, bytes) = sites.GetValueOrDefault(entry.Site);
            sites[entry.Site] = (count + 1, bytes + (tensor.FlattenedLength * tensor.DType.ElementSize()));
        }
        var text = new StringBuilder();
        text.Append($"{sites.Values.Sum(s => s.Count)} live tensors, {sites.Values.Sum(s => s.Bytes)} bytes (views counted)\n");
        foreach (var (site, (count, bytes)) in sites.OrderByDescending(s => s.Value.Bytes))
            text.Append($"{bytes} bytes, {count} live, made\n{site}\n");
        return text.ToString();
    }

    internal static void Note(Tensor tensor)
    {
        if (!_running)
            return;
        // Without the frames of this library that every site shares: Note, Made, Adopt.
        var lines = new StackTrace(fNeedFileInfo: true).ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var site = string.Join('\n', lines.SkipWhile(IsOwnMachinery).Take(8).Select(line => line.TrimEnd()));
        Entries[Interlocked.Increment(ref _last)] = new Entry(new WeakReference<Tensor>(tensor), site);

        static bool IsOwnMachinery(string line) =>
            line.Contains(nameof(LeakReport)) || line.Contains(nameof(TensorTracking)) || line.Contains("Tensor.Adopt") ||
            line.Contains("NativeCall");
    }
}
