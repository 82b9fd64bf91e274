using NativeDl.Modules;
using NativeDl.Optimizers;

namespace NativeDl.Bench;

/// <summary>The training step of the Keras tutorial's CNN: batch 128 of 28x28x1, forward, loss, backward, Adam.</summary>
internal sealed class TutorialCnn
{
    public const string Op = "tutorial_cnn";

    private readonly Tensor[] _parameters;
    private readonly Tensor _images, _labels;
    private readonly Adam _optimizer;

    public TutorialCnn(IReadOnlyDictionary<string, (float[] Values, long[] Shape)> inputs)
    {
        _images = Tensor.FromArray(inputs["images"].Values, inputs["images"].Shape);
        _labels = Tensor.FromArray(Array.ConvertAll(inputs["labels"].Values, v => (long)v));
        _parameters = [.. s_shapes.Select(s => Tensor.FromArray(inputs[s.Name].Values, s.Shape))];
        foreach (var parameter in _parameters)
            parameter.RequiresGrad = true;
        _optimizer = new Adam(_parameters, learningRate: 0.001f);
    }

    private static readonly (string Name, long[] Shape)[] s_shapes =
    [
        ("conv1.weight", [32, 3, 3, 1]), ("conv1.bias", [32]), ("conv2.weight", [64, 3, 3, 32]), ("conv2.bias", [64]),
        ("dense1.weight", [64, 1600]), ("dense1.bias", [64]), ("dense2.weight", [10, 64]), ("dense2.bias", [10]),
    ];

    public static Dictionary<string, (float[] Values, long[] Shape)> MakeInputs()
    {
        var random = new Random(1);
        var inputs = new Dictionary<string, (float[] Values, long[] Shape)>();
        foreach (var (name, shape) in s_shapes)
        {
            var count = shape.Aggregate(1L, (a, b) => a * b);
            var bound = shape.Length == 1 ? 0 : MathF.Sqrt(6f / (count / shape[0]));
            inputs[name] = ([.. Enumerable.Range(0, (int)count).Select(_ => bound * (2 * random.NextSingle() - 1))], shape);
        }
        inputs["images"] = ([.. Enumerable.Range(0, 128 * 28 * 28).Select(_ => random.NextSingle())], [128, 28, 28, 1]);
        inputs["labels"] = ([.. Enumerable.Range(0, 128).Select(i => (float)(i % 10))], [128]);
        return inputs;
    }

    /// <summary>One step; the loss before it.</summary>
    public float Step()
    {
        var p = _parameters;
        var relu = new Conv2dOptions { Activation = Activation.Relu };
        var x = Ops.MaxPool2d(Ops.Conv2d(_images, p[0], p[1], relu));
        x = Ops.MaxPool2d(Ops.Conv2d(x, p[2], p[3], relu));
        x = Ops.Linear(x.Reshape([128, -1]), p[4], p[5], Activation.Relu);
        using var loss = Ops.CrossEntropy(Ops.Linear(x, p[6], p[7]), _labels);
        _optimizer.ZeroGrad();
        loss.Backward();
        _optimizer.Step();
        return loss.Item<float>();
    }
}
