using System.Globalization;

namespace NativeDl.Bench;

/// <summary>
/// What a group is to reach in some of its passes: the factor best peer's time / ours, over all rows; the least factor of
/// one row, 0 where none is named. Times are summed by how often a row occurs, or the geometric mean is taken.
/// </summary>
internal sealed record Goal(IReadOnlyList<string> Passes, double Must, double Aim, double Floor, bool Sum);

/// <summary>A row of a group, and how often it occurs.</summary>
internal sealed record Entry(Workload Workload, int Count);

/// <summary>Rows that are judged together.</summary>
internal sealed record Group(string Name, IReadOnlyList<Goal> Goals, IReadOnlyList<Entry> Entries)
{
    /// <summary>Whether a pass is measured: one that a goal names, or any where there is no goal.</summary>
    public bool Has(string pass) => Goals.Count == 0 || Goals.Any(g => g.Passes.Contains(pass));
}

/// <summary>Reads workloads.txt, whose first lines say how it is written.</summary>
internal static class WorkloadList
{
    /// <summary>The groups. Rows of ops must stand in the op's case table: what is measured is verified.</summary>
    /// <exception cref="InvalidDataException">A line that cannot be read, or a row that no case table has.</exception>
    public static List<Group> Read(string folder)
    {
        var groups = Parse(File.ReadAllLines(Path.Combine(folder, "workloads.txt")));
        var tables = new Dictionary<string, HashSet<string>>();
        foreach (var workload in groups.SelectMany(g => g.Entries).Select(e => e.Workload).Where(w => w.Row.Length > 0))
        {
            if (!tables.TryGetValue(workload.Op, out var table))
                tables[workload.Op] = table = ReadTables(folder, workload.Op);
            if (!table.Contains(Key(workload.Row)))
            {
                throw new InvalidDataException(
                    $"workloads.txt: '{workload.Row}' is no row of {workload.Op}.cases in tests/cases or tests/cases/large; add it there, so that it is verified.");
            }
        }
        return groups;
    }

    public static List<Group> Parse(IEnumerable<string> lines)
    {
        var groups = new List<(string Name, List<Goal> Goals, List<Entry> Entries)>();
        var number = 0;
        foreach (var line in lines)
        {
            number++;
            var words = line.Split('#')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0)
                continue;
            try
            {
                if (words[0] == "group" && words.Length == 2)
                    groups.Add((words[1], [], []));
                else if (groups.Count == 0)
                    throw new FormatException("the first line must be: group NAME");
                else if (words[0] == "goal")
                    groups[^1].Goals.Add(ParseGoal(words[1..]));
                else
                    groups[^1].Entries.Add(ParseEntry(words));
            }
            catch (FormatException e)
            {
                throw new InvalidDataException($"workloads.txt, line {number}: {e.Message}", e);
            }
        }
        return [.. groups.Select(g => new Group(g.Name, g.Goals, g.Entries))];
    }

    private static Goal ParseGoal(string[] words)
    {
        if (words.Length == 0)
            throw new FormatException("goal needs passes: goal forward must=1.5 aim=2");
        var (must, aim, floor, sum) = (0.0, 0.0, 0.0, false);
        foreach (var word in words[1..])
        {
            switch (word.Split('='))
            {
                case ["must", var value]: must = Factor(value); break;
                case ["aim", var value]: aim = Factor(value); break;
                case ["floor", var value]: floor = Factor(value); break;
                case ["sum"]: sum = true; break;
                default: throw new FormatException($"a goal has must=, aim=, floor= and sum, no '{word}'");
            }
        }
        return new Goal(words[0].Split(','), must, aim, floor, sum);
    }

    private static double Factor(string text) =>
        double.TryParse(text, CultureInfo.InvariantCulture, out var value) ? value : throw new FormatException($"'{text}' is no factor");

    // "3 * conv2d x=..." or the row alone.
    private static Entry ParseEntry(string[] words)
    {
        if (words is [var count, "*", ..])
        {
            return int.TryParse(count, CultureInfo.InvariantCulture, out var times) && times > 0
                ? new Entry(Workload.Parse(string.Join(' ', words[2..])), times)
                : throw new FormatException($"'{count}' is no count");
        }
        return new Entry(Workload.Parse(string.Join(' ', words)), 1);
    }

    private static HashSet<string> ReadTables(string folder, string op) =>
        [.. new[] { "cases", Path.Combine("cases", "large") }.Select(sub => Path.Combine(folder, sub, op + ".cases"))
            .Where(File.Exists).SelectMany(File.ReadLines).Select(line => Key(line.Split('#')[0]))];

    // Rows are equal whatever the order of their words.
    private static string Key(string row) => string.Join(' ', row.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
}
