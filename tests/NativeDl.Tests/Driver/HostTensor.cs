namespace NativeDl.Tests.Driver;

/// <summary>A tensor's dimensions and values in float64, in which the oracle computes.</summary>
internal sealed record HostTensor(long[] Dims, double[] Data, DType DType = DType.F32)
{
    public long this[int axis] => Dims[axis];

    public double MaxAbs => Data.Length == 0 ? 0 : Data.Max(v => double.IsFinite(v) ? Math.Abs(v) : 0);

    public static HostTensor Of(Tensor tensor) => new(tensor.Shape.ToArray(), tensor.DType switch
    {
        DType.F32 => Array.ConvertAll(tensor.ToArray<float>(), v => (double)v),
        DType.F64 => tensor.ToArray<double>(),
        DType.F16 => Array.ConvertAll(tensor.ToArray<Half>(), v => (double)v),
        DType.BF16 => Array.ConvertAll(tensor.ToArray<BFloat16>(), v => (double)v),
        DType.I64 => Array.ConvertAll(tensor.ToArray<long>(), v => (double)v),
        DType.I32 => Array.ConvertAll(tensor.ToArray<int>(), v => (double)v),
        DType.I8 => Array.ConvertAll(tensor.ToArray<sbyte>(), v => (double)v),
        _ => Array.ConvertAll(tensor.ToArray<byte>(), v => (double)v),
    }, tensor.DType);

    /// <summary>A library tensor with these values; unaligned, as a view one element into its memory, if wanted.</summary>
    public Tensor ToTensor(Device device, bool unaligned = false) => DType switch
    {
        DType.F32 => Make(v => (float)v, device, unaligned),
        DType.F64 => Make(v => v, device, unaligned),
        DType.F16 => Make(v => (Half)v, device, unaligned),
        DType.BF16 => Make(v => (BFloat16)v, device, unaligned),
        DType.I64 => Make(v => (long)v, device, unaligned),
        DType.I32 => Make(v => (int)v, device, unaligned),
        DType.I8 => Make(v => (sbyte)v, device, unaligned),
        _ => Make(v => (byte)v, device, unaligned),
    };

    /// <summary>Values for an operand; the same for the same seed text.</summary>
    /// <param name="spec">What is wanted.</param>
    /// <param name="seed">The row's text.</param>
    /// <param name="coarse">Rounds to sixteenths, so that products are exact in f32; off where the oracle itself is
    /// checked, for which ties and zeros would be kinks.</param>
    public static HostTensor Random(OperandSpec spec, string seed, bool coarse = true)
    {
        var random = new SeededRandom(seed + "/" + spec.Name);
        var data = new double[spec.Count];
        for (var i = 0; i < data.Length; i++)
            data[i] = Sample(random, spec, coarse);
        return new HostTensor(spec.Dims, data, spec.DType);
    }

    private static double Sample(SeededRandom random, OperandSpec spec, bool coarse)
    {
        var argument = spec.Hint.Contains('(') ? spec.Hint[(spec.Hint.IndexOf('(') + 1)..^1] : "";
        double Normal()
        {
            var value = Math.Clamp(random.Normal(), -4, 4);
            return coarse ? Math.Round(value * 16) / 16 : value;
        }
        double Unit() => coarse ? random.Below(1024) / 1024.0 : random.Unit();

        return spec.Hint.Split('(')[0] switch
        {
            "index" => random.Below(int.Parse(argument)),
            "const" => double.Parse(argument),
            "mask" => random.Below(2),
            "nonneg" => Math.Abs(Normal()),
            "positive" => Math.Abs(Normal()) + 0.25,
            "unit" => Unit(),
            "" => spec.DType.IsFloat() ? Normal()
                : spec.DType == DType.U8 ? random.Below(256)
                : random.Below(201) - 100,
            _ => throw new FormatException($"No hint '{spec.Hint}' is known; see tests/cases/README.md."),
        };
    }

    private Tensor Make<T>(Converter<double, T> convert, Device device, bool unaligned) where T : unmanaged
    {
        var values = Array.ConvertAll(Data, convert);
        if (!unaligned)
            return Tensor.FromSpan<T>(values, Dims, device);
        using var buffer = Tensor.FromSpan<T>([default, .. values], [values.Length + 1], device);
        using var tail = buffer[1..];
        return tail.Reshape(Dims).Detach();
    }
}

/// <summary>A small generator of our own, so that values do not depend on the runtime's version (SplitMix64).</summary>
internal sealed class SeededRandom
{
    private ulong _state = 14695981039346656037;

    public SeededRandom(string seed)
    {
        foreach (var c in seed)
            _state = (_state ^ c) * 1099511628211;
    }

    public long Below(long bound) => (long)(Next() % (ulong)bound);

    public double Unit() => (Next() >> 11) * (1.0 / (1L << 53));

    public double Normal() => Math.Sqrt(-2 * Math.Log(1 - Unit())) * Math.Cos(2 * Math.PI * Unit());

    private ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
