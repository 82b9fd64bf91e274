using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>x and target of one shape; loss of that shape, or a scalar.</summary>
internal sealed class MseLossReference : OpReference
{
    public override string Op => "mse_loss";

    public override string[] Operands => ["x", "target"];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) => [Ops.MseLoss(inputs["x"], inputs["target"], ReductionOf(c))];

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var squares = Differences(inputs).Select(d => d * d).ToArray();
        return [ReductionOf(c) switch
        {
            Reduction.None => Expected.Of(new HostTensor(inputs["x"].Dims, squares), terms: 2),
            Reduction.Sum => Expected.Of(new HostTensor([], [squares.Sum()]), squares.Length),
            _ => Expected.Of(new HostTensor([], [squares.Sum() / squares.Length]), squares.Length),
        }];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var (x, dloss, reduction) = (inputs["x"], gradients[0]!.Data, ReductionOf(c));
        var scale = reduction == Reduction.Mean ? 1.0 / x.Data.Length : 1;
        var dx = Differences(inputs).Select((d, i) => 2 * scale * dloss[reduction == Reduction.None ? i : 0] * d).ToArray();
        return new Dictionary<string, Expected[]>
        {
            ["x"] = [Expected.Of(new HostTensor(x.Dims, dx), terms: 2)],
            ["target"] = [Expected.Of(new HostTensor(x.Dims, Array.ConvertAll(dx, d => -d)), terms: 2)],
        };
    }

    private static Reduction ReductionOf(OpCase c) => c.Item("reduction", Reduction.Mean);

    private static IEnumerable<double> Differences(Inputs<HostTensor> inputs) =>
        inputs["x"].Data.Zip(inputs["target"].Data, (x, target) => x - target);
}
