namespace NativeDl.Tests.Driver;

/// <summary>One operand of a case: dimensions, dtype, and a hint at its values. The format is in tests/cases/README.md.</summary>
internal sealed record OperandSpec(string Name, long[] Dims, DType DType, string Hint)
{
    public long Count => Dims.Aggregate(1L, (product, dim) => product * dim);
}

/// <summary>One row of a case table.</summary>
internal sealed class OpCase
{
    private readonly Dictionary<string, string> _tokens = [];

    private OpCase(string op, string row)
    {
        Op = op;
        Row = row;
        foreach (var token in row.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = token.IndexOf('=');
            if (equals < 1 || !_tokens.TryAdd(token[..equals], token[(equals + 1)..]))
                throw new FormatException($"{op}: '{token}' in '{row}' is not a key=value of its own.");
        }
    }

    public string Op { get; }

    /// <summary>The row's text, the tokens between single blanks: the name of the case.</summary>
    public string Row { get; }

    public static OpCase Parse(string op, string row) =>
        new(op, string.Join(' ', row.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));

    /// <summary>The rows of an op's table.</summary>
    public static IReadOnlyList<OpCase> ReadTable(string op) => ReadFile(op, Path.Combine(TableFolder, op + ".cases"));

    /// <summary>The rows of its table in tests/cases/large; none where there is no such table.</summary>
    public static IReadOnlyList<OpCase> ReadLargeTable(string op) =>
        Path.Combine(TableFolder, "large", op + ".cases") is var path && File.Exists(path) ? ReadFile(op, path) : [];

    public bool Has(string key) => _tokens.ContainsKey(key);

    public int Int(string option, int fallback) => _tokens.TryGetValue(option, out var text) ? int.Parse(text) : fallback;

    public bool Flag(string option) => Int(option, 0) != 0;

    public double Number(string option, double fallback) =>
        _tokens.TryGetValue(option, out var text) ? double.Parse(text) : fallback;

    public int[] Ints(string option, int[] fallback) =>
        _tokens.TryGetValue(option, out var text) ? [.. text.Split(',').Select(int.Parse)] : fallback;

    /// <summary>An enum's item by its name in the ABI, lower case with underscores.</summary>
    public T Item<T>(string option, T fallback) where T : struct, Enum =>
        _tokens.TryGetValue(option, out var text) ? Enum.Parse<T>(text.Replace("_", ""), ignoreCase: true) : fallback;

    /// <summary>An operand; one item of a list, or none where it is absent, several where it is a list.</summary>
    public OperandSpec[] Operand(string name) =>
        _tokens.TryGetValue(name, out var text) ? [.. text.Split(',').Select(item => ParseOperand(name, item))] : [];

    public override string ToString() => Row;

    private static string TableFolder => Path.Combine(AppContext.BaseDirectory, "cases");

    private static IReadOnlyList<OpCase> ReadFile(string op, string path) =>
        [.. File.ReadLines(path)
            .Select(line => line.Split('#')[0])
            .Where(line => !string.IsNullOrWhiteSpace(line))
            .Select(line => Parse(op, line))];

    private static OperandSpec ParseOperand(string name, string text)
    {
        var hint = "";
        var dtype = DType.F32;
        if (text.IndexOf('@') is >= 0 and var at)
            (text, hint) = (text[..at], text[(at + 1)..]);
        if (text.IndexOf(':') is >= 0 and var colon)
            (text, dtype) = (text[..colon], Enum.Parse<DType>(text[(colon + 1)..], ignoreCase: true));
        return new OperandSpec(name, text == "scalar" ? [] : [.. text.Split('x').Select(long.Parse)], dtype, hint);
    }
}
