using System.Text.Json;
using NUnit.Framework;

namespace NativeDl.Tests.TorchReference;

/// <summary>How each family of the reference data is expressed in the library's own API.</summary>
internal static partial class Families
{
    private sealed record Family(Action<TorchCase> Run, Func<JsonElement, bool>? Supports = null, bool InDouble = true);

    private static readonly Dictionary<string, Family> s_families = new()
    {
        ["adaptive_avg_pool2d"] = new(GlobalAvgPool2d, e => Ints(e, "output") is [1, 1]),
        ["argreduce"] = new(Argreduce, e => Op(e) == "argmax"),
        ["avg_pool2d"] = new(AvgPool2d),
        ["batch_norm"] = new(BatchNorm2d, e => Rank(e, "in.x0") == 4),
        ["binary"] = new(Binary, e => s_binary.ContainsKey(Op(e))),
        ["block"] = new(Block, e => Op(e).StartsWith("res_", StringComparison.Ordinal)),
        ["clip_grad"] = new(ClipNorm, IsNormOf2),
        ["conv2d"] = new(Conv2d),
        ["cross_entropy"] = new(CrossEntropy, Supports: e => e.GetProperty("attrs").TryGetProperty("ignore_index", out _)),
        ["linear"] = new(Linear),
        ["log_softmax"] = new(Softmax),
        ["loss"] = new(MseLoss, e => Op(e) == "mse"),
        ["lr_scheduler"] = new(Schedule, e => ScheduleOf(e) is not null || Op(e) == "ReduceLROnPlateau"),
        ["matmul"] = new(MatMul, e => Rank(e, "in.a") == 2 && Rank(e, "in.b") == 2),
        ["max_pool2d"] = new(MaxPool2d),
        ["optimizer"] = new(Optimize, Supports: HasOptimizer),
        ["pad"] = new(Pad, e => e.GetProperty("attrs").GetProperty("mode").GetString() == "constant"),
        ["reduce"] = new(Reduce, e => s_reductions.ContainsKey(Op(e))),
        ["softmax"] = new(Softmax),
        ["trajectory"] = new(Train, IsTrajectory),
    };

    /// <summary>Families of which every case must run.</summary>
    public static readonly string[] Complete = ["avg_pool2d", "conv2d", "linear", "log_softmax", "max_pool2d", "softmax"];

    public static bool Supports(JsonElement entry) =>
        s_families.TryGetValue(Name(entry), out var family) && (family.Supports is null || family.Supports(entry));

    public static bool InDouble(JsonElement entry) => s_families[Name(entry)].InDouble;

    public static void Run(JsonElement entry, TorchCase test) => s_families[Name(entry)].Run(test);

    private static string Name(JsonElement entry) => entry.GetProperty("family").GetString()!;

    private static void Conv2d(TorchCase test)
    {
        var x = test.Input("x", Layout.Nhwc)!;
        var w = test.Input("w", Layout.Nhwc)!;
        var b = test.Input("b");
        var stride = test.Attribute<int[]>("stride", [1, 1]);
        var dilation = test.Attribute<int[]>("dilation", [1, 1]);
        var (top, bottom, left, right) = (0, 0, 0, 0);
        if (!test.IsText("padding"))
        {
            var padding = test.Attribute<int[]>("padding", [0, 0]);
            (top, bottom, left, right) = (padding[0], padding[0], padding[1], padding[1]);
        }
        else if (test.Attribute("padding", "valid") == "same")
        {
            // PyTorch puts the odd row and column behind.
            var (h, v) = (dilation[0] * (int)(w.Shape[1] - 1), dilation[1] * (int)(w.Shape[2] - 1));
            (top, bottom, left, right) = (h / 2, h - h / 2, v / 2, v - v / 2);
        }
        var y = Ops.Conv2d(x, w, b, new Conv2dOptions
        {
            StrideH = stride[0], StrideW = stride[1], DilationH = dilation[0], DilationW = dilation[1],
            PadTop = top, PadBottom = bottom, PadLeft = left, PadRight = right, Groups = test.Attribute("groups", 1),
        });
        test.Check(y, Layout.Nhwc, ("x", x, Layout.Nhwc), ("w", w, Layout.Nhwc), ("b", b, Layout.Same));
    }

    private static void MaxPool2d(TorchCase test)
    {
        var x = test.Input("x", Layout.Nhwc)!;
        var (kernel, stride) = (test.Attribute<int[]>("kernel", []), test.Attribute<int[]>("stride", []));
        var (padding, dilation) = (test.Attribute<int[]>("padding", [0, 0]), test.Attribute<int[]>("dilation", [1, 1]));
        var (y, argmax) = Ops.MaxPool2dWithIndices(x, new MaxPool2dOptions
        {
            KernelH = kernel[0], KernelW = kernel[1], StrideH = stride[0], StrideW = stride[1],
            PadTop = padding[0], PadBottom = padding[0], PadLeft = padding[1], PadRight = padding[1],
            DilationH = dilation[0], DilationW = dilation[1], CeilMode = test.Attribute("ceil_mode", false),
        });
        test.Compare("out.idx", argmax, Layout.Nhwc);
        test.Check(y, Layout.Nhwc, ("x", x, Layout.Nhwc));
    }
}
