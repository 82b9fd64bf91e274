using System.Text.Json;
using NativeDl.Optimizers;
using NUnit.Framework;

namespace NativeDl.Tests.TorchReference;

internal static partial class Families
{
    private const int BatchSize = 32, Batches = 10, Steps = 100;

    private delegate Tensor Network(Tensor x, Dictionary<string, Tensor> state, bool training);

    private sealed record Trajectory(Network Network, Func<Tensor[], Optimizer> Optimizer, Func<int, double>? Rate = null);

    private static readonly Dictionary<string, Trajectory> s_trajectories = new()
    {
        ["SGD lr .02 momentum .9"] = new(PlainCnn, p => new Sgd(p, 0.02, new SgdOptions { Momentum = 0.9 })),
        ["Adam lr 1e-3"] = new(PlainCnn, p => new Adam(p, 1e-3)),
        ["SGD lr .1 nesterov .9 wd 5e-4, cosine T_max=100 stepped every step, label smoothing .1, clip none"] = new(
            ResidualCnn, p => new Sgd(p, 0.1, new SgdOptions { Momentum = 0.9, Nesterov = true, WeightDecay = 5e-4 }),
            step => 0.05 * (1 + Math.Cos(Math.PI * step / Steps))),
    };

    private static bool IsTrajectory(JsonElement entry) =>
        s_trajectories.ContainsKey(entry.GetProperty("attrs").GetProperty("optimizer").GetString()!);

    // 100 training steps: the losses must follow those of the float64 run as long as PyTorch's own float32 run does.
    private static void Train(TorchCase test)
    {
        using var _ = ExecutionOptions.Use(test.DType == DType.F32 ? WithDirectSums() : ExecutionOptions.Current);
        var trajectory = s_trajectories[test.Attribute("optimizer", "")];
        var state = test.Keys("in.init.").ToDictionary(name => name, name => Parameter(test, name));
        var parameters = state.Where(s => !s.Key.Contains("running_", StringComparison.Ordinal)).Select(s => s.Value).ToArray();
        foreach (var parameter in parameters)
            parameter.RequiresGrad = true;
        var optimizer = trajectory.Optimizer(parameters);
        var options = new CrossEntropyOptions { LabelSmoothing = test.Attribute("label_smoothing", 0.0) };
        var (batches, labels) = (new Tensor[Batches], new Tensor[Batches]);
        for (var i = 0; i < Batches; i++)
        {
            var pixels = test.Array("in.images").Values.AsSpan(i * BatchSize * 784, BatchSize * 784).ToArray();
            batches[i] = test.ToTensor(new NdArray(Array.ConvertAll(pixels, v => v / 255), [BatchSize, 28, 28, 1]));
            labels[i] = Tensor.FromArray(Array.ConvertAll(test.Array("in.labels").Values[(i * BatchSize)..((i + 1) * BatchSize)], v => (long)v));
        }

        var expected = test.Array("out.loss").Values;
        for (var step = 0; step < Steps; step++)
        {
            if (trajectory.Rate is { } rate)
                optimizer.LearningRate = rate(step);
            var loss = Ops.CrossEntropy(trajectory.Network(batches[step % Batches], state, training: true), labels[step % Batches], options: options);
            optimizer.ZeroGrad();
            loss.Backward();
            optimizer.Step();
            var limit = test.DType == DType.F64 ? 1e-7 : test.AllowedDrift(step);
            var actual = loss.ToDoubles()[0];
            Assert.That(Math.Abs(actual - expected[step]), Is.LessThanOrEqualTo(limit), $"step {step}: loss {actual}, PyTorch has {expected[step]}");
        }
        if (test.DType != DType.F64)
            return;
        using var noGrad = Autograd.NoGrad();
        test.Compare("out.logits", trajectory.Network(batches[0], state, training: false).ToDoubles(), test.Array("out.logits").Values, 1e-5);
    }

    // Differences grow from step to step, and where one turns a maximum of pooling they jump. The limits come from runs of
    // direct convolutions; Winograd's method is as exact in one step, and leaves their path sooner.
    private static ExecutionOptions WithDirectSums()
    {
        var options = ExecutionOptions.Current;
        foreach (var pass in Implementations.Passes.Where(pass => pass.StartsWith("conv2d_", StringComparison.Ordinal)))
        {
            // Those for AVX-512 BF16 and AMX take bf16 alone.
            if (Implementations.Of(pass).FirstOrDefault(
                    i => i.Obstacle is null && i.Name.StartsWith("cpu:implicit_gemm:", StringComparison.Ordinal)
                        && !i.Name.EndsWith(":amx", StringComparison.Ordinal)
                        && !i.Name.EndsWith(":avx512_bf16", StringComparison.Ordinal)) is { } direct)
                options = options.WithImplementation(pass, direct.Name);
        }
        return options;
    }

