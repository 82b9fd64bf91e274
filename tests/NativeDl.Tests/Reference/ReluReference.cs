using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

internal sealed class ReluReference : OpReference
{
    public override string Op => "relu";

    public override string[] Operands => ["x"];

    public override string[][] Homogeneous(OpCase c) => [["x"]];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) => [Ops.Relu(inputs["x"])];

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var x = inputs["x"];
        return [Expected.Elementwise(x.Dims, i => Activate(Activation.Relu, x.Data[i]), terms: 0, magnitude: 0)];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var (x, dy) = (inputs["x"], gradients[0]!);
        return new Dictionary<string, Expected[]>
        {
            ["x"] = [Expected.Elementwise(x.Dims, i => x.Data[i] > 0 ? dy.Data[i] : 0, terms: 0, magnitude: 0)],
        };
    }
}
