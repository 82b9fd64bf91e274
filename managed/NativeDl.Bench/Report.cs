using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace NativeDl.Bench;

/// <summary>Results for people, and as JSON for programs.</summary>
internal static class Report
{
    public static void Print(IReadOnlyList<Result> results, IReadOnlyList<string> names)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn("workload");
        table.AddColumn("pass");
        foreach (var name in names)
            table.AddColumn(new TableColumn($"{name} ms (10..90 %)").RightAligned());
        table.AddColumn(new TableColumn("GFLOP/s").RightAligned());
        foreach (var peer in names.Skip(1))
            table.AddColumn(new TableColumn($"x {peer}").RightAligned());
        foreach (var result in results)
        {
            var ours = result.Seconds[names[0]];
            var cells = new List<string> { Markup.Escape(result.Workload), result.Pass };
            cells.AddRange(names.Select(n => result.Seconds.TryGetValue(n, out var s) ? $"{s.Median * 1e3:F3} ({s.Low * 1e3:F3}..{s.High * 1e3:F3})" : "-"));
            cells.Add(result.Flop > 0 ? $"{result.Flop / ours.Median / 1e9:F0}" : "-");
            cells.AddRange(names.Skip(1).Select(n => result.Seconds.TryGetValue(n, out var s) ? $"{s.Median / ours.Median:F2}" : "-"));
            table.AddRow([.. cells.Select(c => new Text(c))]);
        }
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = 240; // a file has no width of its own
        AnsiConsole.Write(table);
    }

    public static JsonObject ToJson(IReadOnlyList<Result> results, int threads, int rounds)
    {
        var rows = new JsonArray();
        foreach (var result in results)
        {
            var seconds = new JsonObject();
            foreach (var (name, sample) in result.Seconds)
                seconds[name] = new JsonObject { ["median"] = sample.Median, ["p10"] = sample.Low, ["p90"] = sample.High };
            rows.Add(new JsonObject { ["workload"] = result.Workload, ["pass"] = result.Pass, ["flop"] = result.Flop, ["seconds"] = seconds });
        }
        return new JsonObject
        {
            ["machine"] = Machine.Describe(),
            ["system"] = RuntimeInformation.OSDescription,
            ["runtime"] = RuntimeInformation.FrameworkDescription,
            ["threads"] = threads,
            ["rounds"] = rounds,
            ["results"] = rows,
        };
    }
}
