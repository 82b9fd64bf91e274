using System.Globalization;

namespace NativeDl.Bench;

/// <summary>An operand as a row spells it: "8x10:f32@positive".</summary>
internal sealed record OperandSpec(long[] Shape, string DType, string Hint)
{
    public static OperandSpec? TryParse(string text)
    {
        var (dims, hint) = Cut(text, '@');
        (dims, var dtype) = Cut(dims, ':');
        if (dims == "scalar")
            return new OperandSpec([], dtype, hint);
        var shape = new List<long>();
        foreach (var part in dims.Split('x'))
        {
            if (!long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var dim))
                return null;
            shape.Add(dim);
        }
        return new OperandSpec([.. shape], dtype, hint);
    }

    /// <summary>As the row has it, without the hint.</summary>
    public override string ToString() =>
        (Shape.Length == 0 ? "scalar" : string.Join('x', Shape)) + (DType.Length == 0 ? "" : ":" + DType);

    private static (string Before, string Behind) Cut(string text, char at) =>
        text.IndexOf(at, StringComparison.Ordinal) is var i and >= 0 ? (text[..i], text[(i + 1)..]) : (text, "");
}

/// <summary>One row to measure: an op with operands and options, as the case tables spell it.</summary>
internal sealed class Workload
{
    private static readonly string[] s_options = ["groups", "axes", "axis", "outputs", "before", "after", "dtype"];

    private readonly Dictionary<string, OperandSpec> _operands = [];
    private readonly Dictionary<string, string> _options = [];

    private Workload(string op, string row) => (Op, Row) = (op, row);

    public string Op { get; }

    public string Row { get; }

    public IReadOnlyDictionary<string, OperandSpec> Operands => _operands;

    public IReadOnlyDictionary<string, string> Options => _options;

    /// <summary>"conv2d x=1x8x8x3 weight=4x3x3x3", or the op alone.</summary>
    /// <exception cref="FormatException">A word that is not key=value.</exception>
    public static Workload Parse(string text)
    {
        var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
            throw new FormatException("a workload begins with its op");
        var workload = new Workload(words[0], string.Join(' ', words[1..]));
        foreach (var word in words[1..])
        {
            var equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1)
                throw new FormatException($"'{word}' is not key=value");
            var (name, value) = (word[..equals], word[(equals + 1)..]);
            // A number is an operand of one dimension, or an option: those of the ops that are measured have a '_'.
            if (!IsOption(name) && OperandSpec.TryParse(value) is { } operand)
                workload._operands[name] = operand;
            else
                workload._options[name] = value;
        }
        return workload;
    }

    public long[] Shape(string operand) => _operands[operand].Shape;

    /// <summary>The dtype of a value by name, "" where the row does not say; the gradient dy is of x's.</summary>
    public string TypeOf(string name) => _operands.GetValueOrDefault(name == "dy" ? "x" : name)?.DType ?? "";

    public int Int(string option, int fallback) =>
        _options.TryGetValue(option, out var text) && int.TryParse(text, CultureInfo.InvariantCulture, out var value) ? value : fallback;

    public float Number(string option, float fallback) =>
        _options.TryGetValue(option, out var text) ? float.Parse(text, CultureInfo.InvariantCulture) : fallback;

    /// <summary>"axes=1,2"; empty where the row does not say.</summary>
    public long[] List(string option) => _options.TryGetValue(option, out var text)
        ? Array.ConvertAll(text.Split(','), part => long.Parse(part, CultureInfo.InvariantCulture)) : [];

    public Activation Activation => Enum.Parse<Activation>(_options.GetValueOrDefault("activation", "none"), ignoreCase: true);

    public override string ToString() => Row.Length == 0 ? Op : $"{Op} {Row}";

    private static bool IsOption(string name) =>
        s_options.Contains(name) || name is "eps" or "momentum" or "cumulative" or "activation" ||
        (name.Contains('_', StringComparison.Ordinal) && name is not ("running_mean" or "running_var" or "num_batches"));
}
