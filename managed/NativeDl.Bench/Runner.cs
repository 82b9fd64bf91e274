namespace NativeDl.Bench;

/// <summary>What was measured of one pass of a workload.</summary>
/// <param name="Errors">Greatest error over the root mean square of the exact values, by contestant; empty where it is not known.</param>
internal sealed record Result(
    string Group, int Count, Workload Workload, string Pass, Work Work, IReadOnlyDictionary<string, Sample> Seconds,
    IReadOnlyDictionary<string, string> Methods, IReadOnlyDictionary<string, double> Errors)
{
    /// <summary>Of the library; null where one call is not all of the pass.</summary>
    public Scratch? Scratch { get; init; }
}

/// <summary>Checks, then times, contestants in turn. The first is the library.</summary>
internal sealed class Runner(IReadOnlyList<IContestant> contestants, int threads, RoundOptions options, CancellationToken stop)
{
    // OpenMP's workers spin for some milliseconds after their last loop, on the cores that the next contestant is timed on.
    private static readonly TimeSpan s_rest = TimeSpan.FromMilliseconds(10);

    /// <summary>Measures the passes that <paramref name="wanted"/> names.</summary>
    /// <exception cref="InvalidDataException">Contestants disagree about a result.</exception>
    public IEnumerable<Result> Run(string group, Entry entry, Func<string, bool> wanted)
    {
        var workload = entry.Workload;
        var inputs = Inputs.Make(workload);
        var ready = new Dictionary<IContestant, Prepared>();
        foreach (var contestant in contestants)
        {
            stop.ThrowIfCancellationRequested();
            if (contestant.Prepare(workload, inputs, threads) is not { } prepared)
                continue;
            ready.Add(contestant, prepared);
            Compare(workload, contestant.Name, prepared.Outputs, ready[contestants[0]].Outputs);
        }
        if (!ready.TryGetValue(contestants[0], out var ours))
            throw new InvalidDataException($"{workload}: the bench has no adapter for {workload.Op}");
        foreach (var pass in ours.Passes.Keys.Where(wanted))
        {
            var able = ready.Where(r => r.Value.Passes.ContainsKey(pass)).Select(r => r.Key).ToList();
            yield return new Result(
                group, entry.Count, workload, pass, Work.Of(workload, pass, inputs), Measure(able, pass),
                able.ToDictionary(c => c.Name, c => ready[c].Passes[pass]),
                Accuracy.Errors(workload, pass, inputs, able.ToDictionary(c => c.Name, c => ready[c].Outputs)))
            {
                Scratch = ours.Scratch.GetValueOrDefault(pass),
            };
        }
    }

    /// <summary>The times of contestants that are prepared.</summary>
    public Dictionary<string, Sample> Measure(IReadOnlyList<IContestant> able, string pass) => Measure(
        able.ToDictionary(c => c.Name, c => (Func<int, double>)(iterations => c.Time(pass, iterations))), options, stop);

    /// <summary>
    /// Times functions that take a number of iterations and give seconds. That number is found once, after one run to warm
    /// up; the rounds then go in turn, so that a drift of the machine meets all alike. A round at whose beginning or end the
    /// cores were too far apart is repeated.
    /// </summary>
    public static Dictionary<string, Sample> Measure(
        IReadOnlyDictionary<string, Func<int, double>> timed, RoundOptions options, CancellationToken stop)
    {
        var iterations = new Dictionary<string, int>();
        foreach (var (name, time) in timed)
        {
            time(1);
            var once = time(1);
            iterations[name] = Math.Clamp((int)(options.Seconds / Math.Max(once, 1e-9)), 1, 1_000_000);
        }
        var times = timed.ToDictionary(t => t.Key, _ => new List<double>());
        var distance = new CoreDistance(options.RoundTrip);
        for (var kept = 0; kept < options.Rounds;)
        {
            var counts = distance.IsNear;
            var round = new Dictionary<string, double>();
            foreach (var (name, time) in timed)
            {
                if (!counts)
                    break;
                stop.ThrowIfCancellationRequested();
                Thread.Sleep(s_rest);
                round[name] = time(iterations[name]) / iterations[name];
            }
            if (!counts || !distance.IsNear)
            {
                distance.Retry(options.Rounds, stop);
                continue;
            }
            foreach (var (name, seconds) in round)
                times[name].Add(seconds);
            kept++;
        }
        return times.ToDictionary(t => t.Key, t => Sample.Of(t.Value));
    }

    // Both sum in float32 in orders of their own: agreement to a hundredth of the largest value tells a wrong
    // result from a rounded one. A relu, or a maximum, that is near a tie may go the other way: a few elements in a hundred
    // thousand, and a little of a sum over them. The case tables' tests judge the digits, and Accuracy reports them.
    private static void Compare(Workload workload, string name, IReadOnlyDictionary<string, float[]> outputs, IReadOnlyDictionary<string, float[]> reference)
    {
        foreach (var (key, expected) in reference)
        {
            if (!outputs.TryGetValue(key, out var actual) || ReferenceEquals(actual, expected))
                continue;
            if (actual.Length != expected.Length)
                throw new InvalidDataException($"{workload}: {key} of {name} has {actual.Length} elements, the library's {expected.Length}");
            var scale = expected.Length == 0 ? 0 : expected.Max(Math.Abs);
            var (differ, last) = (0, 0);
            for (var i = 0; i < expected.Length; i++)
            {
                if (!(Math.Abs(actual[i] - expected[i]) <= 1e-2 * scale))
                    (differ, last) = (differ + 1, i);
            }
            if (differ > expected.Length / 30_000)
                throw new InvalidDataException($"{workload}: {differ} elements of {key} differ: [{last}] of {name} is {actual[last]}, the library has {expected[last]}");
        }
    }
}
