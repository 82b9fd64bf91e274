using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>a [..,m,k], b [..,k,n], each the other way round where transposed, c [..,m,n], bias [n]; y [..,m,n]. An a or b of
/// rank 2 is that of the whole batch.</summary>
internal sealed class GemmReference : OpReference
{
    public override string Op => "gemm";

    public override string[] Operands => ["a", "b", "c", "bias"];

    public override double Flop(OpCase c)
    {
        var (leading, m, n, k) = Sizes(c);
        return 2.0 * Count(leading) * m * n * k;
    }

    public override string[][] Homogeneous(OpCase c) => [["a", "c", "bias"], ["b", "c", "bias"]];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) =>
    [
        Ops.Gemm(inputs["a"], inputs["b"], inputs.Optional("bias"), inputs.Optional("c"), new GemmOptions
        {
            TransposeA = c.Flag("transpose_a"), TransposeB = c.Flag("transpose_b"), Activation = c.Item("activation", Activation.None),
            Alpha = Alpha(c), Beta = Beta(c), OutputF32 = c.Flag("output_f32"),
        }),
    ];

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var (leading, m, n, k) = Sizes(c);
        var (a, b) = (Matrices.Of(inputs["a"], c.Flag("transpose_a")), Matrices.Of(inputs["b"], c.Flag("transpose_b")));
        var (added, bias, alpha, beta) = (inputs.Optional("c"), inputs.Optional("bias"), Alpha(c), Beta(c));
        var activation = c.Item("activation", Activation.None);
        return
        [
            new Expected([.. leading, m, n], (i, row) =>
            {
                for (var j = 0; j < row.Length; j++)
                {
                    var sum = alpha * Sum(k, l => a[i / m, i % m, l] * b[i / m, l, j]);
                    row[j] = Activate(activation, sum + (beta * (added?.Data[(i * n) + j] ?? 0)) + (bias?.Data[j] ?? 0));
                }
            }, k + 2, new[] { Math.Abs(alpha) * inputs["a"].MaxAbs * inputs["b"].MaxAbs, Math.Abs(beta) * (added?.MaxAbs ?? 0), bias?.MaxAbs ?? 0 }.Max()),
        ];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var (leading, m, n, k) = Sizes(c);
        var (transposeA, transposeB, alpha, beta) = (c.Flag("transpose_a"), c.Flag("transpose_b"), Alpha(c), Beta(c));
        var (a, b) = (Matrices.Of(inputs["a"], transposeA), Matrices.Of(inputs["b"], transposeB));
        var dy = ThroughActivation(c, outputs[0], gradients[0]!);
        var d = Matrices.Of(dy, false);

        // Of op(a) and op(b) of one product; element (i, l) of an operand that is given transposed lies at (l, i).
        double OfA(long p, long i, long l) => alpha * Sum(n, j => d[p, i, j] * b[p, l, j]);
        double OfB(long p, long l, long j) => alpha * Sum(m, i => a[p, i, l] * d[p, i, j]);
        var batch = Count(leading);
        return new Dictionary<string, Expected[]>
        {
            ["a"] = [Gradient(inputs["a"].Dims, transposeA, OfA, batch, n, Math.Abs(alpha) * dy.MaxAbs * inputs["b"].MaxAbs)],
            ["b"] = [Gradient(inputs["b"].Dims, transposeB, OfB, batch, m, Math.Abs(alpha) * dy.MaxAbs * inputs["a"].MaxAbs)],
            ["c"] = [Expected.Elementwise(dy.Dims, i => beta * dy.Data[i], 1, Math.Abs(beta) * dy.MaxAbs)],
            ["bias"] = [Expected.Elementwise([n], j => Sum(batch * m, i => dy.Data[(i * n) + j]), batch * m, dy.MaxAbs)],
        };
    }

    // An operand of rank 2 gathers its gradient from the whole batch.
    private static Expected Gradient(
        long[] dims, bool transposed, Func<long, long, long, double> element, long batch, long terms, double magnitude)
    {
        var (one, height) = (dims.Length == 2, dims[^2]);
        double At(long product, long row, long column) => transposed ? element(product, column, row) : element(product, row, column);
        return new(dims, (row, values) =>
        {
            for (var j = 0; j < values.Length; j++)
            {
                var column = j;
                values[j] = one ? Sum(batch, p => At(p, row, column)) : At(row / height, row % height, column);
            }
        }, one ? batch * terms : terms, magnitude);
    }

    private static double Sum(long count, Func<long, double> term)
    {
        var sum = 0.0;
        for (long i = 0; i < count; i++)
            sum += term(i);
        return sum;
    }

    private static float Alpha(OpCase c) => (float)c.Number("alpha", 1);

    private static float Beta(OpCase c) => (float)c.Number("beta", 1);

    private static long Count(long[] dims) => dims.Aggregate(1L, (product, dim) => product * dim);

    private static (long[] Leading, long M, long N, long K) Sizes(OpCase c)
    {
        var (a, b) = (c.Operand("a")[0].Dims, c.Operand("b")[0].Dims);
        var (ta, tb) = (c.Int("transpose_a", 0), c.Int("transpose_b", 0));
        return ((a.Length == 2 ? b : a)[..^2], a[^(2 - ta)], b[^(1 + tb)], a[^(1 + ta)]);
    }

    private sealed record Matrices(double[] Data, long Step, long RowStep, long ColumnStep)
    {
        public double this[long product, long row, long column] => Data[(product * Step) + (row * RowStep) + (column * ColumnStep)];

        public static Matrices Of(HostTensor values, bool transposed)
        {
            var (height, width) = (values.Dims[^2], values.Dims[^1]);
            var step = values.Dims.Length == 2 ? 0 : height * width;
            return transposed ? new(values.Data, step, 1, width) : new(values.Data, step, width, 1);
        }
    }
}
