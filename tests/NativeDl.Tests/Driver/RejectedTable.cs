using System.Reflection;
using System.Text;

namespace NativeDl.Tests.Driver;

/// <summary>
/// The committed table of what each implementation refuses, tests/cases/rejected.txt. A refusal that is not in it, another
/// reason, and an entry that is accepted now are all failures, so that no kernel drops a case unseen. With
/// NATIVEDL_UPDATE_REJECTED=1 a run writes it anew.
/// </summary>
internal static class RejectedTable
{
    private const string FileName = "rejected.txt";

    public static readonly bool Updating = Environment.GetEnvironmentVariable("NATIVEDL_UPDATE_REJECTED") == "1";

    private static readonly Dictionary<Key, string> Committed = Read(Path.Combine(AppContext.BaseDirectory, "cases", FileName));
    private static readonly Dictionary<Key, string?> Seen = [];
    private static readonly Lock Gate = new();

    private sealed record Key(string Pass, string Implementation, string Row);

    /// <summary>Notes an outcome, the error's text or null for accepted; says how it differs from the table, if it does.</summary>
    public static string? Note(string pass, string implementation, string row, string? refusal)
    {
        var key = new Key(pass, implementation, row);
        var reason = refusal is null ? null : ReasonOf(refusal);
        lock (Gate)
            Seen[key] = reason;
        Committed.TryGetValue(key, out var committed);
        if (Updating || committed == reason)
            return null;
        const string Remedy = $"If that is meant, run the tests with NATIVEDL_UPDATE_REJECTED=1 and commit tests/cases/{FileName}.";
        if (reason is null)
            return $"{implementation} accepts this row now; the table says that it refuses: {committed}\n{Remedy}";
        return committed is null
            ? $"{implementation} refuses this row now, and did not: {reason}\n{Remedy}"
            : $"{implementation} refuses this row for another reason: {reason}\nThe table says: {committed}\n{Remedy}";
    }

    /// <summary>Writes what this run saw over the table; rows of implementations that did not run are kept.</summary>
    public static void WriteIfUpdating()
    {
        if (!Updating || Seen.Count == 0)
            return;
        var ran = Seen.Keys.Select(key => (key.Pass, key.Implementation)).ToHashSet();
        var rejected = Committed
            .Where(entry => !ran.Contains((entry.Key.Pass, entry.Key.Implementation)))
            .Concat(Seen.Where(entry => entry.Value is not null).Select(entry => KeyValuePair.Create(entry.Key, entry.Value!)));
        File.WriteAllText(Path.Combine(SourceFolder(), FileName), Format(rejected));
    }

    // Rows that meet the same refusals stand together under them, so that each row is written once a pass.
    private static string Format(IEnumerable<KeyValuePair<Key, string>> rejected)
    {
        var text = new StringBuilder(
            """
            # Written by the managed tests under NATIVEDL_UPDATE_REJECTED=1; see README.md. Per pass: what refuses and why, and
            # below it the rows that these refuse, and no others. What is not listed is accepted.

            """);
        foreach (var pass in rejected.GroupBy(entry => entry.Key.Pass).OrderBy(pass => pass.Key, StringComparer.Ordinal))
        {
            text.Append($"\n== {pass.Key}\n");
            var blocks = pass
                .GroupBy(entry => entry.Key.Row, entry => (entry.Key.Implementation, Reason: entry.Value))
                .OrderBy(row => row.Key, StringComparer.Ordinal)
                .GroupBy(row => string.Concat(row
                    .GroupBy(refusal => refusal.Reason, refusal => refusal.Implementation)
                    .Select(reason => $"- {string.Join(' ', reason.Order(StringComparer.Ordinal))} | {reason.Key}\n")
                    .Order(StringComparer.Ordinal)), row => row.Key);
            foreach (var block in blocks)
                text.Append(block.Key).AppendJoin('\n', block).Append("\n\n");
            text.Length--;
        }
        return text.ToString();
    }

    private static Dictionary<Key, string> Read(string path)
    {
        var entries = new Dictionary<Key, string>();
        var (pass, refusals) = ("", new List<(string[] Implementations, string Reason)>());
        foreach (var line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            if (line.StartsWith("== ", StringComparison.Ordinal))
            {
                pass = line[3..];
            }
            else if (line.StartsWith("- ", StringComparison.Ordinal))
            {
                var parts = line[2..].Split(" | ", 2);
                refusals.Add((parts[0].Split(' '), parts[1]));
            }
            else if (line.Length == 0)
            {
                refusals.Clear();
            }
            else if (line[0] != '#')
            {
                foreach (var (implementations, reason) in refusals)
                {
                    foreach (var implementation in implementations)
                        entries.Add(new Key(pass, implementation, line), reason);
                }
            }
        }
        return entries;
    }

    // "relu_forward: cpu:vector:sse4 refuses x=f64 [4] y=f64 [4]: it takes f32 only": what is behind the operands.
    private static string ReasonOf(string refusal)
    {
        var operands = refusal.IndexOf(" refuses ", StringComparison.Ordinal);
        var end = operands < 0 ? -1 : refusal.IndexOf(": ", operands, StringComparison.Ordinal);
        return end < 0 ? refusal : refusal[(end + 2)..];
    }

    private static string SourceFolder() => typeof(RejectedTable).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "CasesDirectory").Value!;
}
