using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>
/// uniform, normal and dropout from the words of Philox4x32-10, in the order that nativedl/random.h gives. The state
/// after the draw is the last output.
/// </summary>
internal abstract class RandomReference(string op) : OpReference
{
    private static readonly uint[] Multipliers = [0xD2511F53, 0xCD9E8D57];

    public override string Op => op;

    public override string[] Operands => ["state"];

    public override string[] Differentiable => [];

    public override bool IsIndex(int output) => output == 1;

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients) =>
        new Dictionary<string, Expected[]>();

    protected static Generator Open(Tensor state)
    {
        var values = state.ToArray<long>();
        return new Generator((ulong)values[0]) { Offset = values[1] };
    }

    protected static Tensor StateOf(Generator generator) => Tensor.FromArray([(long)generator.Seed, generator.Offset]);

    protected static Expected StateAfter(HostTensor state, long words) => Expected.Of(
        new HostTensor([2], [state.Data[0], state.Data[1] + (16 * ((words + 63) / 64))], DType.I64), terms: 0);

    protected static uint Word(HostTensor state, long i)
    {
        var (key, counter) = ((ulong)(long)state.Data[0], (ulong)((long)state.Data[1] + (i / 64 * 16) + (i % 16)));
        uint[] c = [(uint)counter, (uint)(counter >> 32), 0, 0];
        var (k0, k1) = ((uint)key, (uint)(key >> 32));
        for (var round = 0; round < 10; round++)
        {
            var (p0, p1) = ((ulong)Multipliers[0] * c[0], (ulong)Multipliers[1] * c[2]);
            c = [(uint)(p1 >> 32) ^ c[1] ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c[3] ^ k1, (uint)p0];
            k0 = unchecked(k0 + 0x9E3779B9);
            k1 = unchecked(k1 + 0xBB67AE85);
        }
        return c[i % 64 / 16];
    }

    protected static ulong Wide(HostTensor state, long i) => Word(state, 2 * i) | ((ulong)Word(state, (2 * i) + 1) << 32);

    protected static double Unit(HostTensor state, long i, DType dtype) =>
        dtype == DType.F64 ? (Wide(state, i) >> 11) * Math.ScaleB(1, -53) : (Word(state, i) >> 8) * Math.ScaleB(1, -24);

    protected static (Shape Dims, DType DType) Shape(OpCase c) => (c.Ints("dims", []), c.Item("dtype", DType.F32));

    protected static Expected[] Draw(OpCase c, HostTensor state, Func<long, double> element, double terms, double magnitude)
    {
        var (dims, dtype) = Shape(c);
        return
        [
            Expected.Elementwise(dims.ToArray(), element, terms, magnitude),
            StateAfter(state, dims.Count * (dtype == DType.F64 ? 2 : 1)),
        ];
    }
}

internal sealed class UniformReference() : RandomReference("uniform")
{
    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs)
    {
        var (generator, (dims, dtype)) = (Open(inputs["state"]), Shape(c));
        var y = Tensor.RandomUniform(dims, c.Number("low", 0), c.Number("high", 1), dtype, generator);
        return [y, StateOf(generator)];
    }

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var (state, dtype) = (inputs["state"], Shape(c).DType);
        var (low, high) = (c.Number("low", 0), c.Number("high", 1));
        // Exact: every step is rounded to the dtype.
        return Draw(
            c, state,
            i =>
            {
                var u = Unit(state, i, dtype);
                return dtype == DType.F64 ? low + ((high - low) * u) : (float)low + (float)((float)u * ((float)high - (float)low));
            },
            terms: 0, magnitude: 0);
    }
}

internal sealed class NormalReference() : RandomReference("normal")
{
    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs)
    {
        var (generator, (dims, dtype)) = (Open(inputs["state"]), Shape(c));
        var y = Tensor.RandomNormal(dims, c.Number("mean", 0), c.Number("standard_deviation", 1), dtype, generator);
        return [y, StateOf(generator)];
    }

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var (state, dtype) = (inputs["state"], Shape(c).DType);
        var (mean, deviation) = (c.Number("mean", 0), c.Number("standard_deviation", 1));
        double Radius(long i)
        {
            var r = dtype == DType.F64
                ? ((Wide(state, i) >> 11) + 1) * Math.ScaleB(1, -53)
                : (float)((Word(state, i) >> 1) | 1) * Math.ScaleB(1, -31);
            return Math.Sqrt(-2 * Math.Log(r));
        }
        return Draw(
            c, state,
            i =>
            {
                var isSine = i / 16 % 2 == 1;
                var first = isSine ? i - 16 : i;
                var angle = 2 * Math.PI * Unit(state, first + 16, dtype);
                return mean + (deviation * Radius(first) * (isSine ? Math.Sin(angle) : Math.Cos(angle)));
            },
            terms: 1, magnitude: Math.Abs(mean) + (6 * deviation));
    }
}

internal sealed class DropoutReference() : RandomReference("dropout")
{
    public override string[] Operands => ["state", "x"];

    public override string[] Differentiable => ["x"];

    public override string[][] Homogeneous(OpCase c) => [["x"]];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs)
    {
        var generator = Open(inputs["state"]);
        return [Ops.Dropout(inputs["x"], P(c), generator), StateOf(generator)];
    }

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var (state, x) = (inputs["state"], inputs["x"]);
        return [Masked(c, state, x), StateAfter(state, x.Data.Length)];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients) =>
        new Dictionary<string, Expected[]> { ["x"] = [Masked(c, inputs["state"], gradients[0]!)] };

    private static Expected Masked(OpCase c, HostTensor state, HostTensor x)
    {
        var p = P(c);
        var scale = p < 1 ? 1 / (1 - (double)p) : 0;
        return Expected.Elementwise(
            x.Dims, i => Unit(state, i, DType.F32) >= p ? x.Data[i] * scale : 0, terms: 1, magnitude: x.MaxAbs * scale);
    }

    private static float P(OpCase c) => (float)c.Number("p", 0.5);
}
