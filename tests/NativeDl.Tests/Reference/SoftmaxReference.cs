using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>softmax and log_softmax: x over one axis.</summary>
internal sealed class SoftmaxReference(bool log) : OpReference
{
    public override string Op => log ? "log_softmax" : "softmax";

    public override string[] Operands => ["x"];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs)
    {
        var axis = c.Int("axis", -1);
        return [log ? Ops.LogSoftmax(inputs["x"], axis) : Ops.Softmax(inputs["x"], axis)];
    }

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var x = inputs["x"];
        var y = new double[x.Data.Length];
        foreach (var line in Lines(c, x))
        {
            var top = line.Max(i => x.Data[i]);
            var sum = line.Sum(i => Math.Exp(x.Data[i] - top));
            foreach (var i in line)
                y[i] = log ? x.Data[i] - top - Math.Log(sum) : Math.Exp(x.Data[i] - top) / sum;
        }
        return [Expected.Of(new HostTensor(x.Dims, y), terms: Terms(c, x))];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var (x, dy) = (inputs["x"], gradients[0]!.Data);
        var y = Forward(c, inputs)[0].All().Data;
        var dx = new double[y.Length];
        var magnitude = 0.0;
        foreach (var line in Lines(c, x))
        {
            // The Jacobian, row by row: y_j (delta - y_i) of softmax, delta - exp(y_i) of its logarithm.
            var total = line.Sum(j => log ? dy[j] : dy[j] * y[j]);
            foreach (var i in line)
            {
                dx[i] = log ? dy[i] - (Math.Exp(y[i]) * total) : y[i] * (dy[i] - total);
                magnitude = Math.Max(magnitude, log ? Math.Abs(dy[i]) + Math.Abs(Math.Exp(y[i]) * total) : y[i] * (Math.Abs(dy[i]) + Math.Abs(total)));
            }
        }
        return new Dictionary<string, Expected[]> { ["x"] = [Expected.Of(new HostTensor(x.Dims, dx), Terms(c, x), magnitude)] };
    }

    private static long Terms(OpCase c, HostTensor x) => x.Dims[Axis(c, x)];

    private static int Axis(OpCase c, HostTensor x) => c.Int("axis", -1) is var axis && axis < 0 ? axis + x.Dims.Length : axis;

    /// <summary>The numbers of the elements of each line along the axis.</summary>
    private static IEnumerable<int[]> Lines(OpCase c, HostTensor x)
    {
        var axis = Axis(c, x);
        var step = (int)x.Dims[(axis + 1)..].Aggregate(1L, (product, dim) => product * dim);
        return Enumerable.Range(0, x.Data.Length).GroupBy(i => (i / (step * x.Dims[axis]), i % step)).Select(line => line.ToArray());
    }
}
