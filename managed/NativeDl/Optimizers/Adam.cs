namespace NativeDl.Optimizers;

/// <summary>How <see cref="Adam"/> and <see cref="AdamW"/> update: <c>new AdamOptions { WeightDecay = 0.05 }</c>.</summary>
public sealed record AdamOptions
{
    /// <summary>PyTorch's values.</summary>
    public static AdamOptions Default { get; } = new();

    /// <summary>How much of the mean gradient is kept, 0 to below 1.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>How much of the mean squared gradient is kept, 0 to below 1.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>What is added to the root that an update is divided by, >= 0.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>The weight decay, >= 0; null for the default: 0 of Adam, 0.01 of AdamW.</summary>
    public double? WeightDecay { get; init; }

    /// <summary>Divides by the largest mean squared gradient so far.</summary>
    public bool Amsgrad { get; init; }

    /// <summary>Goes up the gradient instead of down.</summary>
    public bool Maximize { get; init; }
}

/// <summary>Adam: p -= learningRate * m / (sqrt(v) + epsilon), m and v the means of the gradient and of its square,
/// without their bias towards zero. Weight decay is added to the gradient.</summary>
public class Adam : Optimizer
{
    private readonly AdamOptions _options;
    private readonly bool _decoupled;

    /// <summary>Trains these parameters alike.</summary>
    /// <exception cref="InvalidArgumentException">No parameters, or one twice.</exception>
    public Adam(IEnumerable<Tensor> parameters, double learningRate = 1e-3, AdamOptions? options = null)
        : this([new ParameterGroup(parameters)], learningRate, options) { }

    /// <summary>Trains groups of parameters. Errors: as for one group.</summary>
    public Adam(IEnumerable<ParameterGroup> groups, double learningRate = 1e-3, AdamOptions? options = null)
        : this(groups, learningRate, options ?? AdamOptions.Default, decoupled: false) { }

    private protected Adam(IEnumerable<ParameterGroup> groups, double learningRate, AdamOptions options, bool decoupled)
        : base(groups, learningRate, ["step", "first_moment", "second_moment", .. options.Amsgrad ? ["max_second_moment"] : Array.Empty<string>()])
    {
        _options = options;
        _decoupled = decoupled;
    }

    private protected override unsafe void Update(ParameterGroup group, ParameterBatch batch) => Native.AdamForward(
        new()
        {
            struct_size = (uint)sizeof(Bindings.AdamOptions.__Internal),
            amsgrad = _options.Amsgrad ? 1 : 0,
            beta1 = _options.Beta1,
            beta2 = _options.Beta2,
            epsilon = _options.Epsilon,
            weight_decay = group.WeightDecay ?? _options.WeightDecay ?? (_decoupled ? 0.01 : 0),
            decoupled_weight_decay = _decoupled ? 1 : 0,
            maximize = _options.Maximize ? 1 : 0,
        },
        batch);
}

/// <summary>Adam with decoupled weight decay: p *= 1 - learningRate * weightDecay before each update.</summary>
public sealed class AdamW : Adam
{
    /// <summary>Trains these parameters alike.</summary>
    /// <exception cref="InvalidArgumentException">No parameters, or one twice.</exception>
    public AdamW(IEnumerable<Tensor> parameters, double learningRate = 1e-3, AdamOptions? options = null)
        : this([new ParameterGroup(parameters)], learningRate, options) { }

    /// <summary>Trains groups of parameters. Errors: as for one group.</summary>
    public AdamW(IEnumerable<ParameterGroup> groups, double learningRate = 1e-3, AdamOptions? options = null)
        : base(groups, learningRate, options ?? AdamOptions.Default, decoupled: true) { }
}
