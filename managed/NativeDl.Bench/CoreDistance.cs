using System.Diagnostics;

namespace NativeDl.Bench;

/// <summary>
/// How far apart the cores are: the time a word takes from one thread to another and back. About 50 ns where they share a
/// cache, 300 and more where they do not. A virtual machine's cores may be moved from one to the other at any time, and what
/// threads hand each other then costs up to twice the time of an op.
/// </summary>
/// <param name="limit">Nanoseconds above which a measurement is not to count; 0: none.</param>
internal sealed class CoreDistance(double limit)
{
    private const int Rounds = 4000, Together = 20, Middle = 64;
    private const int TriesPerRound = 100;
    private static readonly TimeSpan s_rest = TimeSpan.FromMilliseconds(50), s_longest = TimeSpan.FromMilliseconds(20);

    private int _tries;

    /// <summary>Whether what was, or will be, measured at this moment counts.</summary>
    public bool IsNear => limit <= 0 || Nanoseconds() <= limit;

    /// <summary>Rests after a round that did not count.</summary>
    /// <exception cref="InvalidDataException">Too many of <paramref name="rounds"/> did not.</exception>
    public void Retry(int rounds, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        if (++_tries > TriesPerRound * rounds)
            throw new InvalidDataException($"in {_tries} rounds a word took longer than {limit} ns from core to core and back; --round-trip 0 measures all the same");
        Thread.Sleep(s_rest);
    }

    /// <summary>The mean of some thousand times, of fewer where other work has the cores; 0 on a single core.</summary>
    public static double Nanoseconds()
    {
        if (Environment.ProcessorCount < 2)
            return 0;
        var words = new int[2 * Middle]; // a line of its own
        var other = new Thread(() => Answer(ref words[Middle])) { IsBackground = true };
        other.Start();
        Ask(ref words[Middle], Together); // until the other has started
        var watch = Stopwatch.StartNew();
        var rounds = 0;
        for (; rounds < Rounds && watch.Elapsed < s_longest; rounds += Together)
            Ask(ref words[Middle], Together);
        var elapsed = watch.Elapsed;
        Volatile.Write(ref words[Middle], -1);
        other.Join();
        return elapsed.TotalNanoseconds / rounds;
    }

    // Odd: asked; even: answered; negative: no more.
    private static void Ask(ref int word, int rounds)
    {
        for (var i = 0; i < rounds; i++)
        {
            var asked = word + 1;
            Volatile.Write(ref word, asked);
            while (Volatile.Read(ref word) == asked)
            {
            }
        }
    }

    private static void Answer(ref int word)
    {
        for (;;)
        {
            int asked;
            while (((asked = Volatile.Read(ref word)) & 1) == 0)
            {
            }
            if (asked < 0)
                return;
            Volatile.Write(ref word, asked + 1);
        }
    }
}
