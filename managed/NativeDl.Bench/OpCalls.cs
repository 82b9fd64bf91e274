using System.Globalization;

namespace NativeDl.Bench;

/// <summary>How a row of a case table is called through the C# API.</summary>
internal static class OpCalls
{
    public static Func<Tensor>? For(Workload w, Dictionary<string, Tensor> inputs) => w.Op switch
    {
        "relu" => () => Ops.Relu(inputs["x"]),
        "conv2d" => Conv2d(w, inputs),
        "max_pool2d" => MaxPool2d(w, inputs),
        "linear" => () => Ops.Linear(inputs["x"], inputs["weight"], inputs.GetValueOrDefault("bias")),
        "gemm" => () => Ops.MatMul(inputs["a"], inputs["b"]),
        _ => null,
    };

    private static Func<Tensor> Conv2d(Workload w, Dictionary<string, Tensor> inputs)
    {
        var options = new Conv2dOptions
        {
            Groups = w.Option("groups", 1),
            StrideH = w.Option("stride_h", 1), StrideW = w.Option("stride_w", 1),
            PadTop = w.Option("pad_top", 0), PadBottom = w.Option("pad_bottom", 0),
            PadLeft = w.Option("pad_left", 0), PadRight = w.Option("pad_right", 0),
            DilationH = w.Option("dilation_h", 1), DilationW = w.Option("dilation_w", 1),
            Activation = Enum.Parse<Activation>(w.Options.GetValueOrDefault("activation", "none"), ignoreCase: true),
        };
        return () => Ops.Conv2d(inputs["x"], inputs["weight"], inputs.GetValueOrDefault("bias"), options);
    }

    private static Func<Tensor> MaxPool2d(Workload w, Dictionary<string, Tensor> inputs)
    {
        var options = new MaxPool2dOptions
        {
            KernelH = w.Option("kernel_h", 1), KernelW = w.Option("kernel_w", 1),
            StrideH = w.Option("stride_h", 1), StrideW = w.Option("stride_w", 1),
            PadTop = w.Option("pad_top", 0), PadBottom = w.Option("pad_bottom", 0),
            PadLeft = w.Option("pad_left", 0), PadRight = w.Option("pad_right", 0),
        };
        return () => Ops.MaxPool2d(inputs["x"], options);
    }
}
