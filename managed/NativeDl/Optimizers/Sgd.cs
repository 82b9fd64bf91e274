namespace NativeDl.Optimizers;

/// <summary>How <see cref="Sgd"/> updates: <c>new SgdOptions { Momentum = 0.9, Nesterov = true }</c>.</summary>
public sealed record SgdOptions
{
    /// <summary>No momentum, no weight decay.</summary>
    public static SgdOptions Default { get; } = new();

    /// <summary>How much of the last update goes into the next, >= 0.</summary>
    public double Momentum { get; init; }

    /// <summary>How much of a gradient is kept out of the momentum.</summary>
    public double Dampening { get; init; }

    /// <summary>Looks ahead along the momentum; needs one, and no dampening.</summary>
    public bool Nesterov { get; init; }

    /// <summary>How much of a parameter is added to its gradient, >= 0.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Goes up the gradient instead of down.</summary>
    public bool Maximize { get; init; }
}

/// <summary>
/// Stochastic gradient descent, with momentum: b = momentum * b + (1 - dampening) * g, b = g at first;
/// p -= learningRate * (nesterov ? g + momentum * b : b).
/// </summary>
public sealed class Sgd : Optimizer
{
    private readonly SgdOptions _options;

    /// <summary>Trains these parameters alike.</summary>
    /// <exception cref="InvalidArgumentException">No parameters, or one twice.</exception>
    public Sgd(IEnumerable<Tensor> parameters, double learningRate = 1e-3, SgdOptions? options = null)
        : this([new ParameterGroup(parameters)], learningRate, options) { }

    /// <summary>Trains groups of parameters. Errors: as for one group.</summary>
    public Sgd(IEnumerable<ParameterGroup> groups, double learningRate = 1e-3, SgdOptions? options = null)
        : base(groups, learningRate, options is { Momentum: not 0 } ? ["step", "momentum_buffer"] : []) =>
        _options = options ?? SgdOptions.Default;

    private protected override unsafe void Update(ParameterGroup group, ParameterBatch batch) => Native.SgdForward(
        new()
        {
            struct_size = (uint)sizeof(Bindings.SgdOptions.__Internal),
            nesterov = _options.Nesterov ? 1 : 0,
            momentum = _options.Momentum,
            dampening = _options.Dampening,
            weight_decay = group.WeightDecay ?? _options.WeightDecay,
            maximize = _options.Maximize ? 1 : 0,
        },
        batch);
}
