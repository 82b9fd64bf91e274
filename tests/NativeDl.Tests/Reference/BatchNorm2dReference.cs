using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>x [n,h,w,c]; gamma, beta, running_mean, running_var [c]; num_batches a scalar, in training.</summary>
internal abstract class BatchNormReference(bool training) : OpReference
{
    public override string[] Differentiable => ["x", "gamma", "beta"];

    public override string[][] Homogeneous(OpCase c) => c.Has("gamma") ? [["gamma", "beta"]] : [];

    // Running values follow from x, but no gradient flows through them.
    public override bool IsIndex(int output) => output > 0;

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var (x, gamma, beta) = (inputs["x"], inputs.Optional("gamma"), inputs.Optional("beta"));
        var (mean, variance) = (inputs["running_mean"], inputs["running_var"]);
        var s = new Statistics(x, c.Number("eps", 1e-5), training ? null : mean.Data, variance.Data);
        var activation = c.Item("activation", Activation.None);
        var scale = Enumerable.Range(0, s.Channels).Select(k => Math.Abs(gamma?.Data[k] ?? 1) * s.Inverse[k]).DefaultIfEmpty(0).Max();
        var y = Expected.Elementwise(
            x.Dims, i => Activate(activation, (s.XHat(i) * (gamma?.Data[i % s.Channels] ?? 1)) + (beta?.Data[i % s.Channels] ?? 0)),
            4, (2 * x.MaxAbs * scale) + (beta?.MaxAbs ?? 0));
        if (!training)
            return [y];

        var count = inputs["num_batches"].Data[0] + 1;
        var f = c.Flag("cumulative") ? 1 / count : c.Number("momentum", 0.1);
        var unbiased = s.Count / (s.Count - 1.0);
        return
        [
            y,
            Expected.Elementwise(mean.Dims, k => ((1 - f) * mean.Data[k]) + (f * s.Mean[k]), 4, Math.Max(mean.MaxAbs, x.MaxAbs)),
            Expected.Elementwise(mean.Dims, k => ((1 - f) * variance.Data[k]) + (f * s.Variance[k] * unbiased), 4, Math.Max(variance.MaxAbs, x.MaxAbs * x.MaxAbs)),
            Expected.Of(new HostTensor([], [count], DType.I64), terms: 0),
        ];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var (x, gamma) = (inputs["x"], inputs.Optional("gamma"));
        var s = new Statistics(x, c.Number("eps", 1e-5), training ? null : inputs["running_mean"].Data, inputs["running_var"].Data);
        var dy = ThroughActivation(c, outputs[0], gradients[0]!);
        var (dgamma, dbeta) = (new double[s.Channels], new double[s.Channels]);
        for (var i = 0; i < dy.Data.Length; i++)
        {
            dgamma[i % s.Channels] += dy.Data[i] * s.XHat(i);
            dbeta[i % s.Channels] += dy.Data[i];
        }
        double InputGradient(long i)
        {
            var k = i % s.Channels;
            var through = training ? (dbeta[k] + (s.XHat(i) * dgamma[k])) / s.Count : 0;
            return (gamma?.Data[k] ?? 1) * s.Inverse[k] * (dy.Data[i] - through);
        }
        // The normalised values are what is left of x and its mean: their error is that of x, at the scale of 1 / std.
        var (inverse, xhat) = (s.Inverse.DefaultIfEmpty(0).Max(), 2 * x.MaxAbs * s.Inverse.DefaultIfEmpty(0).Max());
        return new Dictionary<string, Expected[]>
        {
            ["x"] = [Expected.Elementwise(x.Dims, InputGradient, 8, (gamma?.MaxAbs ?? 1) * inverse * dy.MaxAbs * Math.Max(1, xhat))],
            ["gamma"] = [Expected.Of(new HostTensor([s.Channels], dgamma), s.Count, dy.MaxAbs * xhat)],
            ["beta"] = [Expected.Of(new HostTensor([s.Channels], dbeta), s.Count, dy.MaxAbs)],
        };
    }

    protected static BatchNorm2dOptions Options(OpCase c) => new()
    {
        Eps = c.Number("eps", 1e-5),
        Momentum = c.Number("momentum", 0.1),
        Cumulative = c.Flag("cumulative"),
        Activation = c.Item("activation", Activation.None),
    };

    private sealed class Statistics
    {
        private readonly HostTensor _x;

        public Statistics(HostTensor x, double eps, double[]? runningMean, double[] runningVariance)
        {
            _x = x;
            Channels = (int)x[3];
            Count = x[0] * x[1] * x[2];
            (Mean, Variance) = runningMean is null ? Of(x) : (runningMean, runningVariance);
            Inverse = Array.ConvertAll(Variance, v => 1 / Math.Sqrt(v + eps));
        }

        public int Channels { get; }
        public long Count { get; }
        public double[] Mean { get; }
        public double[] Variance { get; }
        public double[] Inverse { get; }

        public double XHat(long i) => (_x.Data[i] - Mean[i % Channels]) * Inverse[i % Channels];

        private (double[] Mean, double[] Variance) Of(HostTensor x)
        {
            var (mean, variance) = (new double[Channels], new double[Channels]);
            for (var i = 0; i < x.Data.Length; i++)
                mean[i % Channels] += x.Data[i] / Count;
            for (var i = 0; i < x.Data.Length; i++)
                variance[i % Channels] += Math.Pow(x.Data[i] - mean[i % Channels], 2) / Count;
            return (mean, variance);
        }
    }
}

internal sealed class BatchNorm2dReference() : BatchNormReference(training: true)
{
    public override string Op => "batch_norm2d";

    public override string[] Operands => ["x", "gamma", "beta", "running_mean", "running_var", "num_batches"];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs)
    {
        var (mean, variance, count) = (inputs["running_mean"], inputs["running_var"], inputs["num_batches"]);
        var y = Ops.BatchNorm2d(inputs["x"], inputs.Optional("gamma"), inputs.Optional("beta"), mean, variance, count, Options(c));
        return [y, mean, variance, count];
    }
}

internal sealed class BatchNorm2dInferenceReference() : BatchNormReference(training: false)
{
    public override string Op => "batch_norm2d_inference";

    public override string[] Operands => ["x", "gamma", "beta", "running_mean", "running_var"];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) =>
    [
        Ops.BatchNorm2dInference(
            inputs["x"], inputs.Optional("gamma"), inputs.Optional("beta"), inputs["running_mean"], inputs["running_var"], Options(c)),
    ];
}
