using System.Text.Json;

namespace NativeDl.Tests.TorchReference;

internal static partial class Families
{
    private static readonly Dictionary<string, Func<Tensor, Tensor, Tensor>> s_binary = new()
    {
        ["add"] = Ops.Add, ["sub"] = Ops.Subtract, ["mul"] = Ops.Multiply, ["div"] = Ops.Divide,
    };

    private static readonly Dictionary<string, Func<Tensor, int[], bool, Tensor>> s_reductions = new()
    {
        ["sum"] = static (x, axes, keep) => Ops.Sum(x, axes, keep),
        ["mean"] = static (x, axes, keep) => Ops.Mean(x, axes, keep),
        // At ties torch's amax shares the gradient, ours gives it to the first: the cases have none.
        ["amax"] = static (x, axes, keep) => Ops.Max(x, axes, keep),
    };

    private static string Op(JsonElement entry) => entry.GetProperty("op").GetString()!;

    private static void Binary(TorchCase test)
    {
        var (a, b) = (test.Input("a")!, test.Input("b")!);
        test.Check(s_binary[test.Op](a, b), Layout.Same, ("a", a, Layout.Same), ("b", b, Layout.Same));
    }

    private static void Reduce(TorchCase test)
    {
        var x = test.Input("x")!;
        var axes = Array.ConvertAll(test.Attribute<int[]>("dim", []), d => d < 0 ? d + x.Rank : d);
        var y = s_reductions[test.Op](x, axes, test.Attribute("keepdim", false));
        test.Check(y, Layout.Same, ("x", x, Layout.Same));
    }

    private static void Argreduce(TorchCase test)
    {
        var x = test.Input("x")!;
        test.Compare("out.y", Ops.ArgMax(x, [test.Attribute("dim", 0)]));
    }
}
