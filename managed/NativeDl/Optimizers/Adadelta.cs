namespace NativeDl.Optimizers;

/// <summary>How <see cref="Adadelta"/> updates.</summary>
public sealed record AdadeltaOptions
{
    /// <summary>PyTorch's values.</summary>
    public static AdadeltaOptions Default { get; } = new();

    /// <summary>How much of the mean squares is kept, 0..1.</summary>
    public double Rho { get; init; } = 0.9;

    /// <summary>What is added to the mean squares under their roots, >= 0.</summary>
    public double Epsilon { get; init; } = 1e-6;

    /// <summary>How much of a parameter is added to its gradient, >= 0.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Goes up the gradient instead of down.</summary>
    public bool Maximize { get; init; }
}

/// <summary>Adadelta: steps of the size of the steps before, divided by that of the gradients.</summary>
public sealed class Adadelta : Optimizer
{
    private readonly AdadeltaOptions _options;

    /// <summary>Trains these parameters alike.</summary>
    /// <exception cref="InvalidArgumentException">No parameters, or one twice.</exception>
    public Adadelta(IEnumerable<Tensor> parameters, double learningRate = 1.0, AdadeltaOptions? options = null)
        : this([new ParameterGroup(parameters)], learningRate, options) { }

    /// <summary>Trains groups of parameters. Errors: as for one group.</summary>
    public Adadelta(IEnumerable<ParameterGroup> groups, double learningRate = 1.0, AdadeltaOptions? options = null)
        : base(groups, learningRate, ["square_average", "delta_average"]) => _options = options ?? AdadeltaOptions.Default;

    private protected override unsafe void Update(ParameterGroup group, ParameterBatch batch) => Native.AdadeltaForward(
        new()
        {
            struct_size = (uint)sizeof(Bindings.AdadeltaOptions.__Internal),
            maximize = _options.Maximize ? 1 : 0,
            rho = _options.Rho,
            epsilon = _options.Epsilon,
            weight_decay = group.WeightDecay ?? _options.WeightDecay,
        },
        batch);
}
