namespace NativeDl.Tests.TorchReference;

internal static partial class Families
{
    // PyTorch's classes are the second dimension, ours the last. (Its targets may also be probabilities.)
    private static void CrossEntropy(TorchCase test)
    {
        var x = test.Input("x", Layout.Nhwc)!;
        var loss = Ops.CrossEntropy(x, test.Labels("t"), test.Input("weight"), new CrossEntropyOptions
        {
            Reduction = ReductionOf(test),
            LabelSmoothing = test.Attribute("label_smoothing", 0.0),
            IgnoreIndex = test.Attribute("ignore_index", -100L),
        });
        test.Check(loss, Layout.Same, ("x", x, Layout.Nhwc));
    }

    private static void MseLoss(TorchCase test)
    {
        var (x, target) = (test.Input("x")!, test.Input("t")!);
        test.Check(Ops.MseLoss(x, target, ReductionOf(test)), Layout.Same, ("x", x, Layout.Same), ("t", target, Layout.Same));
    }

    private static void Softmax(TorchCase test)
    {
        var x = test.Input("x")!;
        var dim = test.Attribute("dim", -1);
        test.Check(test.Op == "softmax" ? x.Softmax(dim) : x.LogSoftmax(dim), Layout.Same, ("x", x, Layout.Same));
    }

    private static Reduction ReductionOf(TorchCase test) =>
        Enum.Parse<Reduction>(test.Attribute("reduction", "mean"), ignoreCase: true);
}
