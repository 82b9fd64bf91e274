using NativeDl.Optimizers;
using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>The root of the sum of squares over a list.</summary>
internal sealed class GradientNormReference : OpReference
{
    public override string Op => "gradient_norm";

    public override string[] Operands => ["gradients"];

    public override string[] Differentiable => [];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) => [Gradients.Norm(inputs.List("gradients"))];

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var squares = inputs.List("gradients").SelectMany(g => g.Data).Select(v => v * v).ToArray();
        return [Expected.Of(new HostTensor([], [Math.Sqrt(squares.Sum())]), terms: squares.Length)];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients) => new Dictionary<string, Expected[]>();
}

/// <summary>A list scaled by max_norm / norm where that is below one.</summary>
internal sealed class ClipGradientsReference : OpReference
{
    public override string Op => "clip_gradients";

    public override string[] Operands => ["gradients", "norm"];

    public override string[] Differentiable => [];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs)
    {
        var gradients = inputs.List("gradients");
        Gradients.Clip(gradients, inputs["norm"], c.Number("max_norm", 0));
        return gradients;
    }

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var scale = Math.Min(1, c.Number("max_norm", 0) / (inputs["norm"].Data[0] + 1e-6));
        return [.. inputs.List("gradients").Select(g => Expected.Of(g with { Data = Array.ConvertAll(g.Data, v => v * scale) }, terms: 1))];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients) => new Dictionary<string, Expected[]>();
}
