using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>cast and fill: values brought into a dtype by .NET's own conversions.</summary>
internal sealed class CastReference : OpReference
{
    public override string Op => "cast";

    public override string[] Operands => ["x"];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) => [Ops.Cast(inputs["x"], To(c))];

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var (x, to) = (inputs["x"], To(c));
        // The coarse values of floats are exact in every float, and a function with steps has no finite differences.
        var values = HasGradient(c) ? x.Data : Array.ConvertAll(x.Data, v => Convert(v, to));
        return [Expected.Of(new HostTensor(x.Dims, values, to), terms: 0)];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients) => HasGradient(c)
            ? new Dictionary<string, Expected[]> { ["x"] = [Expected.Of(gradients[0]!, terms: 0)] }
            : [];

    public static double Convert(double value, DType to) => to switch
    {
        DType.F64 => value,
        DType.F32 => (float)value,
        DType.F16 => (double)(Half)value,
        DType.BF16 => ToBFloat16(value),
        DType.I64 => long.CreateSaturating(value),
        DType.I32 => int.CreateSaturating(value),
        DType.I8 => sbyte.CreateSaturating(value),
        _ => byte.CreateSaturating(value),
    };

    // 8 significant bits, ties to even.
    private static double ToBFloat16(double value)
    {
        if (value == 0)
            return value;
        var unit = Math.ScaleB(1, Math.ILogB(value) - 7);
        return Math.Round(value / unit, MidpointRounding.ToEven) * unit;
    }

    private static DType To(OpCase c) => c.Item("dtype", DType.F32);

    private static bool HasGradient(OpCase c) => To(c).IsFloat() && c.Operand("x")[0].DType.IsFloat();
}

internal sealed class FillReference : OpReference
{
    public override string Op => "fill";

    public override string[] Operands => ["y"];

    public override string[] Differentiable => [];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs)
    {
        Native.FillForward(inputs["y"], c.Number("value", 0));
        return [inputs["y"]];
    }

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var y = inputs["y"];
        var value = CastReference.Convert(c.Number("value", 0), y.DType);
        return [Expected.Elementwise(y.Dims, _ => value, terms: 0, magnitude: 0)];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients) =>
        new Dictionary<string, Expected[]>();
}
