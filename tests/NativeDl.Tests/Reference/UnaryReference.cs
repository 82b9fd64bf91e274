using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>The functions of one element: y = f(x).</summary>
/// <param name="op">The op's name.</param>
/// <param name="run">The library's function.</param>
/// <param name="f">y from x.</param>
/// <param name="df">The derivative at x.</param>
internal sealed class UnaryReference(string op, Func<Tensor, Tensor> run, Func<double, double> f, Func<double, double> df)
    : OpReference
{
    public static IEnumerable<OpReference> All { get; } =
    [
        new UnaryReference("abs", Ops.Abs, Math.Abs, x => Math.Sign(x)),
        new UnaryReference("exp", Ops.Exp, Math.Exp, Math.Exp),
        new UnaryReference("log", Ops.Log, Math.Log, x => 1 / x),
        new UnaryReference("sigmoid", Ops.Sigmoid, Sigmoid, x => Sigmoid(x) * Sigmoid(-x)),
        new UnaryReference("sqrt", Ops.Sqrt, Math.Sqrt, x => 0.5 / Math.Sqrt(x)),
        new UnaryReference("square", Ops.Square, x => x * x, x => 2 * x),
        new UnaryReference("tanh", Ops.Tanh, Math.Tanh, x => 1 - (Math.Tanh(x) * Math.Tanh(x))),
    ];

    public override string Op => op;

    public override string[] Operands => ["x"];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) => [run(inputs["x"])];

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var x = inputs["x"];
        return [Expected.Of(new HostTensor(x.Dims, Array.ConvertAll(x.Data, v => f(v))), terms: 1)];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var (x, dy) = (inputs["x"], gradients[0]!);
        var dx = new HostTensor(x.Dims, [.. x.Data.Zip(dy.Data, (v, g) => g * df(v))]);
        // Derivatives computed from y have y's rounding error against a dy that need not be small where they are.
        return new Dictionary<string, Expected[]> { ["x"] = [Expected.Of(dx, terms: 1, Math.Max(dx.MaxAbs, dy.MaxAbs))] };
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
