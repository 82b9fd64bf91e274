namespace NativeDl.Modules;

/// <summary>
/// A fully connected layer, x weightᵀ + bias, over inputs [n, in]: <c>new Linear(10)</c>. Parameters: weight [out, in],
/// bias [out].
/// </summary>
public sealed class Linear : LazyModule
{
    private readonly Initializer _weightInitializer;
    private readonly Initializer _biasInitializer;
    private readonly bool _useBias;
    private Tensor? _weight;
    private Tensor? _bias;

    /// <summary>Makes the layer.</summary>
    /// <param name="outFeatures">Features of the output.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="activation">Activation of the output, computed with it.</param>
    /// <param name="inFeatures">Features of the input; found from the first input where not given.</param>
    /// <param name="weightInitializer"><see cref="Initializer.GlorotUniform"/> by default.</param>
    /// <param name="biasInitializer"><see cref="Initializer.Zeros"/> by default.</param>
    /// <exception cref="InvalidArgumentException">A number below 1.</exception>
    public Linear(
        int outFeatures, bool bias = true, Activation activation = Activation.None, int? inFeatures = null,
        Initializer? weightInitializer = null, Initializer? biasInitializer = null)
    {
        OutFeatures = Require.Positive(outFeatures, nameof(outFeatures), nameof(Linear));
        Activation = activation;
        _useBias = bias;
        _weightInitializer = weightInitializer ?? Initializer.GlorotUniform;
        _biasInitializer = biasInitializer ?? Initializer.Zeros;
        if (inFeatures is { } features)
            BuildFor(Require.Positive(features, nameof(inFeatures), nameof(Linear)));
    }

    /// <summary>Features of the output.</summary>
    public int OutFeatures { get; }

    /// <summary>Activation of the output.</summary>
    public Activation Activation { get; }

    /// <summary>weight [out, in]; null as long as the input's features are not known.</summary>
    public Tensor? Weight => _weight;

    /// <summary>bias [out]; null where there is none, or not yet.</summary>
    public Tensor? Bias => _bias;

    /// <inheritdoc/>
    protected internal override IReadOnlyList<string> StateNames => _useBias ? ["weight", "bias"] : ["weight"];

    private protected override bool KeepsNothing => true;

    /// <summary>x [..., in]; returns [..., out]. Errors: as <see cref="Ops.Linear"/>.</summary>
    public override Tensor Forward(Tensor x)
    {
        EnsureBuilt(x);
        var y = Ops.Linear(x, _weight!, _bias, Activation);
        LayerTrace.Current?.Add(this, x, y, y.FlattenedLength * _weight!.Shape[1]);
        return y;
    }

    /// <inheritdoc/>
    protected override void CreateParameters(int inputFeatures, DType dtype, Device device)
    {
        var weight = _weightInitializer.Create([OutFeatures, inputFeatures], dtype, device);
        var bias = _useBias ? _biasInitializer.Create([OutFeatures], dtype, device) : null;
        _weight = RegisterParameter("weight", weight);
        _bias = bias is null ? null : RegisterParameter("bias", bias);
    }

    /// <inheritdoc/>
    protected override (int Features, DType DType)? FeaturesOf(Func<string, Tensor?> state) =>
        state("weight") is { Rank: 2 } weight ? (checked((int)weight.Shape[1]), weight.DType) : null;

    /// <summary>"Linear(10)".</summary>
    public override string ToString() =>
        $"Linear({OutFeatures}{(Activation == Activation.None ? "" : $", {Activation}")})";
}
