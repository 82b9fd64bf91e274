using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>add, subtract, multiply and divide: y = f(a, b), each repeated to the shape of y.</summary>
/// <param name="op">The op's name.</param>
/// <param name="run">The library's function.</param>
/// <param name="f">y from a and b.</param>
/// <param name="df">The derivatives by a and by b.</param>
/// <param name="homogeneous">See <see cref="OpReference.Homogeneous"/>.</param>
internal sealed class ArithmeticReference(
    string op, Func<Tensor, Tensor, Tensor> run, Func<double, double, double> f,
    Func<double, double, (double A, double B)> df, string[][] homogeneous) : OpReference
{
    public static IEnumerable<OpReference> All { get; } =
    [
        new ArithmeticReference("add", Ops.Add, (a, b) => a + b, (_, _) => (1, 1), [["a", "b"]]),
        new ArithmeticReference("subtract", Ops.Subtract, (a, b) => a - b, (_, _) => (1, -1), [["a", "b"]]),
        new ArithmeticReference("multiply", Ops.Multiply, (a, b) => a * b, (a, b) => (b, a), [["a"], ["b"]]),
        new ArithmeticReference("divide", Ops.Divide, (a, b) => a / b, (a, b) => (1 / b, -a / (b * b)), [["a"]]),
    ];

    public override string Op => op;

    public override string[] Operands => ["a", "b"];

    public override string[][] Homogeneous(OpCase c) => homogeneous;

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) => [run(inputs["a"], inputs["b"])];

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var (a, b) = (inputs["a"], inputs["b"]);
        var dims = Broadcasting.Shape(a.Dims, b.Dims);
        var y = new double[dims.Aggregate(1L, (product, dim) => product * dim)];
        for (long i = 0; i < y.Length; i++)
            y[i] = f(a.Data[Broadcasting.Source(i, dims, a.Dims)], b.Data[Broadcasting.Source(i, dims, b.Dims)]);
        // Sums and products of the coarse values are exact.
        return [Expected.Of(new HostTensor(dims, y), terms: op == "divide" ? 1 : 0)];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var (a, b, dy) = (inputs["a"], inputs["b"], gradients[0]!);
        (double A, double B) At(long i)
        {
            var (da, db) = df(a.Data[Broadcasting.Source(i, dy.Dims, a.Dims)], b.Data[Broadcasting.Source(i, dy.Dims, b.Dims)]);
            return (dy.Data[i] * da, dy.Data[i] * db);
        }
        return new Dictionary<string, Expected[]>
        {
            ["a"] = [Sum(a, dy, i => At(i).A)],
            ["b"] = [Sum(b, dy, i => At(i).B)],
        };
    }

    private static Expected Sum(HostTensor operand, HostTensor dy, Func<long, double> term)
    {
        var largest = 0.0;
        var sum = Broadcasting.Sum(
            i =>
            {
                var value = term(i);
                largest = Math.Max(largest, Math.Abs(value));
                return value;
            },
            dy.Dims, operand.Dims);
        // A term may be rounded a few times before it is summed.
        return Expected.Of(new HostTensor(operand.Dims, sum), 4 + ((double)dy.Data.Length / Math.Max(1, sum.Length)), largest);
    }
}
