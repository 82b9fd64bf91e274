using System.Text.Json;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;
using CommandLine;
using NativeDl.Bench;

return Parser.Default.ParseArguments<RunOptions, OverheadOptions>(args).MapResult<RunOptions, OverheadOptions, int>(Run, Overhead, _ => 2);

static int Run(RunOptions options)
{
    var contestants = new List<IContestant> { new NativeDlContestant() };
    if (!options.NoPeers)
    {
        if (TorchContestant.TryStart(options.Python, out var reason) is { } torch)
            contestants.Add(torch);
        else
            Console.Error.WriteLine(reason);
    }
    try
    {
        var runner = new Runner(contestants, options.Threads, options.Rounds, options.Seconds);
        var results = new List<Result>();
        foreach (var workload in Workload.ReadAll(AppContext.BaseDirectory).Where(w => $"{w.Op} {w.Row}".Contains(options.Filter, StringComparison.Ordinal)))
        {
            Console.Error.WriteLine($"{workload.Op} {workload.Row}");
            results.AddRange(runner.Run(workload));
        }
        Report.Print(results, [.. contestants.Select(c => c.Name)]);
        if (options.Json is { } path)
            File.WriteAllText(path, Report.ToJson(results, options.Threads, options.Rounds).ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
        return 0;
    }
    catch (InvalidDataException e)
    {
        Console.Error.WriteLine("error: " + e.Message);
        return 1;
    }
    finally
    {
        contestants.ForEach(c => c.Dispose());
    }
}

static int Overhead(OverheadOptions _)
{
    BenchmarkRunner.Run<Overhead>(DefaultConfig.Instance.WithOptions(ConfigOptions.DisableLogFile));
    return 0;
}

[Verb("run", HelpText = "Check, then time, the workloads of workloads.txt against the peers that are installed.")]
internal sealed class RunOptions
{
    [Option("filter", Default = "", HelpText = "Only workloads whose line contains this.")]
    public string Filter { get; set; } = "";

    [Option("rounds", Default = 15, HelpText = "Rounds in which each contestant is timed in turn.")]
    public int Rounds { get; set; }

    [Option("seconds", Default = 0.1, HelpText = "Seconds a contestant runs in a round.")]
    public double Seconds { get; set; }

    [Option("threads", Default = 2, HelpText = "Threads of each contestant.")]
    public int Threads { get; set; }

    [Option("json", HelpText = "File for the results as JSON.")]
    public string? Json { get; set; }

    [Option("no-peers", HelpText = "Only the library itself.")]
    public bool NoPeers { get; set; }

    [Option("python", Default = "/usr/bin/python3", HelpText = "Python with PyTorch.")]
    public string Python { get; set; } = "";
}

[Verb("overhead", HelpText = "What a call costs around the work (BenchmarkDotNet).")]
internal sealed class OverheadOptions;
