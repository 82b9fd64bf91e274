using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>
/// Ops that move elements: the oracle says for each element of the output which of which input it is, or none. The
/// gradient follows from that alone.
/// </summary>
internal abstract class ShapeReference : OpReference
{
    public override string[] Operands => ["x"];

    public override string[][] Homogeneous(OpCase c) => c.Number("value", 0) == 0 ? [["x"]] : [];

    protected abstract long[] OutputDims(OpCase c, long[][] x);

    /// <summary>The input and position that an output position takes, or null.</summary>
    protected abstract (int Item, long[] At)? Source(OpCase c, long[][] x, long[] at);

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var (x, data) = (Dims(inputs), new double[Count(OutputDims(c, Dims(inputs)))]);
        var dims = OutputDims(c, x);
        for (long i = 0; i < data.Length; i++)
            data[i] = Source(c, x, Position(i, dims)) is var (item, at) ? inputs.List("x")[item].Data[Number(at, x[item])] : c.Number("value", 0);
        return [Expected.Of(new HostTensor(dims, data), terms: 0)];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var (x, dy) = (Dims(inputs), gradients[0]!);
        double[][] dx = [.. x.Select(dims => new double[Count(dims)])];
        for (long i = 0; i < dy.Data.Length; i++)
        {
            if (Source(c, x, Position(i, dy.Dims)) is var (item, at))
                dx[item][Number(at, x[item])] += dy.Data[i];
        }
        return new Dictionary<string, Expected[]>
        {
            ["x"] = [.. dx.Select((values, item) => Expected.Of(new HostTensor(x[item], values), terms: 0))],
        };
    }

    protected static long[] Longs(OpCase c, string name) => Array.ConvertAll(c.Ints(name, []), v => (long)v);

    private static long[][] Dims(Inputs<HostTensor> inputs) => [.. inputs.List("x").Select(x => x.Dims)];

    private static long Count(long[] dims) => dims.Aggregate(1L, (product, dim) => product * dim);

    private static long[] Position(long number, long[] dims)
    {
        var at = new long[dims.Length];
        for (var axis = dims.Length - 1; axis >= 0; number /= dims[axis], axis--)
            at[axis] = number % dims[axis];
        return at;
    }

    private static long Number(long[] at, long[] dims) => at.Zip(dims).Aggregate(0L, (number, p) => (number * p.Second) + p.First);
}

/// <summary>y[i...] = x[start + i*step...].</summary>
internal sealed class SliceReference : ShapeReference
{
    public override string Op => "slice";

    public override bool RunsPass(OpCase c, string pass) => pass == "slice_forward" || c.Operand("x")[0].DType.IsFloat();

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) =>
        [Ops.Slice(inputs["x"], Longs(c, "starts"), Longs(c, "ends"), Longs(c, "steps"))];

    protected override long[] OutputDims(OpCase c, long[][] x) =>
    [
        .. Longs(c, "starts").Zip(Longs(c, "ends"), Longs(c, "steps"))
            .Select(p => Math.Max(0, (long)Math.Ceiling((p.Second - p.First) / (double)p.Third))),
    ];

    protected override (int Item, long[] At)? Source(OpCase c, long[][] x, long[] at) =>
        (0, [.. Longs(c, "starts").Zip(Longs(c, "steps"), at).Select(p => p.First + (p.Second * p.Third))]);
}

/// <summary>y[i...] = x[i - before...] inside x, else the value.</summary>
internal sealed class PadReference : ShapeReference
{
    public override string Op => "pad";

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) =>
        [Ops.Pad(inputs["x"], Longs(c, "before"), Longs(c, "after"), c.Number("value", 0))];

    protected override long[] OutputDims(OpCase c, long[][] x) =>
        [.. x[0].Zip(Longs(c, "before"), Longs(c, "after")).Select(p => p.First + p.Second + p.Third)];

    protected override (int Item, long[] At)? Source(OpCase c, long[][] x, long[] at)
    {
        long[] from = [.. at.Zip(Longs(c, "before"), (i, before) => i - before)];
        return from.Zip(x[0]).All(p => p.First >= 0 && p.First < p.Second) ? (0, from) : null;
    }
}

/// <summary>Dimension i of y is dimension axes[i] of x.</summary>
internal sealed class PermuteReference : ShapeReference
{
    public override string Op => "permute";

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) => [Ops.Permute(inputs["x"], c.Ints("axes", []))];

    protected override long[] OutputDims(OpCase c, long[][] x) => [.. c.Ints("axes", []).Select(axis => x[0][Index(axis, x[0].Length)])];

    protected override (int Item, long[] At)? Source(OpCase c, long[][] x, long[] at)
    {
        var from = new long[at.Length];
        foreach (var (axis, i) in c.Ints("axes", []).Zip(at))
            from[Index(axis, from.Length)] = i;
        return (0, from);
    }

    private static int Index(int axis, int rank) => axis < 0 ? axis + rank : axis;
}

/// <summary>Tensors one after the other along an axis.</summary>
internal sealed class ConcatReference : ShapeReference
{
    public override string Op => "concat";

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) => [Ops.Concat(inputs.List("x"), c.Int("axis", 0))];

    protected override long[] OutputDims(OpCase c, long[][] x)
    {
        long[] dims = [.. x[0]];
        dims[Axis(c, x)] = x.Sum(item => item[Axis(c, x)]);
        return dims;
    }

    protected override (int Item, long[] At)? Source(OpCase c, long[][] x, long[] at)
    {
        long[] from = [.. at];
        var item = 0;
        for (var axis = Axis(c, x); from[axis] >= x[item][axis]; item++)
            from[axis] -= x[item][axis];
        return (item, from);
    }

    private static int Axis(OpCase c, long[][] x) => c.Int("axis", 0) is < 0 and var axis ? axis + x[0].Length : c.Int("axis", 0);
}
