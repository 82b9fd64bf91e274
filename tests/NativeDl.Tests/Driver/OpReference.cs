namespace NativeDl.Tests.Driver;

/// <summary>The operands of one run by their names: library tensors, or the oracle's values.</summary>
internal sealed class Inputs<T> where T : class
{
    private readonly Dictionary<string, T[]> _values = [];

    public IEnumerable<string> Names => _values.Keys;

    /// <summary>An operand that every row has.</summary>
    public T this[string name] => Optional(name) ?? throw new FormatException($"The row has no operand '{name}'.");

    /// <summary>An operand that a row may leave out.</summary>
    public T? Optional(string name) => _values.TryGetValue(name, out var list) ? list[0] : null;

    /// <summary>A list of operands.</summary>
    public T[] List(string name) => _values.TryGetValue(name, out var list) ? list : [];

    public void Set(string name, params T[] values) => _values[name] = values;

    public bool Has(string name) => _values.ContainsKey(name);

    public Inputs<TOther> Convert<TOther>(Func<string, T, TOther> convert) where TOther : class
    {
        var result = new Inputs<TOther>();
        foreach (var (name, list) in _values)
            result.Set(name, Array.ConvertAll(list, item => convert(name, item)));
        return result;
    }
}

/// <summary>
/// One output or gradient as the oracle knows it. Computed by rows, a row being all elements of the last dimension, so
/// that of a large one only a sample need be computed.
/// </summary>
/// <param name="Dims">Its dimensions.</param>
/// <param name="Row">Writes one row, numbered over all other dimensions, last fastest.</param>
/// <param name="Terms">How many rounded terms an element sums; 0 where the result must be exact.</param>
/// <param name="Magnitude">The greatest size of a term.</param>
internal sealed record Expected(long[] Dims, Expected.RowWriter Row, double Terms, double Magnitude)
{
    public delegate void RowWriter(long row, Span<double> values);

    /// <summary>
    /// Whether a value that differs from the expected one is right too, by element: of two positions whose values tie
    /// within rounding, either is the largest one's.
    /// </summary>
    public Func<long, double, bool>? Accepts { get; init; }

    public int RowLength => Dims.Length == 0 ? 1 : (int)Dims[^1];

    public long Count => Dims.Aggregate(1L, (product, dim) => product * dim);

    public long Rows => RowLength == 0 ? 0 : Count / RowLength;

    /// <summary>From values that are all at hand.</summary>
    public static Expected Of(HostTensor values, double terms, double? magnitude = null) => new(
        values.Dims,
        (row, to) => values.Data.AsSpan((int)row * to.Length, to.Length).CopyTo(to),
        terms,
        magnitude ?? values.MaxAbs);

    /// <summary>One function of the element's number, for elementwise ops.</summary>
    public static Expected Elementwise(long[] dims, Func<long, double> element, double terms, double magnitude) => new(
        dims,
        (row, to) =>
        {
            for (var i = 0; i < to.Length; i++)
                to[i] = element((row * to.Length) + i);
        },
        terms,
        magnitude);

    public HostTensor All()
    {
        var data = new double[Count];
        for (long row = 0; row < Rows; row++)
            Row(row, data.AsSpan((int)(row * RowLength), RowLength));
        return new HostTensor(Dims, data, DType.F64);
    }
}

/// <summary>
/// The oracle of one op, in plain C# and float64: the forward pass and its gradients by their definitions, sharing no
/// code with any kernel. One class and one line in <see cref="References"/> bring an op under every test of the driver.
/// </summary>
internal abstract class OpReference
{
    /// <summary>The op's name in the ABI, and that of its case table.</summary>
    public abstract string Op { get; }

    /// <summary>The operands of the forward pass, named as in the C header.</summary>
    public abstract string[] Operands { get; }

    /// <summary>Of the operands, those that have gradients. Integers never do.</summary>
    public virtual string[] Differentiable => Operands;

    /// <summary>Multiplications and additions of the forward pass; over 1e9 the oracle computes a sample.</summary>
    public virtual double Flop(OpCase c) => 0;

    /// <summary>
    /// Sets of operands in which, all scaled alike and the others fixed, the outputs scale alike: the oracle's gradients
    /// are checked by Euler's identity on each.
    /// </summary>
    public virtual string[][] Homogeneous(OpCase c) => [];

    /// <summary>
    /// Whether a run of the row comes through the pass at all: without a bias nothing runs conv2d_backward_bias.
    /// </summary>
    public virtual bool RunsPass(OpCase c, string pass) => true;

    /// <summary>
    /// Whether the gradients depend on the outputs that the library computed. True of an op with a fused activation: next
    /// to its kink, the sign of a rounded output decides.
    /// </summary>
    public virtual bool BackwardReadsOutputs(OpCase c) => c.Has("activation");

    /// <summary>Whether the output at a position holds indices or other integers, which have no gradient.</summary>
    public virtual bool IsIndex(int output) => false;

    /// <summary>Runs the op through the library's public functions.</summary>
    public abstract Tensor[] Run(OpCase c, Inputs<Tensor> inputs);

    /// <summary>The outputs, in the order of <see cref="Run"/>.</summary>
    public abstract Expected[] Forward(OpCase c, Inputs<HostTensor> inputs);

    /// <summary>
    /// The gradients of the differentiable operands that the row has, by name.
    /// </summary>
    /// <param name="c">The case.</param>
    /// <param name="inputs">The operands.</param>
    /// <param name="outputs">The outputs as the library computed them.</param>
    /// <param name="gradients">The gradients of the outputs; null where one has none.</param>
    public abstract IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients);

    /// <summary>dy taken through a fused activation, from the output y.</summary>
    protected static HostTensor ThroughActivation(OpCase c, HostTensor y, HostTensor dy) =>
        c.Item("activation", Activation.None) switch
        {
            Activation.Relu => dy with { Data = [.. dy.Data.Zip(y.Data, (g, v) => v > 0 ? g : 0)] },
            _ => dy,
        };

    /// <summary>A value taken through a fused activation.</summary>
    protected static double Activate(Activation activation, double value) => activation switch
    {
        Activation.Relu => value > 0 || double.IsNaN(value) ? value : 0,
        _ => value,
    };
}
