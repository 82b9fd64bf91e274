using System.Globalization;

namespace NativeDl.Bench;

/// <summary>What the machine can do at most, as the program tests/peers/bounds.cpp measures it just before.</summary>
internal sealed class Bounds
{
    // Bounds are measured like anything else, on a machine that may be busy.
    private const double Slack = 1.05;

    private readonly Dictionary<string, double> _rates;
    private readonly int _threads;

    private Bounds(Dictionary<string, double> rates, int threads) => (_rates, _threads) = (rates, threads);

    /// <summary>By name, in 1e9 FLOP or bytes a second, or bytes of a cache.</summary>
    public IReadOnlyDictionary<string, double> Rates => _rates;

    /// <summary>Null where the program was not built or does not run here.</summary>
    public static Bounds? TryMeasure(int threads) => Run(threads) is { } rates ? new Bounds(rates, threads) : null;

    /// <summary>The least time of the work as the direct method does it: of multiply-adds, and of bytes where they lie.</summary>
    public double Seconds(Work work) => Seconds(work, work.Flop);

    /// <summary>Measures anew where a time is below what the bounds allow, and keeps the better of both.</summary>
    /// <exception cref="InvalidDataException">The time is still below: one of the two is a measuring error.</exception>
    public void Check(string what, Work work, double seconds)
    {
        if (seconds * Slack >= Seconds(work, work.LeastFlop))
            return;
        foreach (var (name, rate) in Run(_threads)!)
            _rates[name] = Math.Max(rate, _rates[name]);
        if (seconds * Slack < Seconds(work, work.LeastFlop))
        {
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                $"{what} took {seconds * 1e3:G4} ms, less than the machine's bound of {Seconds(work, work.LeastFlop) * 1e3:G4} ms: a measuring error"));
        }
    }

    private double Seconds(Work work, double flop)
    {
        var bytes = work.Read + work.Written;
        // Up to twice a cache's size, part of the data is still in it when it is read again.
        var level = bytes <= _threads * _rates["l2_bytes"] ? "l2" : bytes <= 2 * _rates["l3_bytes"] ? "l3" : "memory";
        var moved = Math.Max(work.Read / _rates[level + "_read"], work.Written / _rates[level + "_write"]);
        if (level == "memory")
            moved = Math.Max(moved, bytes / Math.Max(_rates["memory_copy"], _rates["memory_read"]));
        return Math.Max(flop / (work.Bf16 ? _rates.GetValueOrDefault("bf16", Peak) : Peak), moved) / 1e9;
    }

    // Of the instruction set that the library uses, which NATIVEDL_CPU may have lowered.
    private double Peak
    {
        get
        {
            var text = Machine.Describe();
            return text.Contains("avx512", StringComparison.Ordinal) && _rates.TryGetValue("fma_avx512", out var peak) ? peak
                : text.Contains("avx2", StringComparison.Ordinal) && _rates.TryGetValue("fma_avx2", out peak) ? peak
                : _rates["fma_sse4"];
        }
    }

    private static Dictionary<string, double>? Run(int threads) =>
        Peers.Ask("bounds", threads)?.ToDictionary(words => words[0], words => double.Parse(words[1], CultureInfo.InvariantCulture));
}
