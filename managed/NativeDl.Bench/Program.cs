using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using CommandLine;
using NativeDl;
using NativeDl.Bench;

using var stopped = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true; // the measurement under way ends, the peers are ended, what is known is printed
    stopped.Cancel();
};
using var parser = new Parser(settings =>
{
    settings.CaseInsensitiveEnumValues = true;
    settings.HelpWriter = Console.Error;
    settings.MaximumDisplayWidth = 120;
});
try
{
    return parser.ParseArguments<RunOptions, MethodsOptions, ScaleOptions, PeersOptions, MnistOptions, BoundsOptions, OverheadOptions>(args)
        .MapResult<RunOptions, MethodsOptions, ScaleOptions, PeersOptions, MnistOptions, BoundsOptions, OverheadOptions, int>(
            o => RunCommand.Run(o, stopped.Token),
            o => MethodsCommand.Run(o, stopped.Token),
            o => ScaleCommand.Run(o, stopped.Token),
            o => PeersCommand.Run(o, stopped.Token),
            o => MnistCommand.Run(o, stopped.Token),
            PrintBounds,
            MeasureOverhead,
            errors => errors.Any(e => e is HelpRequestedError or HelpVerbRequestedError or VersionRequestedError) ? 0 : 2);
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("stopped");
    return 130;
}
catch (Exception e) when (e is InvalidDataException or IOException or FormatException or NativeDlException)
{
    Console.Error.WriteLine("error: " + e.Message);
    return 1;
}

static int PrintBounds(BoundsOptions options)
{
    var threads = options.Threads == 0 ? Machine.Cores : options.Threads;
    var bounds = Bounds.TryMeasure(threads) ?? throw new InvalidDataException("tests/peers/bounds was not built (x86-64 only): cmake --build --preset release --target peers");
    var table = new ReportTable($"bounds, {threads} threads", ["", "", "1e9 FLOP or bytes a second"],
        [.. bounds.Rates.Where(r => !r.Key.EndsWith("_bytes", StringComparison.Ordinal)).Select(r => new[] { r.Key, "", $"{r.Value:F1}" })]);
    table.Print();
    return 0;
}

static int MeasureOverhead(OverheadOptions _)
{
    if (Peers.Ask("fork_join", Machine.Cores) is { } lines)
    {
        new ReportTable($"an empty parallel loop, {Machine.Cores} threads", ["", "", "least us", "median us"],
            [.. lines.Select(words => new[] { words[0].Replace('_', ' '), "", words[1], words[2] })]).Print();
    }
    BenchmarkRunner.Run<Overhead>(DefaultConfig.Instance.WithOptions(ConfigOptions.DisableLogFile)
        // In this process: the program that it would build otherwise looks for a project named as the assembly.
        .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance)));
    return 0;
}
