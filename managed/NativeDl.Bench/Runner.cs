namespace NativeDl.Bench;

/// <summary>What was measured of one pass of a workload.</summary>
internal sealed record Result(string Workload, string Pass, IReadOnlyDictionary<string, Sample> Seconds, double Flop);

/// <summary>Checks, then times, contestants in turn.</summary>
internal sealed class Runner(IReadOnlyList<IContestant> contestants, int threads, int rounds, double secondsPerRound)
{
    public IEnumerable<Result> Run(Workload workload)
    {
        var inputs = MakeInputs(workload);
        var ready = new List<IContestant>();
        Outputs? reference = null;
        // Peers first: the upstream gradient that they drew is what the library is given.
        foreach (var contestant in contestants.OrderBy(c => c is NativeDlContestant))
        {
            if (reference is not null && reference.TryGetValue("dy", out var dy))
                inputs["dy"] = (dy, [dy.Length]);
            if (contestant.Prepare(workload, inputs, threads) is not { } outputs)
                continue;
            if (reference is not null)
                Compare(workload, contestant.Name, outputs, reference);
            reference ??= outputs;
            ready.Add(contestant);
        }
        ready.Reverse();
        foreach (var pass in workload.Op == TutorialCnn.Op ? ["step"] : new[] { "forward", "backward" })
            yield return new Result($"{workload.Op} {workload.Row}".Trim(), pass, Measure(ready, pass), Flop(workload, pass));
    }

    private Dictionary<string, Sample> Measure(List<IContestant> ready, string pass)
    {
        // Enough iterations for the clock, found once; the rounds then go in turn, so that a drift of the machine
        // meets all contestants alike.
        var iterations = new Dictionary<IContestant, int>();
        foreach (var contestant in ready)
        {
            contestant.Time(pass, 2);
            var once = contestant.Time(pass, 2) / 2;
            iterations[contestant] = Math.Clamp((int)(secondsPerRound / Math.Max(once, 1e-9)), 1, 1_000_000);
        }
        var times = ready.ToDictionary(c => c, _ => new List<double>());
        for (var round = 0; round < rounds; round++)
        {
            foreach (var contestant in ready)
                times[contestant].Add(contestant.Time(pass, iterations[contestant]) / iterations[contestant]);
        }
        return times.ToDictionary(t => t.Key.Name, t => Sample.Of(t.Value));
    }

    private static Dictionary<string, (float[] Values, long[] Shape)> MakeInputs(Workload workload)
    {
        if (workload.Op == TutorialCnn.Op)
            return TutorialCnn.MakeInputs();
        var random = new Random(1);
        var inputs = new Dictionary<string, (float[] Values, long[] Shape)>();
        foreach (var (name, shape) in workload.Operands.Where(o => !o.Key.Contains('_', StringComparison.Ordinal) && o.Key != "groups"))
        {
            var values = new float[shape.Aggregate(1L, (a, b) => a * b)];
            for (var i = 0; i < values.Length; i++)
                values[i] = random.NextSingle() * 2 - 1;
            inputs[name] = (values, shape);
        }
        return inputs;
    }

    // Both sum in float32 in orders of their own: agreement to a few thousandths of the largest value tells a wrong
    // result from a rounded one. The case tables' tests judge the digits.
    private static void Compare(Workload workload, string name, Outputs outputs, Outputs reference)
    {
        foreach (var (key, expected) in reference)
        {
            if (!outputs.TryGetValue(key, out var actual))
                continue;
            var scale = expected.Length == 0 ? 0 : expected.Max(Math.Abs);
            for (var i = 0; i < expected.Length; i++)
            {
                if (!(Math.Abs(actual[i] - expected[i]) <= 2e-3 * scale))
                    throw new InvalidDataException($"{workload.Op} {workload.Row}: {key}[{i}] of {name} is {actual[i]}, the peer has {expected[i]}");
            }
        }
    }

    private static double Flop(Workload w, string pass)
    {
        long[] Dims(string name) => w.Operands[name];
        double forward = w.Op switch
        {
            "gemm" => 2.0 * Dims("a")[0] * Dims("a")[1] * Dims("b")[1],
            "conv2d" => 2.0 * Dims("x")[0] * Positions(1, "h") * Positions(2, "w") * Dims("weight").Aggregate(1.0, (a, b) => a * b),
            _ => 0,
        };
        return pass == "forward" ? forward : 2 * forward;

        double Positions(int axis, string side) =>
            (Dims("x")[axis] + w.Option(side == "h" ? "pad_top" : "pad_left", 0) + w.Option(side == "h" ? "pad_bottom" : "pad_right", 0)
                - w.Option("dilation_" + side, 1) * (Dims("weight")[axis] - 1) - 1) / w.Option("stride_" + side, 1) + 1;
    }
}
