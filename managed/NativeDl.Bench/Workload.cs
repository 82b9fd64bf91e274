using System.Globalization;

namespace NativeDl.Bench;

/// <summary>One row to measure: an op with operands and options, as the case tables spell it.</summary>
internal sealed record Workload(string Op, string Row, IReadOnlyDictionary<string, long[]> Operands, IReadOnlyDictionary<string, string> Options)
{
    /// <summary>The rows of workloads.txt. Those of ops must stand in the op's case table: what is measured is verified.</summary>
    public static IEnumerable<Workload> ReadAll(string folder)
    {
        foreach (var line in File.ReadLines(Path.Combine(folder, "workloads.txt")))
        {
            var text = line.Split('#')[0].Trim();
            if (text.Length == 0)
                continue;
            var (op, row) = text.IndexOf(' ', StringComparison.Ordinal) is var blank and > 0 ? (text[..blank], text[(blank + 1)..].Trim()) : (text, "");
            if (row.Length > 0 && !IsCase(folder, op, row))
                throw new InvalidDataException($"workloads.txt: '{row}' is no row of tests/cases/{op}.cases; add it there, so that it is verified.");
            yield return Parse(op, row);
        }
    }

    public int Option(string name, int fallback) =>
        Options.TryGetValue(name, out var text) && int.TryParse(text, CultureInfo.InvariantCulture, out var value) ? value : fallback;

    private static bool IsCase(string folder, string op, string row)
    {
        var words = Words(row);
        return File.ReadLines(Path.Combine(folder, "cases", op + ".cases")).Any(line => Words(line.Split('#')[0]).SetEquals(words));
    }

    private static HashSet<string> Words(string row) => [.. row.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

    private static Workload Parse(string op, string row)
    {
        var (operands, options) = (new Dictionary<string, long[]>(), new Dictionary<string, string>());
        foreach (var word in row.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = (word[..word.IndexOf('=', StringComparison.Ordinal)], word[(word.IndexOf('=', StringComparison.Ordinal) + 1)..]);
            options[name] = value;
            var parts = value.Split('x');
            if (parts.All(p => long.TryParse(p, CultureInfo.InvariantCulture, out _)))
                operands[name] = Array.ConvertAll(parts, p => long.Parse(p, CultureInfo.InvariantCulture));
        }
        return new Workload(op, row, operands, options);
    }
}
