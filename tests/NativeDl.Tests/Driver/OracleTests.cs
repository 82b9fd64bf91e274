using NativeDl.Tests.Reference;
using NUnit.Framework;

namespace NativeDl.Tests.Driver;

/// <summary>The oracle itself: its gradients against finite differences and Euler's identity, no library involved.</summary>
public sealed class OracleTests
{
    private const long SmallRow = 3000; // elements of all operands

    public static IEnumerable<TestCaseData> SmallRows() =>
        from reference in References.All
        from row in OpCase.ReadTable(reference.Op)
        where reference.Operands.SelectMany(row.Operand).Sum(spec => spec.Count) is > 0 and < SmallRow
        select new TestCaseData(reference.Op, row.Row).SetArgDisplayNames(reference.Op, row.Row);

    [TestCaseSource(nameof(SmallRows))]
    public void Gradient_MatchesFiniteDifferences(string op, string row)
    {
        var p = new Problem(op, row);
        foreach (var name in p.Gradients.Keys.Where(p.Inputs.Has))
        {
            for (var item = 0; item < p.Inputs.List(name).Length; item++)
            {
                var direction = HostTensor.Random(
                    new OperandSpec($"direction of {name}[{item}]", p.Inputs.List(name)[item].Dims, DType.F64, ""), row, coarse: false);
                const double Step = 1e-6;
                var difference = (p.LossAt(name, item, direction, Step) - p.LossAt(name, item, direction, -Step)) / (2 * Step);
                var gradient = Dot(p.Gradients[name][item].All().Data, direction.Data);
                Assert.That(gradient, Is.EqualTo(difference).Within(1e-6 * p.Scale), name);
            }
        }
    }

    [TestCaseSource(nameof(SmallRows))]
    public void Gradient_SatisfiesEulersIdentity(string op, string row)
    {
        var p = new Problem(op, row);
        foreach (var set in p.Reference.Homogeneous(p.Case))
        {
            var sum = set.Where(p.Inputs.Has).Sum(name => p.Inputs.List(name)
                .Select((input, item) => Dot(p.Gradients[name][item].All().Data, input.Data)).Sum());
            Assert.That(sum, Is.EqualTo(p.Loss).Within(1e-11 * p.Scale), string.Join(", ", set));
        }
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    /// <summary>A row with values that are not rounded, and the sum over its outputs times random gradients.</summary>
    private sealed class Problem
    {
        private readonly HostTensor?[] _dys;

        public Problem(string op, string row)
        {
            Reference = References.All.Single(r => r.Op == op);
            Case = OpCase.Parse(op, row);
            Inputs = Oracle.RandomInputs(Reference, Case, coarse: false);
            HostTensor[] outputs = [.. Reference.Forward(Case, Inputs).Select(y => y.All())];
            // An output of indices is constant next to the values.
            _dys = CaseRunner.OutputGradients(Case, outputs, i => !Reference.IsIndex(i), coarse: false);
            Gradients = Reference.Backward(Case, Inputs, outputs, _dys);
            Loss = LossOf(outputs);
            Scale = 1 + outputs.Zip(_dys, (y, dy) => dy is null ? 0 : y.Data.Zip(dy.Data, (a, b) => Math.Abs(a * b)).Sum()).Sum();
        }

        public OpReference Reference { get; }

        public OpCase Case { get; }

        public Inputs<HostTensor> Inputs { get; }

        public IReadOnlyDictionary<string, Expected[]> Gradients { get; }

        public double Loss { get; }

        public double Scale { get; }

        public double LossAt(string name, int item, HostTensor direction, double step)
        {
            var moved = Inputs.Convert((_, values) => values);
            var list = moved.List(name).ToArray();
            list[item] = list[item] with { Data = [.. list[item].Data.Zip(direction.Data, (v, d) => v + (step * d))] };
            moved.Set(name, list);
            return LossOf([.. Reference.Forward(Case, moved).Select(y => y.All())]);
        }

        private double LossOf(HostTensor[] outputs) =>
            outputs.Zip(_dys, (y, dy) => dy is null ? 0 : Dot(y.Data, dy.Data)).Sum();
    }
}
