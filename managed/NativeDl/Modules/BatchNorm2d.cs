namespace NativeDl.Modules;

/// <summary>
/// Batch normalisation of each channel of images [n, h, w, c]. In training with the statistics of the batch, which it
/// remembers; in evaluation with those remembered. Parameters: weight [c], bias [c]; buffers: running_mean, running_var
/// [c], num_batches_tracked, the names of PyTorch.
/// </summary>
public sealed class BatchNorm2d : LazyModule
{
    private readonly BatchNorm2dOptions _options;
    private Tensor? _weight, _bias, _mean, _variance, _batches;

    /// <summary>Makes the layer.</summary>
    /// <param name="momentum">How much a batch counts in the running statistics, 0..1; null: all batches the same.</param>
    /// <param name="epsilon">Added to the variance, above 0.</param>
    /// <param name="activation">Activation of the output, computed with it.</param>
    /// <param name="channels">Channels of the input; found from the first input where not given.</param>
    /// <exception cref="InvalidArgumentException">A number out of its range.</exception>
    public BatchNorm2d(
        double? momentum = 0.1, double epsilon = 1e-5, Activation activation = Activation.None, int? channels = null)
    {
        if (momentum is not (null or (>= 0 and <= 1)))
            throw new InvalidArgumentException($"BatchNorm2d: momentum is {momentum}. It must be from 0 to 1.");
        if (!(epsilon > 0))
            throw new InvalidArgumentException($"BatchNorm2d: epsilon is {epsilon}. It must be above 0.");
        _options = new BatchNorm2dOptions
        {
            Eps = epsilon, Momentum = momentum ?? 0.1, Cumulative = momentum is null, Activation = activation,
        };
        if (channels is { } count)
            BuildFor(Require.Positive(count, nameof(channels), nameof(BatchNorm2d)));
    }

    /// <summary>Activation of the output.</summary>
    public Activation Activation => _options.Activation;

    /// <summary>What channels are multiplied by, ones at first; null as long as their number is not known.</summary>
    public Tensor? Weight => _weight;

    /// <summary>What is added to channels, zeros at first; null as long as their number is not known.</summary>
    public Tensor? Bias => _bias;

    /// <summary>The mean remembered; null as long as the number of channels is not known.</summary>
    public Tensor? RunningMean => _mean;

    /// <summary>The variance remembered; null as long as the number of channels is not known.</summary>
    public Tensor? RunningVariance => _variance;

    /// <inheritdoc/>
    protected internal override IReadOnlyList<string> StateNames =>
        ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];

    private protected override bool KeepsNothing => true;

    /// <summary>x [n, h, w, c]; returns the same. Errors: as <see cref="Ops.BatchNorm2d"/>.</summary>
    public override Tensor Forward(Tensor x)
    {
        EnsureBuilt(x);
        var y = IsTraining
            ? Ops.BatchNorm2d(x, _weight, _bias, _mean!, _variance!, _batches!, _options)
            : Ops.BatchNorm2dInference(x, _weight, _bias, _mean!, _variance!, _options);
        LayerTrace.Current?.Add(this, x, y);
        return y;
    }

    /// <inheritdoc/>
    protected override void CreateParameters(int inputFeatures, DType dtype, Device device)
    {
        var weight = Tensor.Ones([inputFeatures], dtype, device);
        var bias = Tensor.Zeros([inputFeatures], dtype, device);
        var mean = Tensor.Zeros([inputFeatures], dtype, device);
        var variance = Tensor.Ones([inputFeatures], dtype, device);
        var batches = Tensor.Zeros([], DType.I64, device);
        _weight = RegisterParameter("weight", weight);
        _bias = RegisterParameter("bias", bias);
        _mean = RegisterBuffer("running_mean", mean);
        _variance = RegisterBuffer("running_var", variance);
        _batches = RegisterBuffer("num_batches_tracked", batches);
    }

    /// <inheritdoc/>
    protected override (int Features, DType DType)? FeaturesOf(Func<string, Tensor?> state) =>
        state("running_mean") is { Rank: 1 } mean ? (checked((int)mean.FlattenedLength), mean.DType) : null;

    /// <summary>"BatchNorm2d", with its activation.</summary>
    public override string ToString() => Activation == Activation.None ? "BatchNorm2d" : $"BatchNorm2d({Activation})";
}
