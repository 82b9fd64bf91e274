using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace NativeDl.Bench;

/// <summary>A table of a report: for the terminal, or as Markdown that can be pasted into docs/benchmarks.</summary>
internal sealed record ReportTable(string Title, string[] Columns, List<string[]> Rows)
{
    public void Print()
    {
        var table = new Table().Border(TableBorder.Simple).Title(Markup.Escape(Title));
        for (var i = 0; i < Columns.Length; i++)
            table.AddColumn(i < 2 ? new TableColumn(Columns[i]) : new TableColumn(Columns[i]).RightAligned());
        foreach (var row in Rows)
            table.AddRow([.. row.Select(c => new Text(c))]);
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = 250; // a file has no width of its own
            AnsiConsole.Profile.Capabilities.Ansi = false;
        }
        AnsiConsole.Write(table);
    }

    public string ToMarkdown()
    {
        var text = new StringBuilder().Append("### ").Append(Title).Append("\n\n");
        Line(Columns);
        Line([.. Columns.Select((_, i) => i < 2 ? "---" : "--:")]);
        Rows.ForEach(Line);
        return text.Append('\n').ToString();

        void Line(string[] cells) => text.Append("| ").AppendJoin(" | ", cells.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal))).Append(" |\n");
    }
}

/// <summary>What `run` measured, for people and for programs.</summary>
internal sealed class Report(
    IReadOnlyList<Group> groups, IReadOnlyList<Result> results, IReadOnlyList<string> names, Bounds? bounds, Statistic statistic)
{
    private readonly string _library = names[0];

    public IEnumerable<ReportTable> Tables()
    {
        foreach (var group in groups)
        {
            var rows = results.Where(r => r.Group == group.Name).ToList();
            if (rows.Count > 0)
                yield return OfGroup(group.Name, rows);
        }
        if (OfGoals() is { Rows.Count: > 0 } goals)
            yield return goals;
    }

    public JsonObject ToJson(int threads, RoundOptions options) => new()
    {
        ["machine"] = Machine.Describe(),
        ["system"] = RuntimeInformation.OSDescription,
        ["runtime"] = RuntimeInformation.FrameworkDescription,
        ["threads"] = threads,
        ["rounds"] = options.Rounds,
        ["round_trip_limit_ns"] = options.RoundTrip,
        ["bounds"] = bounds is null ? null : JsonSerializer.SerializeToNode(bounds.Rates),
        ["results"] = new JsonArray([.. results.Select(r => (JsonNode)new JsonObject
        {
            ["group"] = r.Group, ["count"] = r.Count, ["workload"] = r.Workload.ToString(), ["pass"] = r.Pass,
            ["flop"] = r.Work.Flop, ["bytes"] = r.Work.Read + r.Work.Written,
            ["bound_seconds"] = bounds?.Seconds(r.Work),
            ["seconds"] = JsonSerializer.SerializeToNode(r.Seconds),
            ["workspace_bytes"] = r.Scratch?.Workspace,
            ["derived_bytes"] = r.Scratch?.Derived,
            ["methods"] = JsonSerializer.SerializeToNode(r.Methods),
            ["errors"] = JsonSerializer.SerializeToNode(r.Errors),
        })]),
        ["goals"] = new JsonArray([.. Judgements().Select(j => (JsonNode)new JsonObject
        {
            ["group"] = j.Group, ["passes"] = string.Join(',', j.Goal.Passes), ["factor"] = Finite(j.Factor), ["least"] = j.Least,
            ["must"] = j.Goal.Must, ["aim"] = j.Goal.Aim, ["floor"] = j.Goal.Floor, ["rows"] = j.Rows,
        })]),
    };

    private static JsonNode? Finite(double value) => double.IsFinite(value) ? value : null;

    private IEnumerable<Judgement> Judgements() => Judgement.Of(groups, results, _library, statistic);

    // Ours, each peer, the best peer over ours, the share of the bound, the method, and errors where they are known.
    private ReportTable OfGroup(string name, List<Result> rows)
    {
        // Errors beside oneDNN's.
        var withErrors = rows.Any(r => r.Errors.Count > 0);
        string[] judged = [_library, .. names.Where(n => n.StartsWith("oneDNN", StringComparison.Ordinal))];
        string[] columns =
        [
            "workload", "pass", .. names.Select(n => n + " ms"), "x", "of bound", "method", "workspace + derived MB", .. withErrors ? ["error, " + string.Join(" / ", judged)] : Array.Empty<string>(),
        ];
        return new ReportTable(name, columns, [.. rows.Select(r => (string[])
        [
            (r.Count > 1 ? $"{r.Count} * " : "") + r.Workload, r.Pass,
            .. names.Select(n => r.Seconds.TryGetValue(n, out var s) ? Time(s) : "-"),
            Judgement.FactorOf(r, _library, statistic) is { } x ? Text($"{x:F2}") : "-",
            bounds?.Seconds(r.Work) is > 0 and var bound ? Text($"{100 * bound / r.Seconds[_library].By(statistic):F0} %") : "-",
            r.Methods[_library],
            r.Scratch is { } s ? Text($"{s.Workspace / 1e6:F1} + {s.Derived / 1e6:F1}") : "-",
            .. withErrors ? [string.Join(" / ", judged.Select(n => r.Errors.TryGetValue(n, out var e) ? Text($"{e:0.0e0}") : "-"))] : Array.Empty<string>(),
        ])]);
    }

    private ReportTable OfGoals() => new("goals", ["group", "passes", "rows", "x", "least x", "must", "aim", ""], [.. Judgements().Select(j => (string[])
    [
        j.Group, string.Join(", ", j.Goal.Passes), Text($"{j.Rows}"), Text($"{j.Factor:F2}{(j.Goal.Sum ? " (sum)" : "")}"), Text($"{j.Least:F2}"),
        Text($"{j.Goal.Must:0.##}{(j.Goal.Floor > 0 ? Text($", none under {j.Goal.Floor:0.##}") : "")}"), Text($"{j.Goal.Aim:0.##}"), j.Met ? "met" : "short",
    ])]);

    private string Time(Sample s) => statistic == Statistic.Least
        ? Text($"{s.Least * 1e3:F3}") : Text($"{s.Median * 1e3:F3} ({s.Low * 1e3:F3}..{s.High * 1e3:F3})");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
