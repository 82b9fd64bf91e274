using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

internal sealed class CopyReference : OpReference
{
    public override string Op => "copy";

    public override string[] Operands => ["x"];

    public override string[][] Homogeneous(OpCase c) => c.Operand("x")[0].DType.IsFloat() ? [["x"]] : [];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) => [inputs["x"].Clone()];

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs) => [Expected.Of(inputs["x"], terms: 0)];

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients) =>
        new Dictionary<string, Expected[]> { ["x"] = [Expected.Of(gradients[0]!, terms: 0)] };
}

internal sealed class BroadcastToReference : OpReference
{
    public override string Op => "broadcast_to";

    public override string[] Operands => ["x"];

    public override string[][] Homogeneous(OpCase c) => [["x"]];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) => [Ops.BroadcastTo(inputs["x"], Dims(c))];

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var (x, dims) = (inputs["x"], Dims(c));
        return [Expected.Elementwise(dims, i => x.Data[Broadcasting.Source(i, dims, x.Dims)], terms: 0, magnitude: 0)];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var (x, dy) = (inputs["x"], gradients[0]!);
        var dx = Broadcasting.Sum(i => dy.Data[i], dy.Dims, x.Dims);
        return new Dictionary<string, Expected[]>
        {
            ["x"] = [Expected.Of(new HostTensor(x.Dims, dx), (double)dy.Data.Length / Math.Max(1, dx.Length), dy.MaxAbs)],
        };
    }

    private static long[] Dims(OpCase c) => Array.ConvertAll(c.Ints("dims", []), dim => (long)dim);
}
