using System.Text.Json;

namespace NativeDl.Tests.TorchReference;

internal static partial class Families
{
    /// <summary>An array of numbers among a case's attributes.</summary>
    private static int[] Ints(JsonElement entry, string attribute) =>
        [.. entry.GetProperty("attrs").GetProperty(attribute).EnumerateArray().Select(v => v.GetInt32())];

    /// <summary>The rank of one of a case's arrays, of which the index has dtype and dimensions.</summary>
    private static int Rank(JsonElement entry, string array) => entry.GetProperty("arrays").GetProperty(array).GetArrayLength() - 1;

    private static void Linear(TorchCase test)
    {
        var (x, w, b) = (test.Input("x")!, test.Input("w")!, test.Input("b"));
        test.Check(Ops.Linear(x, w, b), Layout.Same, ("x", x, Layout.Same), ("w", w, Layout.Same), ("b", b, Layout.Same));
    }

    private static void MatMul(TorchCase test)
    {
        var (a, b) = (test.Input("a")!, test.Input("b")!);
        test.Check(a.MatMul(b), Layout.Same, ("a", a, Layout.Same), ("b", b, Layout.Same));
    }

    private static void AvgPool2d(TorchCase test)
    {
        var x = test.Input("x", Layout.Nhwc)!;
        var (kernel, stride) = (test.Attribute<int[]>("kernel", []), test.Attribute<int[]>("stride", []));
        var padding = test.Attribute<int[]>("padding", [0, 0]);
        var y = Ops.AvgPool2d(x, new AvgPool2dOptions
        {
            KernelH = kernel[0], KernelW = kernel[1], StrideH = stride[0], StrideW = stride[1],
            PadTop = padding[0], PadBottom = padding[0], PadLeft = padding[1], PadRight = padding[1],
            CeilMode = test.Attribute("ceil_mode", false), CountIncludePad = test.Attribute("count_include_pad", true),
            DivisorOverride = test.Attribute("divisor_override", 0),
        });
        test.Check(y, Layout.Nhwc, ("x", x, Layout.Nhwc));
    }

    private static void GlobalAvgPool2d(TorchCase test)
    {
        var x = test.Input("x", Layout.Nhwc)!;
        var y = Ops.GlobalAvgPool2d(x);
        test.Check(y.Reshape([y.Shape[0], 1, 1, y.Shape[1]]), Layout.Nhwc, ("x", x, Layout.Nhwc));
    }

    // Three batches in a row, of which the last is differentiated.
    private static void BatchNorm2d(TorchCase test)
    {
        var (w, b) = (test.Input("w"), test.Input("b"));
        var (mean, variance, count) = (test.Input("rm")!, test.Input("rv")!, Tensor.Scalar(0L));
        var options = new BatchNorm2dOptions
        {
            Eps = test.Attribute("eps", 0.0), Momentum = test.Attribute("momentum", 0.1), Cumulative = test.IsNull("momentum"),
        };
        var training = test.Attribute("training", true);
        for (var batch = 0; batch < 3; batch++)
        {
            var x = test.Input($"x{batch}", Layout.Nhwc)!;
            var y = training
                ? Ops.BatchNorm2d(x, w, b, mean, variance, count, options)
                : Ops.BatchNorm2dInference(x, w, b, mean, variance, options);
            test.Compare($"out.y{batch}", y, Layout.Nhwc);
            test.Compare($"out.rm{batch}", mean);
            test.Compare($"out.rv{batch}", variance);
            if (batch < 2)
                continue;
            y.Backward(test.ToTensor(test.Array("gy.y2"), Layout.Nhwc));
            test.Compare("grad.x2", x.Grad!, Layout.Nhwc);
            if (w is null)
                continue;
            test.Compare("grad.w", w.Grad!);
            test.Compare("grad.b", b!.Grad!);
        }
    }

    // PyTorch's list goes from the last dimension on: left, right, top, bottom.
    private static void Pad(TorchCase test)
    {
        var x = test.Input("x")!;
        var pad = test.Attribute<int[]>("pad", []);
        var (before, after) = (new long[x.Rank], new long[x.Rank]);
        for (var i = 0; i < pad.Length; i++)
            (i % 2 == 0 ? before : after)[^(1 + (i / 2))] = pad[i];
        test.Check(Ops.Pad(x, before, after, test.Attribute("value", 0.0)), Layout.Same, ("x", x, Layout.Same));
    }
}
