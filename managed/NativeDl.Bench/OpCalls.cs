namespace NativeDl.Bench;

/// <summary>One pass of a workload as the library runs it: the names of its outputs, and the call.</summary>
/// <param name="Name">"forward", "backward_input", ...</param>
/// <param name="Native">The passes of the library that it runs, the decisive one first: "conv2d_forward".</param>
/// <param name="Outputs">The names of what it gives.</param>
/// <param name="Run">The call; the outputs are the caller's to dispose.</param>
internal sealed record PassCall(string Name, string[] Native, string[] Outputs, Func<Tensor?[]> Run);

/// <summary>
/// How the passes of a row are called: the calls that the public ops and their gradients are made of, without autograd.
/// Outputs come from the library's caching allocator, as they do for its users.
/// </summary>
internal static class OpCalls
{
    /// <summary>The passes; null where there is no adapter. "dy" must be among the tensors for those beyond forward.</summary>
    public static PassCall[]? For(Workload w, IReadOnlyDictionary<string, Tensor> t)
    {
        var dy = t.GetValueOrDefault("dy");
        return w.Op switch
        {
            "conv2d" => Conv2d(w, t, dy),
            "conv2d_max_pool2d" => Conv2dMaxPool2d(w, t, dy),
            "gemm" => [Gemm(w, t)],
            "max_pool2d" => MaxPool2d(w, t, dy),
            "batch_norm2d" => BatchNorm2d(w, t, dy),
            "relu" => Relu(t, dy),
            "avg_pool2d" => AvgPool2d(w, t["x"], dy),
            "global_avg_pool2d" => GlobalAvgPool2d(t["x"], dy),
            "add" => [Forward("add", () => Native.AddForward(t["a"], t["b"]))],
            "softmax" => [Forward("softmax", () => Native.SoftmaxForward(t["x"], w.Int("axis", -1)))],
            "log_softmax" => [Forward("log_softmax", () => Native.LogSoftmaxForward(t["x"], w.Int("axis", -1)))],
            "cross_entropy" => CrossEntropy(t["logits"], t["labels"], dy),
            "permute" => [Forward("permute", () => Native.PermuteForward(t["x"], w.List("axes")))],
            "pad" => [Forward("pad", () => Native.PadForward(t["x"], w.List("before"), w.List("after"), w.Number("value", 0)))],
            "cast" => [new("forward", ["cast_forward"], [""], () => [Native.CastForward(t["x"], Enum.Parse<DType>(w.Options["dtype"], ignoreCase: true))])],
            "sum" => [Forward("sum", SumOf(w, t["x"]))],
            _ => null,
        };
    }

    private static PassCall Forward(string op, Func<Tensor> call) => new("forward", [op + "_forward"], ["y"], () => [call()]);

    private static Conv2dOptions Conv2dOf(Workload w) => new Conv2dOptions
    {
        Groups = w.Int("groups", 1),
        StrideH = w.Int("stride_h", 1), StrideW = w.Int("stride_w", 1),
        PadTop = w.Int("pad_top", 0), PadBottom = w.Int("pad_bottom", 0),
        PadLeft = w.Int("pad_left", 0), PadRight = w.Int("pad_right", 0),
        DilationH = w.Int("dilation_h", 1), DilationW = w.Int("dilation_w", 1),
        Activation = w.Activation,
    };

    private static PassCall[] Conv2d(Workload w, IReadOnlyDictionary<string, Tensor> t, Tensor? dy)
    {
        var options = Conv2dOf(w);
        var (x, weight, bias) = (t["x"], t["weight"], t.GetValueOrDefault("bias"));
        var forward = Forward("conv2d", () => Native.Conv2dForward(x, weight, bias, t.GetValueOrDefault("residual"), options));
        return dy is null ? [forward] :
        [
            forward,
            new("backward_input", ["conv2d_backward_input"], ["dx"], () => [Native.Conv2dBackwardInput(dy, weight, x.Shape, options)]),
            new("backward_weight", ["conv2d_backward_weight"], ["dweight"], () => [Native.Conv2dBackwardWeight(x, dy, weight.Shape, options)]),
        ];
    }

    private static PassCall[] Conv2dMaxPool2d(Workload w, IReadOnlyDictionary<string, Tensor> t, Tensor? dy)
    {
        var options = new Conv2dMaxPool2dOptions { Conv2d = Conv2dOf(w), PoolH = w.Int("pool_h", 1), PoolW = w.Int("pool_w", 1) };
        var (x, weight, bias) = (t["x"], t["weight"], t.GetValueOrDefault("bias"));
        Tensor?[] Run()
        {
            var (y, argmax) = Native.Conv2dMaxPool2dForward(x, weight, bias, options, wantArgmax: true);
            return [y, argmax];
        }
        var forward = new PassCall("forward", ["conv2d_max_pool2d_forward"], ["y", ""], Run);
        if (dy is null)
            return [forward];
        var saved = Run()[1]!;
        return
        [
            forward,
            new("backward_input", ["conv2d_max_pool2d_backward_input"], ["dx"],
                () => [Native.Conv2dMaxPool2dBackwardInput(dy, saved, weight, x.Shape, options)]),
            new("backward_weight", ["conv2d_max_pool2d_backward_weight"], ["dweight"],
                () => [Native.Conv2dMaxPool2dBackwardWeight(x, dy, saved, weight.Shape, options)]),
        ];
    }

