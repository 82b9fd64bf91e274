using System.Text.Json;

namespace NativeDl.Bench;

/// <summary>Checks, then times, the workloads of workloads.txt.</summary>
internal static class RunCommand
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static int Run(RunOptions options, CancellationToken stop)
    {
        var groups = Select(options);
        if (options.List)
        {
            foreach (var group in groups)
            {
                Console.WriteLine(group.Name);
                foreach (var entry in group.Entries)
                    Console.WriteLine($"  {(entry.Count > 1 ? $"{entry.Count} * " : "")}{entry.Workload}");
            }
            return 0;
        }
        var threads = options.Threads == 0 ? Machine.Cores : options.Threads;
        using var field = new Field(options, Console.Error.WriteLine);
        var bounds = options.NoBounds ? null : Bounds.TryMeasure(threads);
        if (bounds is null && !options.NoBounds)
            Console.Error.WriteLine("without bounds: tests/peers/bounds was not built");
        var runner = new Runner(field.Contestants, threads, options, stop);
        var results = new List<Result>();
        string? error = null;
        try
        {
            foreach (var (group, entry) in groups.SelectMany(g => g.Entries.Select(e => (g, e))))
            {
                Console.Error.WriteLine($"{group.Name}: {entry.Workload}");
                foreach (var result in runner.Run(group.Name, entry, pass => group.Has(pass) && (options.Pass.Length == 0 || pass == options.Pass)))
                {
                    foreach (var (name, sample) in result.Seconds)
                        bounds?.Check($"{result.Workload} {result.Pass}, {name},", result.Work, sample.Median);
                    results.Add(result);
                }
            }
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("stopped; what was measured until then:");
        }
        catch (Exception e) when (e is InvalidDataException or IOException or NativeDlException)
        {
            error = e.Message;
        }
        var report = new Report(groups, results, [.. field.Contestants.Select(c => c.Name)], bounds, options.Statistic);
        foreach (var table in report.Tables())
        {
            if (options.Markdown)
                Console.Write(table.ToMarkdown());
            else
                table.Print();
        }
        if (options.Json is { } path)
            File.WriteAllText(path, report.ToJson(threads, options).ToJsonString(s_indented) + "\n");
        if (error is not null)
            Console.Error.WriteLine("error: " + error);
        return stop.IsCancellationRequested ? 130 : error is null ? 0 : 1;
    }

    /// <summary>The groups and rows that the options choose.</summary>
    public static List<Group> Select(WorkloadOptions options)
    {
        var all = WorkloadList.Read(AppContext.BaseDirectory);
        var wanted = options.Group.ToList();
        if (wanted.Find(name => all.TrueForAll(g => g.Name != name)) is { } unknown)
            throw new InvalidDataException($"there is no group '{unknown}'; there are: {string.Join(", ", all.Select(g => g.Name))}");
        var groups = all.Where(g => wanted.Count == 0 || wanted.Contains(g.Name))
            .Select(g => g with { Entries = [.. g.Entries.Where(e => e.Workload.ToString().Contains(options.Filter, StringComparison.Ordinal))] })
            .Where(g => g.Entries.Count > 0).ToList();
        return groups.Count > 0 ? groups : throw new InvalidDataException($"no workload contains '{options.Filter}'");
    }
}

/// <summary>The library and the peers that are there.</summary>
internal sealed class Field : IDisposable
{
    public Field(FieldOptions options, Action<string> tell)
    {
        Library = new LibraryContestant();
        List<PeerContestant> peers = options.NoPeers ? [] : Peers.Start(options.Peers, options.Python, tell);
        Contestants = [Library, .. peers];
    }

    public LibraryContestant Library { get; }

    public IReadOnlyList<IContestant> Contestants { get; }

    public void Dispose()
    {
        foreach (var contestant in Contestants)
            contestant.Dispose();
    }
}
