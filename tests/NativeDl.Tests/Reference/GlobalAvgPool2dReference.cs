using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>x [n,h,w,c]; y [n,c].</summary>
internal sealed class GlobalAvgPool2dReference : OpReference
{
    public override string Op => "global_avg_pool2d";

    public override string[] Operands => ["x"];

    public override string[][] Homogeneous(OpCase c) => [["x"]];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) => [Ops.GlobalAvgPool2d(inputs["x"])];

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var x = inputs["x"];
        var (pixels, channels) = (x[1] * x[2], x[3]);
        return
        [
            new Expected([x[0], channels], (n, y) =>
            {
                y.Clear();
                for (long pixel = 0; pixel < pixels; pixel++)
                for (var channel = 0; channel < y.Length; channel++)
                    y[channel] += x.Data[(((n * pixels) + pixel) * channels) + channel] / pixels;
            }, pixels, x.MaxAbs / Math.Sqrt(pixels)),
        ];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var (x, dy) = (inputs["x"], gradients[0]!);
        var pixels = x[1] * x[2];
        return new Dictionary<string, Expected[]>
        {
            ["x"] = [Expected.Elementwise(x.Dims, i => dy.Data[(i / (pixels * x[3]) * x[3]) + (i % x[3])] / pixels, 1, dy.MaxAbs / pixels)],
        };
    }
}
