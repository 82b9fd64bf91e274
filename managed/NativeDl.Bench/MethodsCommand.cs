using System.Globalization;

namespace NativeDl.Bench;

/// <summary>
/// Runs every implementation of a pass by name on every workload, and reports where the library's choice, which follows its
/// cost model, was not the fastest.
/// </summary>
internal static class MethodsCommand
{
    // Within this much, two implementations are as good as each other.
    private const double Tie = 1.05;

    public static int Run(MethodsOptions options, CancellationToken stop)
    {
        var threads = options.Threads == 0 ? Machine.Cores : options.Threads;
        var all = new ReportTable("every implementation", ["workload", "pass", "ms by implementation, fastest first; * the choice"], []);
        var slower = new ReportTable("where the choice was slower", ["workload", "pass", "chosen", "fastest", "loss"], []);
        var factors = new List<double>();
        var seen = new HashSet<string>();
        using var library = new LibraryContestant();
        var entries = RunCommand.Select(options).SelectMany(g => g.Entries).Where(e => e.Workload.Row.Length > 0 && seen.Add(e.Workload.ToString()));
        try
        {
            foreach (var workload in entries.Select(e => e.Workload))
            {
                Console.Error.WriteLine(workload);
                var chosen = library.Prepare(workload, Inputs.Make(workload), threads)!.Passes;
                foreach (var call in library.Calls.Values.Where(c => options.Pass.Length == 0 || c.Name == options.Pass))
                {
                    var times = Times(library, call, options, threads, stop).OrderBy(t => t.Value.By(options.Statistic)).ToList();
                    var choice = times.Find(t => t.Key == chosen[call.Name]);
                    if (times.Count == 0 || choice.Value is null)
                        continue;
                    var loss = choice.Value.By(options.Statistic) / times[0].Value.By(options.Statistic);
                    factors.Add(loss);
                    all.Rows.Add([workload.ToString(), call.Name, string.Join(", ", times.Select(t => Text($"{(t.Key == choice.Key ? "*" : "")}{t.Key} {t.Value.By(options.Statistic) * 1e3:F3}")))]);
                    if (loss > Tie)
                        slower.Rows.Add([workload.ToString(), call.Name, choice.Key, times[0].Key, Text($"{100 * (loss - 1):F0} %")]);
                }
            }
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("stopped; what was measured until then:");
        }
        foreach (var table in options.All ? new[] { all, slower } : [slower])
        {
            if (options.Markdown)
                Console.Write(table.ToMarkdown());
            else
                table.Print();
        }
        if (factors.Count > 0)
            Console.WriteLine(Text($"{factors.Count} passes; the choice was slower by more than 5 % in {slower.Rows.Count}; geometric mean of the loss {100 * (Statistics.GeometricMean(factors) - 1):F1} %"));
        return stop.IsCancellationRequested ? 130 : 0;
    }

    // By implementation; those that refuse, or that this machine cannot run, are left out. The reference only on request.
    private static Dictionary<string, Sample> Times(LibraryContestant library, PassCall call, MethodsOptions options, int threads, CancellationToken stop)
    {
        var usual = ExecutionOptions.Default with { Threads = threads };
        var timed = new Dictionary<string, Func<int, double>>();
        foreach (var implementation in Implementations.Of(call.Native[0]).Where(i => i.Obstacle is null && (options.Reference || i.Name != "cpu:ref")))
        {
            var one = usual.WithImplementation(call.Native[0], implementation.Name);
            try
            {
                library.Options = one;
                library.Time(call.Name, 1);
            }
            catch (UnsupportedException)
            {
                continue;
            }
            timed[implementation.Name] = iterations =>
            {
                library.Options = one;
                return library.Time(call.Name, iterations);
            };
        }
        var times = Runner.Measure(timed, options, stop);
        library.Options = usual;
        return times;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
