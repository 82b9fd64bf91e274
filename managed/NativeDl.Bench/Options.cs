using CommandLine;

namespace NativeDl.Bench;

internal abstract class MeasureOptions
{
    [Option("threads", Default = 0, HelpText = "Threads of each contestant; 0: all cores.")]
    public int Threads { get; set; }

    [Option("statistic", Default = Statistic.Median, HelpText = "median, or least: the least time, for a machine that others use too.")]
    public Statistic Statistic { get; set; }

    [Option("markdown", HelpText = "Tables as Markdown, for docs/benchmarks.")]
    public bool Markdown { get; set; }
}

internal abstract class RoundOptions : MeasureOptions
{
    [Option("rounds", Default = 15, HelpText = "Rounds in which each contestant is timed in turn.")]
    public int Rounds { get; set; }

    [Option("seconds", Default = 0.1, HelpText = "Seconds a contestant runs in a round.")]
    public double Seconds { get; set; }

    [Option("round-trip", Default = 0.0, HelpText = "Repeat a round in which a word took longer than so many ns from core to core and back (150: cores that share a cache); 0: none.")]
    public double RoundTrip { get; set; }
}

internal abstract class FieldOptions : RoundOptions
{
    [Option("peers", Separator = ',', Default = new[] { "onednn", "openblas", "torch" }, HelpText = "Peers, where they are installed, between commas.")]
    public IEnumerable<string> Peers { get; set; } = [];

    [Option("no-peers", HelpText = "Only the library itself.")]
    public bool NoPeers { get; set; }

    [Option("python", Default = "/usr/bin/python3", HelpText = "Python with PyTorch.")]
    public string Python { get; set; } = "";

    [Option("filter", Default = "", HelpText = "Only workloads whose line contains this.")]
    public string Filter { get; set; } = "";
}

internal abstract class WorkloadOptions : FieldOptions
{
    [Option("group", Separator = ',', HelpText = "Only these groups of workloads.txt, between commas; run --list names them.")]
    public IEnumerable<string> Group { get; set; } = [];

    [Option("pass", Default = "", HelpText = "Only this pass: forward, backward_input, ...")]
    public string Pass { get; set; } = "";
}

[Verb("run", isDefault: true, HelpText = "Check, then time, the workloads of workloads.txt beside the peers; factors against the goals, shares of the machine's bounds.")]
internal sealed class RunOptions : WorkloadOptions
{
    [Option("list", HelpText = "Print the workloads, and measure nothing.")]
    public bool List { get; set; }

    [Option("json", HelpText = "File for the results as JSON.")]
    public string? Json { get; set; }

    [Option("no-bounds", HelpText = "Do not measure the machine's bounds.")]
    public bool NoBounds { get; set; }
}

[Verb("methods", HelpText = "Time every implementation of a pass by name on every workload: where did the library's choice take a slower one?")]
internal sealed class MethodsOptions : WorkloadOptions
{
    [Option("all", HelpText = "Print all times, not only where the choice was slower.")]
    public bool All { get; set; }

    [Option("reference", HelpText = "Time cpu:ref too, which is slow.")]
    public bool Reference { get; set; }
}

[Verb("scale", HelpText = "Time against batch and channels for 3x3 convolution and GEMM: JSON, plots, and cliffs.")]
internal sealed class ScaleOptions : FieldOptions
{
    [Option("output", Default = "docs/benchmarks", HelpText = "Folder for scale.json and the plots.")]
    public string Output { get; set; } = "";
}

[Verb("peers", HelpText = "Hold the oneDNN adapter against oneDNN's own benchdnn on eight shapes.")]
internal sealed class PeersOptions : MeasureOptions
{
    [Option("benchdnn", HelpText = "The program; by default bin/benchdnn in NATIVEDL_ONEDNN_DIR.")]
    public string? Benchdnn { get; set; }

    [Option("rounds", Default = 5, HelpText = "Rounds in which both are timed in turn.")]
    public int Rounds { get; set; }

    [Option("seconds", Default = 0.5, HelpText = "Seconds each runs in a round.")]
    public double Seconds { get; set; }
}

[Verb("mnist", HelpText = "Train on MNIST by `nativedl train` and by PyTorch, whole processes in pairs.")]
internal sealed class MnistOptions : MeasureOptions
{
    [Option("data", Required = true, HelpText = "Folder with MNIST's four files.")]
    public string Data { get; set; } = "";

    [Option("epochs", Default = 5, HelpText = "Epochs of each.")]
    public int Epochs { get; set; }

    [Option("pairs", Default = 3, HelpText = "Pairs of runs, each with a seed of its own.")]
    public int Pairs { get; set; }

    [Option("python", Default = "/usr/bin/python3", HelpText = "Python with PyTorch.")]
    public string Python { get; set; } = "";

    [Option("tool", HelpText = "The program nativedl; by default the repository's release build.")]
    public string? Tool { get; set; }
}

[Verb("bounds", HelpText = "Measure what the machine can do at most: multiply-adds, bytes of caches and memory.")]
internal sealed class BoundsOptions
{
    [Option("threads", Default = 0, HelpText = "Threads at once; 0: all cores.")]
    public int Threads { get; set; }
}

[Verb("overhead", HelpText = "What it costs to share work between threads, and what a call costs around the work (BenchmarkDotNet).")]
internal sealed class OverheadOptions;
