using System.Collections.Concurrent;

namespace NativeDl.Tests.Driver;

/// <summary>
/// What one row must give, computed once for all implementations: a row's inputs, the outputs, and the gradients.
/// Of a row above <see cref="SampledFlop"/>, a seeded sample of at least <see cref="SampleSize"/> elements of each.
/// </summary>
internal sealed class Oracle
{
    public const double SampledFlop = 1e9;
    private const long SampleSize = 4096;
    private const int SampledRows = 64;

    private static readonly ConcurrentDictionary<(string Op, string Row), Oracle> Known = new();

    private readonly OpReference _reference;
    private readonly OpCase _case;
    private readonly Lazy<Sample[]> _outputs;
    private readonly ConcurrentDictionary<int, IReadOnlyDictionary<string, Sample[]>> _gradients = new();

    private Oracle(OpReference reference, OpCase @case)
    {
        _reference = reference;
        _case = @case;
        Inputs = RandomInputs(reference, @case, coarse: true);
        _outputs = new(() => [.. _reference.Forward(_case, Inputs).Select((e, i) => Take(e, $"y{i}"))]);
    }

    public Inputs<HostTensor> Inputs { get; }

    public Sample[] Outputs => _outputs.Value;

    public static Oracle For(OpReference reference, OpCase @case) =>
        Known.GetOrAdd((reference.Op, @case.Row), _ => new Oracle(reference, @case));

    /// <summary>Forgets all rows but one: large ones do not fit into memory together.</summary>
    public static void KeepOnly(string op, string row)
    {
        foreach (var key in Known.Keys.Where(key => key != (op, row)))
            Known.TryRemove(key, out _);
    }

    public static Inputs<HostTensor> RandomInputs(OpReference reference, OpCase c, bool coarse)
    {
        var inputs = new Inputs<HostTensor>();
        foreach (var name in reference.Operands)
        {
            var specs = c.Operand(name);
            if (specs.Length == 0)
                continue;
            inputs.Set(name, [.. specs.Select((spec, i) =>
                HostTensor.Random(specs.Length == 1 ? spec : spec with { Name = $"{name}[{i}]" }, c.Row, coarse))]);
        }
        return inputs;
    }

    /// <summary>The gradients by operand, for these gradients of the outputs.</summary>
    public IReadOnlyDictionary<string, Sample[]> Gradients(HostTensor[] outputs, HostTensor?[] outputGradients)
    {
        // The gradients of the outputs follow from the row. Where the outputs too matter, they belong to the key.
        var key = new HashCode();
        if (_reference.BackwardReadsOutputs(_case))
        {
            for (var i = 0; i < outputs.Length; i++)
            {
                foreach (var value in outputs[i].Data)
                    key.Add(_reference.IsIndex(i) ? value : value > 0 ? 1 : 0);
            }
        }
        return _gradients.GetOrAdd(key.ToHashCode(), _ => _reference
            .Backward(_case, Inputs, outputs, outputGradients)
            .ToDictionary(entry => entry.Key, entry => entry.Value.Select(e => Take(e, "d" + entry.Key)).ToArray()));
    }

    private Sample Take(Expected expected, string name)
    {
        var all = expected.Rows;
        var wanted = Math.Max(SampledRows, (SampleSize / Math.Max(1, expected.RowLength)) + 1);
        var rows = _reference.Flop(_case) > SampledFlop && wanted < all ? RandomRows(all, wanted, name) : null;
        var count = rows?.Length ?? all;
        var values = new double[count * expected.RowLength];
        for (long i = 0; i < count; i++)
            expected.Row(rows?[i] ?? i, values.AsSpan((int)(i * expected.RowLength), expected.RowLength));
        return new Sample(expected, rows, values);
    }

    private long[] RandomRows(long count, long wanted, string name)
    {
        var random = new SeededRandom(_case.Row + "/sample/" + name);
        var rows = new SortedSet<long> { 0, count - 1 };
        while (rows.Count < wanted)
            rows.Add(random.Below(count));
        return [.. rows];
    }
}

/// <summary>Computed values of an output or gradient: of all rows, or of those named.</summary>
internal sealed record Sample(Expected Expected, long[]? Rows, double[] Values)
{
    /// <summary>
    /// Says where a tensor differs by more than rounding explains; null where it does not. Rounding errors of a sum grow
    /// like the root of the number of its terms; <paramref name="errorFactor"/> is what the method's documentation says
    /// of its errors next to those of the direct sum.
    /// </summary>
    public string? Difference(HostTensor actual, double errorFactor)
    {
        if (!actual.Dims.SequenceEqual(Expected.Dims))
            return $"has shape {new Shape(actual.Dims)}, expected {new Shape(Expected.Dims)}";
        var epsilon = actual.DType switch
        {
            DType.F64 => 1.2e-16,
            DType.F32 => 6e-8,
            DType.F16 => 4.9e-4,
            DType.BF16 => 3.9e-3,
            _ => 0,
        };
        var tolerance = Expected.Terms == 0 ? 0 : errorFactor * epsilon * (4 + (4 * Math.Sqrt(Expected.Terms))) * Expected.Magnitude;
        var length = Expected.RowLength;
        for (var i = 0; i < Values.Length; i++)
        {
            var at = Rows is null ? i : (Rows[i / length] * length) + (i % length);
            var (want, got) = (Values[i], actual.Data[at]);
            if (want.Equals(got) || want == got || Math.Abs(want - got) <= tolerance || Expected.Accepts?.Invoke(at, got) == true)
                continue;
            return $"differs at element {at} of {new Shape(actual.Dims)}: {got:R}, expected {want:R}, " +
                   $"off by {Math.Abs(got - want):E2}, allowed {tolerance:E2}";
        }
        return null;
    }
}
