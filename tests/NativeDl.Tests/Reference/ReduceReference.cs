using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>sum, mean, max and argmax over axes; terms are numbered in row order of the reduced dimensions.</summary>
internal sealed class ReduceReference(string op) : OpReference
{
    public static IEnumerable<OpReference> All { get; } =
        [new ReduceReference("sum"), new ReduceReference("mean"), new ReduceReference("max"), new ReduceReference("argmax")];

    public override string Op => op;

    public override string[] Operands => ["x"];

    public override string[] Differentiable => op == "argmax" ? [] : ["x"];

    public override string[][] Homogeneous(OpCase c) => op == "argmax" ? [] : [["x"]];

    public override bool IsIndex(int output) => op == "argmax" || output == 1;

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs)
    {
        var (x, axes, keep) = (inputs["x"], c.Ints("axes", []), c.Flag("keep_dims"));
        switch (op)
        {
            case "sum": return [Ops.Sum(x, axes, keep)];
            case "mean": return [Ops.Mean(x, axes, keep)];
            case "argmax": return [Ops.ArgMax(x, axes, keep)];
            default:
                var (y, argmax) = Ops.MaxWithIndices(x, axes, keep);
                return [y, argmax];
        }
    }

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var x = inputs["x"];
        var plan = new Plan(c, x.Dims);
        var (sums, largest, index) = (new double[plan.Outputs], new double[plan.Outputs], new double[plan.Outputs]);
        for (long i = 0; i < x.Data.Length; i++)
        {
            var (output, term) = plan.Place(i);
            var value = x.Data[i];
            sums[output] += value;
            if (term == 0 || value > largest[output])
                (largest[output], index[output]) = (value, term);
        }
        var max = Expected.Of(new HostTensor(plan.OutputDims, largest), terms: 0);
        var argmax = Expected.Of(new HostTensor(plan.OutputDims, index, DType.I64), terms: 0);
        return op switch
        {
            "sum" => [Expected.Of(new HostTensor(plan.OutputDims, sums), plan.Terms, x.MaxAbs)],
            "mean" => [Expected.Of(
                new HostTensor(plan.OutputDims, Array.ConvertAll(sums, sum => sum / plan.Terms)), plan.Terms,
                x.MaxAbs / Math.Sqrt(Math.Max(1, plan.Terms)))],
            "argmax" => [argmax],
            _ => [max, argmax],
        };
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        if (op == "argmax")
            return new Dictionary<string, Expected[]>();
        var (x, dy) = (inputs["x"], gradients[0]!);
        var plan = new Plan(c, x.Dims);
        var argmax = op == "max" ? Forward(c, inputs)[1].All().Data : [];
        var dx = new double[x.Data.Length];
        for (long i = 0; i < dx.Length; i++)
        {
            var (output, term) = plan.Place(i);
            dx[i] = op switch
            {
                "sum" => dy.Data[output],
                "mean" => dy.Data[output] / plan.Terms,
                _ => argmax[output] == term ? dy.Data[output] : 0,
            };
        }
        return new Dictionary<string, Expected[]>
        {
            ["x"] = [Expected.Of(new HostTensor(x.Dims, dx), terms: op == "mean" ? 1 : 0)],
        };
    }

    /// <summary>Which output an element of x belongs to, and as which term.</summary>
    private sealed class Plan
    {
        private readonly long[] _dims;
        private readonly bool[] _reduced;

        public Plan(OpCase c, long[] dims)
        {
            _dims = dims;
            var axes = c.Ints("axes", [.. Enumerable.Range(0, dims.Length)]);
            _reduced = new bool[dims.Length];
            foreach (var axis in axes)
                _reduced[axis < 0 ? axis + dims.Length : axis] = true;
            OutputDims = [.. dims.Select((dim, i) => _reduced[i] ? 1 : dim).Where((_, i) => !_reduced[i] || c.Flag("keep_dims"))];
            Outputs = OutputDims.Aggregate(1L, (product, dim) => product * dim);
            Terms = dims.Where((_, i) => _reduced[i]).Aggregate(1L, (product, dim) => product * dim);
        }

        public long[] OutputDims { get; }

        public long Outputs { get; }

        public long Terms { get; }

        public (long Output, long Term) Place(long index)
        {
            var (output, outputStride, term, termStride) = (0L, 1L, 0L, 1L);
            for (var axis = _dims.Length - 1; axis >= 0; axis--)
            {
                var at = index % _dims[axis];
                index /= _dims[axis];
                if (_reduced[axis])
                    (term, termStride) = (term + (at * termStride), termStride * _dims[axis]);
                else
                    (output, outputStride) = (output + (at * outputStride), outputStride * _dims[axis]);
            }
            return (output, term);
        }
    }
}
