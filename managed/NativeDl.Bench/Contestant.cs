namespace NativeDl.Bench;

/// <summary>An operand or a result, float32.</summary>
internal sealed record Values(float[] Data, long[] Shape);

/// <summary>What a contestant is ready to run: its passes with the method it takes, and what each of them gave, by name:
/// y, dx, dweight, ...; losses for a training step.</summary>
internal sealed record Prepared(IReadOnlyDictionary<string, string> Passes, IReadOnlyDictionary<string, float[]> Outputs)
{
    /// <summary>By pass, where the contestant tells.</summary>
    public IReadOnlyDictionary<string, Scratch> Scratch { get; init; } = new Dictionary<string, Scratch>();
}

/// <summary>Bytes that a pass needs beside its operands: of the call, and kept with a weight as long as that is not changed.</summary>
internal sealed record Scratch(long Workspace, long Derived);

/// <summary>Somebody who can run a workload: the library, or a peer.</summary>
internal interface IContestant : IDisposable
{
    string Name { get; }

    /// <summary>Sets the workload up and runs each pass once; null where the contestant has no adapter for it.</summary>
    Prepared? Prepare(Workload workload, IReadOnlyDictionary<string, Values> inputs, int threads);

    /// <summary>Seconds for this many runs of a pass.</summary>
    double Time(string pass, int iterations);
}