    private static PassCall Gemm(Workload w, IReadOnlyDictionary<string, Tensor> t)
    {
        var options = new GemmOptions
        {
            TransposeA = w.Int("transpose_a", 0) != 0, TransposeB = w.Int("transpose_b", 0) != 0, Activation = w.Activation,
        };
        return Forward("gemm", () => Native.GemmForward(t["a"], t["b"], null, t.GetValueOrDefault("bias"), options));
    }

    private static PassCall[] MaxPool2d(Workload w, IReadOnlyDictionary<string, Tensor> t, Tensor? dy)
    {
        var options = new MaxPool2dOptions
        {
            KernelH = w.Int("kernel_h", 1), KernelW = w.Int("kernel_w", 1),
            StrideH = w.Int("stride_h", 1), StrideW = w.Int("stride_w", 1),
            PadTop = w.Int("pad_top", 0), PadBottom = w.Int("pad_bottom", 0),
            PadLeft = w.Int("pad_left", 0), PadRight = w.Int("pad_right", 0),
            DilationH = w.Int("dilation_h", 1), DilationW = w.Int("dilation_w", 1),
            CeilMode = w.Int("ceil_mode", 0) != 0,
        };
        var x = t["x"];
        options = options.ForTraining(); // with the argmax
        Tensor?[] Run()
        {
            var (y, argmax) = Native.MaxPool2dForward(x, options, wantArgmax: true);
            return [y, argmax];
        }
        var forward = new PassCall("forward", ["max_pool2d_forward"], ["y", ""], Run);
        if (dy is null)
            return [forward];
        var saved = Run()[1]!;
        return [forward, new("backward", ["max_pool2d_backward"], ["dx"], () => [Native.MaxPool2dBackward(dy, saved, x.Shape, options)])];
    }

    private static PassCall[] AvgPool2d(Workload w, Tensor x, Tensor? dy)
    {
        var options = new AvgPool2dOptions
        {
            KernelH = w.Int("kernel_h", 1), KernelW = w.Int("kernel_w", 1),
            StrideH = w.Int("stride_h", 1), StrideW = w.Int("stride_w", 1),
            PadTop = w.Int("pad_top", 0), PadBottom = w.Int("pad_bottom", 0),
            PadLeft = w.Int("pad_left", 0), PadRight = w.Int("pad_right", 0),
        };
        var forward = Forward("avg_pool2d", () => Native.AvgPool2dForward(x, options));
        return dy is null ? [forward] : [forward, new("backward", ["avg_pool2d_backward"], ["dx"], () => [Native.AvgPool2dBackward(dy, x.Shape, options)])];
    }

    private static PassCall[] GlobalAvgPool2d(Tensor x, Tensor? dy)
    {
        var forward = Forward("global_avg_pool2d", () => Native.GlobalAvgPool2dForward(x));
        return dy is null ? [forward] : [forward, new("backward", ["global_avg_pool2d_backward"], ["dx"], () => [Native.GlobalAvgPool2dBackward(dy, x.Shape)])];
    }

    private static PassCall[] CrossEntropy(Tensor logits, Tensor labels, Tensor? dy)
    {
        var options = CrossEntropyOptions.Default;
        Tensor?[] Run()
        {
            var (loss, logSumExp) = Native.CrossEntropyForward(logits, labels, null, options, wantLogSumExp: true);
            return [loss, logSumExp];
        }
        var forward = new PassCall("forward", ["cross_entropy_forward"], ["y", ""], Run);
        if (dy is null)
            return [forward];
        var saved = Run()[1]!;
        return [forward, new("backward", ["cross_entropy_backward"], ["dlogits"], () => [Native.CrossEntropyBackward(logits, labels, null, saved, dy, options)])];
    }

    private static PassCall[] BatchNorm2d(Workload w, IReadOnlyDictionary<string, Tensor> t, Tensor? dy)
    {
        var options = new BatchNorm2dOptions { Eps = w.Number("eps", 1e-5f), Activation = w.Activation };
        var (x, gamma, beta) = (t["x"], t.GetValueOrDefault("gamma"), t.GetValueOrDefault("beta"));
        Tensor?[] Run()
        {
            var (y, mean, inverse) = Native.BatchNorm2dForward(x, gamma, beta, t["running_mean"], t["running_var"], t["num_batches"], options);
            return [y, mean, inverse];
        }
        var forward = new PassCall("forward", ["batch_norm2d_forward"], ["y", "", ""], Run);
        if (dy is null)
            return [forward];
        var saved = Run();
        return [forward, new("backward", ["batch_norm2d_backward"], ["dx", "dgamma", "dbeta"], () =>
            Native.BatchNorm2dBackward(x, gamma, beta, saved[1]!, saved[2]!, dy, [true, true, true], options, training: true))];
    }

    private static PassCall[] Relu(IReadOnlyDictionary<string, Tensor> t, Tensor? dy)
    {
        var x = t["x"];
        var forward = Forward("relu", () => Native.ReluForward(x));
        if (dy is null)
            return [forward];
        var y = Native.ReluForward(x);
        return [forward, new("backward", ["relu_backward"], ["dx"], () => [Native.ReluBackward(y, dy)])];
    }

    private static Func<Tensor> SumOf(Workload w, Tensor x)
    {
        var axes = w.List("axes");
        return () => Native.SumForward(x, axes, w.Int("keep_dims", 0) != 0);
    }
}
