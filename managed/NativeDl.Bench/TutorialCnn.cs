using NativeDl.Data;
using NativeDl.Losses;
using NativeDl.Optimizers;
using NativeDl.Training;

namespace NativeDl.Bench;

/// <summary>
/// Training of the Keras tutorial's CNN, batches of 128 of 28x28x1, Adam: one step on one batch (tutorial_cnn), or an epoch
/// of a hundred steps through Fit with its loader (tutorial_fit).
/// </summary>
internal static class TutorialCnn
{
    public const string StepOp = "tutorial_cnn";
    public const string FitOp = "tutorial_fit";
    private const int BatchSize = 128, FitSteps = 100;

    private static readonly (string Name, long[] Shape)[] s_shapes =
    [
        ("conv1.weight", [32, 3, 3, 1]), ("conv1.bias", [32]), ("conv2.weight", [64, 3, 3, 32]), ("conv2.bias", [64]),
        ("dense1.weight", [64, 1600]), ("dense1.bias", [64]), ("dense2.weight", [10, 64]), ("dense2.bias", [10]),
    ];

    /// <summary>Parameters, images and labels; null for other ops.</summary>
    public static Dictionary<string, Values>? MakeInputs(string op)
    {
        if (op is not (StepOp or FitOp))
            return null;
        var random = new Random(1);
        var inputs = new Dictionary<string, Values>();
        foreach (var (name, shape) in s_shapes)
        {
            var count = shape.Aggregate(1L, (a, b) => a * b);
            var bound = shape.Length == 1 ? 0 : MathF.Sqrt(6f / (count / shape[0]));
            inputs[name] = new Values([.. Enumerable.Range(0, (int)count).Select(_ => bound * (2 * random.NextSingle() - 1))], shape);
        }
        var images = op == StepOp ? BatchSize : FitSteps * BatchSize;
        inputs["images"] = new Values([.. Enumerable.Range(0, images * 28 * 28).Select(_ => random.NextSingle())], [images, 28, 28, 1]);
        inputs["labels"] = new Values([.. Enumerable.Range(0, images).Select(i => (float)(i % 10))], [images]);
        return inputs;
    }

    /// <summary>The step as a pass; the losses of the first five steps are its result, for the comparison.</summary>
    public static PassCall[] Step(IReadOnlyDictionary<string, Values> inputs, Dictionary<string, float[]> results)
    {
        var images = Tensor.FromArray(inputs["images"].Data, inputs["images"].Shape);
        var labels = Tensor.FromArray(Array.ConvertAll(inputs["labels"].Data, v => (long)v));
        Tensor[] p = [.. s_shapes.Select(s => Tensor.FromArray(inputs[s.Name].Data, s.Shape))];
        foreach (var parameter in p)
            parameter.RequiresGrad = true;
        var optimizer = new Adam(p, learningRate: 0.001f);
        using (Autograd.Record())
            results["losses"] = [.. Enumerable.Range(0, 5).Select(_ => One())];
        return
        [
            new("step", [], [], () =>
            {
                One();
                return [];
            }),
        ];

        float One()
        {
            var relu = new Conv2dMaxPool2dOptions { Conv2d = new() { Activation = Activation.Relu } };
            var x = Ops.Conv2dMaxPool2d(images, p[0], p[1], relu);
            x = Ops.Conv2dMaxPool2d(x, p[2], p[3], relu);
            x = Ops.Linear(x.Reshape([BatchSize, -1]), p[4], p[5], Activation.Relu);
            using var loss = Ops.CrossEntropy(Ops.Linear(x, p[6], p[7]), labels);
            optimizer.ZeroGrad();
            loss.Backward();
            optimizer.Step();
            return loss.Item<float>();
        }
    }

    /// <summary>The epoch as a pass: loss by cross entropy, no other metric, a new order each time.</summary>
    public static PassCall[] Fit(IReadOnlyDictionary<string, Values> inputs)
    {
        var data = new ArrayDataset(inputs["images"].Data, Array.ConvertAll(inputs["labels"].Data, v => (long)v), [28, 28, 1]);
        var model = Models.TutorialCnn.Create();
        var options = new FitOptions { BatchSize = BatchSize, Loss = new CrossEntropyLoss(), Metrics = [] };
        return
        [
            new("epoch", [], [], () =>
            {
                model.Fit(data, options);
                return [];
            }),
        ];
    }
}
