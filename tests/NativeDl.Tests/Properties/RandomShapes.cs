using FsCheck;
using FsCheck.Fluent;
using NativeDl.Tests.Driver;
using NativeDl.Tests.Reference;
using NUnit.Framework;

namespace NativeDl.Tests.Properties;

/// <summary>Rows that nobody thought of: random small shapes and options against the oracle, both passes.</summary>
public sealed class RandomShapes
{
    [Test]
    public void Conv2d_AnyRow_MatchesTheOracle()
    {
        var rows =
            from groups in Gen.Elements(1, 1, 1, 2, 3)
            from groupC in Gen.Choose(1, 9)
            from groupK in Gen.Choose(1, 9)
            from n in Gen.Choose(0, 3)
            from size in Pair(1, 9)
            from kernel in Pair(1, 4)
            from stride in Pair(1, 3)
            from dilation in Pair(1, 2)
            from before in Pair(0, 2)
            from after in Pair(0, 2)
            from bias in Gen.Elements(true, false)
            from activation in Gen.Elements("none", "relu")
            where Fits(size.H, before.H, after.H, kernel.H, dilation.H) && Fits(size.W, before.W, after.W, kernel.W, dilation.W)
            select $"x={n}x{size.H}x{size.W}x{groups * groupC} weight={groups * groupK}x{kernel.H}x{kernel.W}x{groupC} " +
                   (bias ? $"bias={groups * groupK} " : "") +
                   $"groups={groups} activation={activation} {Window(stride, dilation, before, after)}";
        CheckRows("conv2d", rows);
    }

    [Test]
    public void MaxPool2d_AnyRow_MatchesTheOracle()
    {
        var rows =
            from n in Gen.Choose(0, 3)
            from c in Gen.Choose(1, 40)
            from size in Pair(1, 9)
            from kernel in Pair(1, 4)
            from stride in Pair(1, 3)
            from dilation in Pair(1, 2)
            from before in Pair(0, 2)
            from after in Pair(0, 2)
            from ceil in Gen.Choose(0, 1)
            where Fits(size.H, before.H, after.H, kernel.H, dilation.H) && Fits(size.W, before.W, after.W, kernel.W, dilation.W)
            where PoolFits(size.H, before.H, after.H, kernel.H, dilation.H) && PoolFits(size.W, before.W, after.W, kernel.W, dilation.W)
            select $"x={n}x{size.H}x{size.W}x{c} kernel_h={kernel.H} kernel_w={kernel.W} ceil_mode={ceil} " +
                   Window(stride, dilation, before, after);
        CheckRows("max_pool2d", rows);
    }

    private static void CheckRows(string op, Gen<string> rows)
    {
        var reference = References.All.Single(r => r.Op == op);
        Prop.ForAll(rows.ToArbitrary(), row =>
            CaseRunner.Check(reference, OpCase.Parse(op, row), Device.Cpu, withGradients: true))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    private static Gen<(int H, int W)> Pair(int least, int greatest) =>
        from h in Gen.Choose(least, greatest)
        from w in Gen.Choose(least, greatest)
        select (h, w);

    private static bool Fits(int size, int before, int after, int kernel, int dilation) =>
        size + before + after >= (dilation * (kernel - 1)) + 1;

    private static bool PoolFits(int size, int before, int after, int kernel, int dilation) =>
        2 * Math.Max(before, after) <= (dilation * (kernel - 1)) + 1 && (dilation <= size || before == 0);

    private static string Window((int H, int W) stride, (int H, int W) dilation, (int H, int W) before, (int H, int W) after) =>
        $"stride_h={stride.H} stride_w={stride.W} dilation_h={dilation.H} dilation_w={dilation.W} " +
        $"pad_top={before.H} pad_left={before.W} pad_bottom={after.H} pad_right={after.W}";
}
