using System.Reflection;
using System.Text;

namespace NativeDl.Tests.Driver;

/// <summary>
/// The committed table of what each implementation refuses, tests/cases/rejected.txt: <c>pass | implementation | row |
/// reason</c>. A refusal that is not in it, another reason, and an entry that is accepted now are all failures, so that
/// no kernel drops a case unseen. With NATIVEDL_UPDATE_REJECTED=1 a run writes it anew.
/// </summary>
internal static class RejectedTable
{
    private const string FileName = "rejected.txt";

    public static readonly bool Updating = Environment.GetEnvironmentVariable("NATIVEDL_UPDATE_REJECTED") == "1";

    private static readonly Dictionary<Key, string> Committed = Read(Path.Combine(AppContext.BaseDirectory, "cases", FileName));
    private static readonly Dictionary<Key, string?> Seen = [];
    private static readonly Lock Gate = new();

    private sealed record Key(string Pass, string Implementation, string Row);

    /// <summary>Notes an outcome, a reason or null for accepted; says how it differs from the table, if it does.</summary>
    public static string? Note(string pass, string implementation, string row, string? reason)
    {
        var key = new Key(pass, implementation, row);
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
            .Concat(Seen.Where(entry => entry.Value is not null).Select(entry => KeyValuePair.Create(entry.Key, entry.Value!)))
            .OrderBy(entry => entry.Key.Pass, StringComparer.Ordinal)
            .ThenBy(entry => entry.Key.Implementation, StringComparer.Ordinal)
            .ThenBy(entry => entry.Key.Row, StringComparer.Ordinal);
        var text = new StringBuilder("# Written by the managed tests under NATIVEDL_UPDATE_REJECTED=1; see README.md.\n");
        text.Append("# pass | implementation | row | reason. What is not listed is accepted.\n");
        foreach (var group in rejected.GroupBy(entry => (entry.Key.Pass, entry.Key.Implementation)))
        {
            text.Append('\n');
            foreach (var (key, reason) in group)
                text.Append(key.Pass).Append(" | ").Append(key.Implementation).Append(" | ").Append(key.Row).Append(" | ").Append(reason).Append('\n');
        }
        File.WriteAllText(Path.Combine(SourceFolder(), FileName), text.ToString());
    }

    private static string SourceFolder() => typeof(RejectedTable).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "CasesDirectory").Value!;

    private static Dictionary<Key, string> Read(string path)
    {
        var entries = new Dictionary<Key, string>();
        if (!File.Exists(path))
            return entries;
        foreach (var line in File.ReadLines(path))
        {
            if (line.Length == 0 || line[0] == '#')
                continue;
            var parts = line.Split(" | ", 4);
            entries.Add(new Key(parts[0], parts[1], parts[2]), parts[3]);
        }
        return entries;
    }
}
