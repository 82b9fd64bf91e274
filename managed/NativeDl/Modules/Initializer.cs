using NativeDl.Data;

namespace NativeDl.Modules;

/// <summary>Which of a weight's connections <see cref="Initializer"/> counts.</summary>
public enum Fan
{
    /// <summary>Those into an output: keeps the size of activations.</summary>
    In,

    /// <summary>Those out of an input: keeps the size of gradients.</summary>
    Out,
}

/// <summary>
/// How the first values of a parameter are made. Those that are random take one seed from <see cref="Generator.Current"/>
/// for each tensor; its values are a pure function of that seed, the same on every machine and for any number of threads.
/// </summary>
/// <remarks>
/// Connections of a weight [out, ...]: into an output, the product of all dimensions but the first; out of an input, the
/// product of all but the last, as in PyTorch also for groups.
/// </remarks>
public abstract class Initializer
{
    /// <summary>All zeros, the default of biases.</summary>
    public static Initializer Zeros { get; } = new ConstantInitializer(0);

    /// <summary>All ones.</summary>
    public static Initializer Ones { get; } = new ConstantInitializer(1);

    /// <summary>Uniform within ±sqrt(6 / (fan in + fan out)), after Glorot and Bengio: the default of weights, as in
    /// Keras.</summary>
    public static Initializer GlorotUniform { get; } = new UniformInitializer((fanIn, fanOut) => Math.Sqrt(6.0 / (fanIn + fanOut)));

    /// <summary>Normal with deviation sqrt(2 / (fan in + fan out)).</summary>
    public static Initializer GlorotNormal { get; } = new NormalInitializer((fanIn, fanOut) => Math.Sqrt(2.0 / (fanIn + fanOut)));

    /// <summary>All of one value.</summary>
    public static Initializer Constant(double value) => new ConstantInitializer(value);

    /// <summary>Uniform in [low, high).</summary>
    public static Initializer Uniform(double low, double high) =>
        new UniformInitializer((_, _) => (high - low) / 2, (high + low) / 2);

    /// <summary>Normal, with this deviation and mean.</summary>
    public static Initializer Normal(double deviation, double mean = 0) => new NormalInitializer((_, _) => deviation, mean);

    /// <summary>
    /// Uniform within ±sqrt(6 / ((1 + slope²) fan)), after He and others. <c>KaimingUniform(slope: Math.Sqrt(5))</c> is
    /// the default of PyTorch's layers.
    /// </summary>
    /// <param name="fan">The connections that are counted.</param>
    /// <param name="slope">The negative slope of the activation that follows; 0 for ReLU.</param>
    public static Initializer KaimingUniform(Fan fan = Fan.In, double slope = 0) =>
        new UniformInitializer((fanIn, fanOut) => Math.Sqrt(6 / ((1 + (slope * slope)) * (fan == Fan.In ? fanIn : fanOut))));

    /// <summary>Normal with deviation sqrt(2 / ((1 + slope²) fan)), after He and others.</summary>
    /// <param name="fan">The connections that are counted.</param>
    /// <param name="slope">The negative slope of the activation that follows; 0 for ReLU.</param>
    public static Initializer KaimingNormal(Fan fan = Fan.In, double slope = 0) =>
        new NormalInitializer((fanIn, fanOut) => Math.Sqrt(2 / ((1 + (slope * slope)) * (fan == Fan.In ? fanIn : fanOut))));

    /// <summary>A new tensor with first values.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="dtype">Its dtype, F32 or F64.</param>
    /// <param name="device">Where it is to be.</param>
    /// <exception cref="DTypeException">Another dtype.</exception>
    public Tensor Create(Shape shape, DType dtype = DType.F32, Device device = default)
    {
        var values = new double[checked((int)shape.Count)];
        Fill(values, shape);
        return dtype switch
        {
            DType.F32 => Tensor.FromSpan<float>(Array.ConvertAll(values, v => (float)v), shape, device),
            DType.F64 => Tensor.FromSpan<double>(values, shape, device),
            _ => throw new DTypeException($"Parameters of dtype {dtype} cannot be initialised. Use F32 or F64."),
        };
    }

    /// <summary>Writes the first values of a tensor of this shape.</summary>
    protected abstract void Fill(Span<double> values, Shape shape);

    private static (double In, double Out) Fans(Shape shape)
    {
        if (shape.Rank < 2)
            return (Math.Max(shape.Count, 1), Math.Max(shape.Count, 1));
        return (Math.Max(shape.Count / Math.Max(shape[0], 1), 1), Math.Max(shape.Count / Math.Max(shape[^1], 1), 1));
    }

    private sealed class ConstantInitializer(double value) : Initializer
    {
        protected override void Fill(Span<double> values, Shape shape) => values.Fill(value);
    }

    private sealed class UniformInitializer(Func<double, double, double> bound, double mean = 0) : Initializer
    {
        protected override void Fill(Span<double> values, Shape shape)
        {
            var fans = Fans(shape);
            var width = bound(fans.In, fans.Out);
            var random = new CounterRandom(Generator.Current.NextSeed(), 0);
            foreach (ref var value in values)
                value = mean + (width * (((random.NextUInt64() >> 11) * (2.0 / (1L << 53))) - 1));
        }
    }

    private sealed class NormalInitializer(Func<double, double, double> deviation, double mean = 0) : Initializer
    {
        protected override void Fill(Span<double> values, Shape shape)
        {
            var fans = Fans(shape);
            var scale = deviation(fans.In, fans.Out);
            var random = new CounterRandom(Generator.Current.NextSeed(), 0);
            foreach (ref var value in values)
                value = mean + (scale * Normal(ref random));
        }

        // The sum of twelve uniforms has variance 1. No logarithm, which differs in the last bit between machines.
        private static double Normal(ref CounterRandom random)
        {
            long sum = 0;
            for (var i = 0; i < 3; i++)
            {
                var bits = random.NextUInt64();
                sum += (long)(bits & 0xFFFF) + (long)(bits >> 16 & 0xFFFF) + (long)(bits >> 32 & 0xFFFF) + (long)(bits >> 48);
            }
            return (sum - (6 * 65535)) / 65536.0;
        }
    }
}
