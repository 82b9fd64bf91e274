using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>logits [..., classes], labels [...], class_weights [classes]; loss [...] or a scalar.</summary>
internal sealed class CrossEntropyReference : OpReference
{
    public override string Op => "cross_entropy";

    public override string[] Operands => ["logits", "labels", "class_weights"];

    public override string[] Differentiable => ["logits"];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) =>
    [
        Ops.CrossEntropy(inputs["logits"], inputs["labels"], inputs.Optional("class_weights"), new CrossEntropyOptions
        {
            Reduction = c.Item("reduction", Reduction.Mean),
            LabelSmoothing = c.Number("label_smoothing", 0),
            IgnoreIndex = c.Int("ignore_index", -100),
        }),
    ];

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var rows = Rows(c, inputs);
        var losses = rows.Select(row => row.Target.Zip(row.Probabilities, (t, p) => t == 0 ? 0 : -t * Math.Log(p)).Sum()).ToArray();
        var terms = inputs["logits"].Dims[^1] + rows.Length;
        var magnitude = losses.DefaultIfEmpty(0).Max();
        return [c.Item("reduction", Reduction.Mean) switch
        {
            Reduction.None => Expected.Of(new HostTensor(inputs["labels"].Dims, losses), terms, magnitude),
            Reduction.Sum => Expected.Of(new HostTensor([], [losses.Sum()]), terms, losses.Sum()),
            _ => Expected.Of(new HostTensor([], [losses.Sum() / rows.Sum(row => row.Weight)]), terms),
        }];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var rows = Rows(c, inputs);
        var dloss = gradients[0]!.Data;
        var reduction = c.Item("reduction", Reduction.Mean);
        var scale = reduction == Reduction.Mean ? 1 / rows.Sum(row => row.Weight) : 1;
        // The derivative of -sum of t * log p by the logits is p * sum of t - t.
        var dlogits = rows.SelectMany((row, i) =>
        {
            var g = scale * dloss[reduction == Reduction.None ? i : 0];
            var sum = row.Target.Sum();
            return row.Target.Zip(row.Probabilities, (t, p) => sum == 0 ? 0 : g * ((p * sum) - t));
        }).ToArray();
        var largest = dlogits.Select(Math.Abs).DefaultIfEmpty(0).Max();
        return new Dictionary<string, Expected[]>
        {
            ["logits"] = [Expected.Of(new HostTensor(inputs["logits"].Dims, dlogits), inputs["logits"].Dims[^1], largest)],
        };
    }

    /// <summary>Of each row: its probabilities, the target that they should have, and its weight in the mean.</summary>
    private static (double[] Probabilities, double[] Target, double Weight)[] Rows(OpCase c, Inputs<HostTensor> inputs)
    {
        var (logits, labels, weights) = (inputs["logits"], inputs["labels"], inputs.Optional("class_weights"));
        var (classes, smoothing) = ((int)logits.Dims[^1], c.Number("label_smoothing", 0));
        double WeightOf(long label) => weights?.Data[label] ?? 1;
        return [.. labels.Data.Select((value, row) =>
        {
            var x = logits.Data.AsSpan(row * classes, classes).ToArray();
            var top = x.Max();
            var exps = Array.ConvertAll(x, v => Math.Exp(v - top));
            var sum = exps.Sum();
            var probabilities = Array.ConvertAll(exps, e => e / sum);
            var label = (long)value;
            if (label == c.Int("ignore_index", -100))
                return (probabilities, new double[classes], 0.0);
            var target = Enumerable.Range(0, classes).Select(k => smoothing / classes * WeightOf(k)).ToArray();
            target[label] += (1 - smoothing) * WeightOf(label);
            return (probabilities, target, WeightOf(label));
        })];
    }
}