    // The classifier behind a flattened image sees (h, w, c) here and (c, h, w) in PyTorch.
    private static Tensor Parameter(TorchCase test, string name)
    {
        var array = test.Array("in.init." + name);
        if (array.Shape.Length == 4)
            return test.ToTensor(array, Layout.Nhwc);
        if (array.Shape is not [var rows, 784])
            return test.ToTensor(array);
        var (values, _) = TorchCase.Permute(new NdArray(array.Values, [rows, 16, 7, 7]), [0, 2, 3, 1]);
        return test.ToTensor(new NdArray(values, array.Shape));
    }

    private static Tensor PlainCnn(Tensor x, Dictionary<string, Tensor> p, bool training)
    {
        var same = new Conv2dOptions { Padding = 1, Activation = Activation.Relu };
        x = Ops.MaxPool2d(Ops.Conv2d(x, p["c1.weight"], p["c1.bias"], same));
        x = Ops.MaxPool2d(Ops.Conv2d(x, p["c2.weight"], p["c2.bias"], same));
        return Ops.Linear(x.Reshape([x.Shape[0], -1]), p["f.weight"], p["f.bias"]);
    }

    private static Tensor ResidualCnn(Tensor x, Dictionary<string, Tensor> p, bool training)
    {
        x = Ops.MaxPool2d(Ops.Relu(Normalize(Ops.Conv2d(x, p["c1.weight"], null, new Conv2dOptions { Padding = 1 }), p, "b1", training)));
        x = Residual(Residual(x, p, "r1.", 1, training), p, "r2.", 2, training);
        return Ops.Linear(Ops.GlobalAvgPool2d(x), p["f.weight"], p["f.bias"]);
    }

    private static Tensor Residual(Tensor x, Dictionary<string, Tensor> p, string at, int stride, bool training)
    {
        var first = new Conv2dOptions { Padding = 1, Stride = stride };
        var y = Ops.Relu(Normalize(Ops.Conv2d(x, p[at + "c1.weight"], null, first), p, at + "b1", training));
        y = Normalize(Ops.Conv2d(y, p[at + "c2.weight"], null, new Conv2dOptions { Padding = 1 }), p, at + "b2", training);
        if (p.TryGetValue(at + "sc.0.weight", out var shortcut))
            x = Normalize(Ops.Conv2d(x, shortcut, null, new Conv2dOptions { Stride = stride }), p, at + "sc.1", training);
        return Ops.Relu(y + x);
    }

    private static Tensor Normalize(Tensor x, Dictionary<string, Tensor> p, string at, bool training) => training
        ? Ops.BatchNorm2d(x, p[at + ".weight"], p[at + ".bias"], p[at + ".running_mean"], p[at + ".running_var"], Tensor.Scalar(0L))
        : Ops.BatchNorm2dInference(x, p[at + ".weight"], p[at + ".bias"], p[at + ".running_mean"], p[at + ".running_var"]);

    // Residual blocks under PyTorch's names.
    private static void Block(TorchCase test)
    {
        var names = test.Keys("in.").Where(n => n != "x").ToArray();
        var layouts = names.ToDictionary(n => n, n => test.Array("in." + n).Shape.Length == 4 ? Layout.Nhwc : Layout.Same);
        var state = names.ToDictionary(n => n.Replace("__", ".", StringComparison.Ordinal), n => test.Input(n, layouts[n])!);
        var x = test.Input("x", Layout.Nhwc)!;
        var stride = test.Op.StartsWith("res_down", StringComparison.Ordinal) ? 2 : 1;
        var y = Residual(x, state, "", stride, test.Attribute("training", true));
        test.Check(y, Layout.Nhwc,
            [("x", x, Layout.Nhwc), .. names.Select(n => (n, (Tensor?)state[n.Replace("__", ".", StringComparison.Ordinal)], layouts[n]))]);
        foreach (var name in test.Keys("out.buf."))
            test.Compare("out.buf." + name, state[name]);
    }
}
