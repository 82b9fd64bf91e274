using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>x [..,k], weight [n,k], bias [n], residual [..,n]; y [..,n].</summary>
internal sealed class LinearReference : OpReference
{
    public override string Op => "linear";

    public override string[] Operands => ["x", "weight", "bias", "residual"];

    public override double Flop(OpCase c) => 2.0 * c.Operand("x")[0].Count * c.Operand("weight")[0].Dims[0];

    public override string[][] Homogeneous(OpCase c) => [["x", "bias", "residual"], ["weight", "bias", "residual"]];

    public override bool RunsPass(OpCase c, string pass) => pass != "linear_backward_bias" || c.Has("bias");

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) =>
        [Ops.Linear(inputs["x"], inputs["weight"], inputs.Optional("bias"), c.Item("activation", Activation.None), inputs.Optional("residual"))];

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var (x, weight, bias, residual) = (inputs["x"], inputs["weight"], inputs.Optional("bias"), inputs.Optional("residual"));
        var k = (int)weight[1];
        var activation = c.Item("activation", Activation.None);
        return
        [
            new Expected([.. x.Dims[..^1], weight[0]], (row, y) =>
            {
                for (var n = 0; n < y.Length; n++)
                {
                    var added = (bias?.Data[n] ?? 0) + (residual?.Data[(row * y.Length) + n] ?? 0);
                    y[n] = Activate(activation, added + Dot(x.Data.AsSpan((int)row * k, k), weight.Data.AsSpan(n * k, k)));
                }
            }, k + 2, new[] { x.MaxAbs * weight.MaxAbs, bias?.MaxAbs ?? 0, residual?.MaxAbs ?? 0 }.Max()),
        ];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var (x, weight) = (inputs["x"], inputs["weight"]);
        var dy = ThroughActivation(c, outputs[0], gradients[0]!);
        var (n, k) = ((int)weight[0], (int)weight[1]);
        var rows = x.Dims[..^1].Aggregate(1L, (product, dim) => product * dim);
        return new Dictionary<string, Expected[]>
        {
            ["x"] = [new Expected(x.Dims, (row, dx) => Combine(dx, n, j => dy.Data[(row * n) + j], j => weight.Data.AsSpan(j * k, k)), n, dy.MaxAbs * weight.MaxAbs)],
            ["weight"] = [new Expected(weight.Dims, (j, dw) => Combine(dw, rows, row => dy.Data[(row * n) + j], row => x.Data.AsSpan(row * k, k)), rows, dy.MaxAbs * x.MaxAbs)],
            ["bias"] = [Expected.Elementwise([n], j => Enumerable.Range(0, (int)rows).Sum(row => dy.Data[(row * n) + j]), rows, dy.MaxAbs)],
            ["residual"] = [Expected.Elementwise([.. x.Dims[..^1], n], i => dy.Data[i], 0, dy.MaxAbs)],
        };
    }

    private delegate Span<double> RowOf(int index);

    // to = sum of factor(i) * row(i).
    private static void Combine(Span<double> to, long count, Func<int, double> factor, RowOf row)
    {
        to.Clear();
        for (var i = 0; i < count; i++)
        {
            var (f, from) = (factor(i), 0);
            foreach (var value in row(i))
                to[from++] += f * value;
        }
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
