using NativeDl.Data;
using NUnit.Framework;

namespace NativeDl.Tests.Data;

public sealed class CounterRandomTests
{
    [Test]
    public void StreamsStayWhatTheyAre()
    {
        var random = new CounterRandom(1, 2);
        var drawn = new[] { random.NextUInt64(), random.NextUInt64(), random.NextUInt64() };
        Assert.That(drawn, Is.EqualTo(Reference(1, 2, 3)));
    }

    [Test]
    public void NeighbouringStreamsDiffer()
    {
        var firsts = new HashSet<ulong>();
        for (ulong seed = 0; seed < 100; seed++)
        {
            for (ulong stream = 0; stream < 100; stream++)
                firsts.Add(new CounterRandom(seed, stream).NextUInt64());
        }
        Assert.That(firsts, Has.Count.EqualTo(10_000));
    }

    [Test]
    public void NextIsUniform()
    {
        var random = new CounterRandom(3, 0);
        var counts = new int[7];
        for (var i = 0; i < 70_000; i++)
            counts[random.Next(7)]++;
        // 10,000 each with a deviation of 93.
        Assert.That(counts, Is.All.InRange(9_600, 10_400));
    }

    [Test]
    public void UniformAndBellHaveTheirMoments()
    {
        const int count = 100_000;
        var random = new CounterRandom(4, 0);
        double uniform = 0, bell = 0, square = 0;
        for (var i = 0; i < count; i++)
        {
            var value = random.Uniform(-1, 3);
            Assert.That(value, Is.GreaterThanOrEqualTo(-1).And.LessThan(3));
            uniform += value;
            value = random.Bell();
            bell += value;
            square += value * value;
        }
        Assert.That(uniform / count, Is.EqualTo(1).Within(0.02));
        Assert.That(bell / count, Is.EqualTo(0).Within(0.02));
        Assert.That(square / count, Is.EqualTo(1).Within(0.02));
    }

    [Test]
    public void ShufflesReachEveryOrderEquallyOften()
    {
        var counts = new Dictionary<(int, int, int), int>();
        for (var i = 0; i < 12_000; i++)
        {
            int[] items = [0, 1, 2];
            new CounterRandom(5, (ulong)i).Shuffle(items);
            var order = (items[0], items[1], items[2]);
            counts[order] = counts.GetValueOrDefault(order) + 1;
        }
        // 2,000 each with a deviation of 41.
        Assert.That(counts, Has.Count.EqualTo(6));
        Assert.That(counts.Values, Is.All.InRange(1_800, 2_200));
    }

    /// <summary>SplitMix64 as its authors write it, from the state that the key gives.</summary>
    private static ulong[] Reference(ulong seed, ulong stream, int count)
    {
        const ulong gamma = 0x9E3779B97F4A7C15;
        var state = Mix(Mix(seed + gamma) ^ unchecked(stream * gamma));
        return [.. Enumerable.Range(1, count).Select(n => Mix(unchecked(state + (ulong)n * gamma)))];

        static ulong Mix(ulong z)
        {
            unchecked
            {
                z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
                z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
                return z ^ (z >> 31);
            }
        }
    }
}
