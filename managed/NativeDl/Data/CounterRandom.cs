namespace NativeDl.Data;

/// <summary>
/// A counter-based generator (SplitMix64): value n of a stream is a hash of the stream's key and n, so a stream is a
/// pure function of (seed, stream) and any number of them can be drawn side by side. Only integer and exactly rounded
/// float arithmetic is used: the same numbers appear on every machine, and will in later versions.
/// </summary>
internal struct CounterRandom(ulong seed, ulong stream)
{
    private const ulong Weyl = 0x9E3779B97F4A7C15;

    private ulong _state = Mix(Mix(seed + Weyl) ^ (stream * Weyl));

    public ulong NextUInt64() => Mix(_state += Weyl);

    /// <summary>Uniform in [0, bound), without bias (Lemire's method).</summary>
    public int Next(int bound)
    {
        var range = (ulong)bound;
        var high = Math.BigMul(NextUInt64(), range, out var low);
        while (low < range && low < (0 - range) % range)
            high = Math.BigMul(NextUInt64(), range, out low);
        return (int)high;
    }

    /// <summary>Uniform in [low, high), on a grid of 2^24 steps.</summary>
    public float Uniform(float low, float high) => low + (high - low) * ((NextUInt64() >> 40) * (1f / (1 << 24)));

    /// <summary>Mean 0, deviation 1, within ±3.47: the sum of four uniforms, which needs no logarithm.</summary>
    public float Bell()
    {
        const float unit = 1.7320508f / 65536;
        var bits = NextUInt64();
        var sum = (int)(bits & 0xFFFF) + (int)(bits >> 16 & 0xFFFF) + (int)(bits >> 32 & 0xFFFF) + (int)(bits >> 48);
        return (sum - 2 * 65535) * unit;
    }

    /// <summary>Shuffles in place (Fisher and Yates, from the last element down).</summary>
    public void Shuffle(Span<int> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Next(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
