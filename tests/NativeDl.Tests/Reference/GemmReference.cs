using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>a [m,k], b [k,n], each the other way round where transposed, c [m,n], bias [n]; y [m,n].</summary>
internal sealed class GemmReference : OpReference
{
    public override string Op => "gemm";

    public override string[] Operands => ["a", "b", "c", "bias"];

    public override double Flop(OpCase c)
    {
        var (m, n, k) = Sizes(c);
        return 2.0 * m * n * k;
    }

    public override string[][] Homogeneous(OpCase c) => [["a", "c", "bias"], ["b", "c", "bias"]];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) =>
    [
        Ops.Gemm(inputs["a"], inputs["b"], inputs.Optional("bias"), inputs.Optional("c"), new GemmOptions
        {
            TransposeA = c.Flag("transpose_a"), TransposeB = c.Flag("transpose_b"), Activation = c.Item("activation", Activation.None),
            Alpha = Alpha(c), Beta = Beta(c),
        }),
    ];

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var (m, n, k) = Sizes(c);
        var (a, b) = (Matrix.Of(inputs["a"], c.Flag("transpose_a")), Matrix.Of(inputs["b"], c.Flag("transpose_b")));
        var (added, bias, alpha, beta) = (inputs.Optional("c"), inputs.Optional("bias"), Alpha(c), Beta(c));
        var activation = c.Item("activation", Activation.None);
        return
        [
            new Expected([m, n], (i, row) =>
            {
                for (var j = 0; j < row.Length; j++)
                {
                    var sum = 0.0;
                    for (var l = 0; l < k; l++)
                        sum += a[i, l] * b[l, j];
                    row[j] = Activate(activation, (alpha * sum) + (beta * (added?.Data[(i * n) + j] ?? 0)) + (bias?.Data[j] ?? 0));
                }
            }, k + 2, new[] { Math.Abs(alpha) * inputs["a"].MaxAbs * inputs["b"].MaxAbs, Math.Abs(beta) * (added?.MaxAbs ?? 0), bias?.MaxAbs ?? 0 }.Max()),
        ];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var (m, n, k) = Sizes(c);
        var (transposeA, transposeB) = (c.Flag("transpose_a"), c.Flag("transpose_b"));
        var (a, b) = (Matrix.Of(inputs["a"], transposeA), Matrix.Of(inputs["b"], transposeB));
        var dy = ThroughActivation(c, outputs[0], gradients[0]!);
        var (rows, alpha, beta) = (Matrix.Of(dy, false), Alpha(c), Beta(c));

        // Of op(a) [m,k] and op(b) [k,n]; element (i, l) of an operand that is given transposed lies at (l, i).
        double OfA(long i, long l) => alpha * Sum(n, j => rows[i, j] * b[l, j]);
        double OfB(long l, long j) => alpha * Sum(m, i => a[i, l] * rows[i, j]);
        return new Dictionary<string, Expected[]>
        {
            ["a"] = [Gradient(inputs["a"].Dims, transposeA, OfA, n, Math.Abs(alpha) * dy.MaxAbs * inputs["b"].MaxAbs)],
            ["b"] = [Gradient(inputs["b"].Dims, transposeB, OfB, m, Math.Abs(alpha) * dy.MaxAbs * inputs["a"].MaxAbs)],
            ["c"] = [Expected.Elementwise([m, n], i => beta * dy.Data[i], 1, Math.Abs(beta) * dy.MaxAbs)],
            ["bias"] = [Expected.Elementwise([n], j => Sum(m, i => rows[i, j]), m, dy.MaxAbs)],
        };
    }

    private static Expected Gradient(long[] dims, bool transposed, Func<long, long, double> element, long terms, double magnitude) =>
        new(dims, (row, values) =>
        {
            for (var column = 0; column < values.Length; column++)
                values[column] = transposed ? element(column, row) : element(row, column);
        }, terms, magnitude);

    private static double Sum(long count, Func<long, double> term)
    {
        var sum = 0.0;
        for (long i = 0; i < count; i++)
            sum += term(i);
        return sum;
    }

    private static float Alpha(OpCase c) => (float)c.Number("alpha", 1);

    private static float Beta(OpCase c) => (float)c.Number("beta", 1);

    private static (long M, long N, long K) Sizes(OpCase c)
    {
        var (a, b) = (c.Operand("a")[0].Dims, c.Operand("b")[0].Dims);
        var (ta, tb) = (c.Int("transpose_a", 0), c.Int("transpose_b", 0));
        return (a[ta], b[1 - tb], a[1 - ta]);
    }

    private sealed record Matrix(double[] Data, long RowStep, long ColumnStep)
    {
        public double this[long row, long column] => Data[(row * RowStep) + (column * ColumnStep)];

        public static Matrix Of(HostTensor values, bool transposed) =>
            transposed ? new(values.Data, 1, values[1]) : new(values.Data, values[1], 1);
    }
}
