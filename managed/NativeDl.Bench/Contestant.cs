namespace NativeDl.Bench;

/// <summary>What a contestant computed for a workload, by name: y, dy, dx, ...; losses for a training step.</summary>
internal sealed class Outputs : Dictionary<string, float[]>;

/// <summary>Somebody who can run a workload: the library, or a peer.</summary>
internal interface IContestant : IDisposable
{
    string Name { get; }

    /// <summary>Sets the workload up and runs it once; null where the contestant has no adapter for it.</summary>
    Outputs? Prepare(Workload workload, IReadOnlyDictionary<string, (float[] Values, long[] Shape)> inputs, int threads);

    /// <summary>Seconds for this many runs of the pass: "forward", "backward" or "step".</summary>
    double Time(string pass, int iterations);
}
