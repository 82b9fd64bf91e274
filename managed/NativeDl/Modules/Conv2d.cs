namespace NativeDl.Modules;

/// <summary>
/// 2-D convolution over images [n, h, w, c]: <c>new Conv2d(32, kernel: 3, activation: Activation.Relu)</c>. Parameters:
/// weight [out, kernel h, kernel w, in / groups], bias [out].
/// </summary>
public sealed class Conv2d : LazyModule
{
    private readonly Initializer _weightInitializer;
    private readonly Initializer _biasInitializer;
    private readonly bool _useBias;
    private Tensor? _weight;
    private Tensor? _bias;

    /// <summary>Makes the layer.</summary>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernel">Rows and columns of the kernel: 3, or (3, 5).</param>
    /// <param name="stride">Step between outputs; 1 by default.</param>
    /// <param name="padding">Padding around the image; none by default.</param>
    /// <param name="dilation">Step inside the kernel; 1 by default.</param>
    /// <param name="groups">Groups that the channels are divided into.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="activation">Activation of the output, computed with it.</param>
    /// <param name="inChannels">Channels of the input; found from the first input where not given.</param>
    /// <param name="weightInitializer"><see cref="Initializer.GlorotUniform"/> by default.</param>
    /// <param name="biasInitializer"><see cref="Initializer.Zeros"/> by default.</param>
    /// <exception cref="InvalidArgumentException">A number below 1, or channels that are no multiple of the
    /// groups.</exception>
    public Conv2d(
        int outChannels, Size2d kernel, Size2d? stride = null, Padding padding = default, Size2d? dilation = null,
        int groups = 1, bool bias = true, Activation activation = Activation.None, int? inChannels = null,
        Initializer? weightInitializer = null, Initializer? biasInitializer = null)
    {
        OutChannels = Require.Positive(outChannels, nameof(outChannels), nameof(Conv2d));
        Kernel = Require.Positive(kernel, nameof(kernel), nameof(Conv2d));
        Stride = Require.Positive(stride ?? 1, nameof(stride), nameof(Conv2d));
        Dilation = Require.Positive(dilation ?? 1, nameof(dilation), nameof(Conv2d));
        Groups = Require.Positive(groups, nameof(groups), nameof(Conv2d));
        Padding = padding;
        Activation = activation;
        _useBias = bias;
        _weightInitializer = weightInitializer ?? Initializer.GlorotUniform;
        _biasInitializer = biasInitializer ?? Initializer.Zeros;
        if (inChannels is { } channels)
            BuildFor(Require.Positive(channels, nameof(inChannels), nameof(Conv2d)));
    }

    /// <summary>Channels of the output.</summary>
    public int OutChannels { get; }

    /// <summary>Rows and columns of the kernel.</summary>
    public Size2d Kernel { get; }

    /// <summary>Step between outputs.</summary>
    public Size2d Stride { get; }

    /// <summary>Padding around the image.</summary>
    public Padding Padding { get; }

    /// <summary>Step inside the kernel.</summary>
    public Size2d Dilation { get; }

    /// <summary>Groups that the channels are divided into.</summary>
    public int Groups { get; }

    /// <summary>Activation of the output.</summary>
    public Activation Activation { get; }

    /// <summary>weight [out, kernel h, kernel w, in / groups]; null as long as the input's channels are not known.</summary>
    public Tensor? Weight => _weight;

    /// <summary>bias [out]; null where there is none, or not yet.</summary>
    public Tensor? Bias => _bias;

    /// <inheritdoc/>
    protected internal override IReadOnlyList<string> StateNames => _useBias ? ["weight", "bias"] : ["weight"];

    private protected override bool KeepsNothing => true;

    /// <summary>x [n, h, w, in]; returns [n, p, q, out]. Errors: as <see cref="Ops.Conv2d"/>.</summary>
    public override Tensor Forward(Tensor x)
    {
        EnsureBuilt(x);
        var y = Ops.Conv2d(x, _weight!, _bias, OptionsFor(x));
        LayerTrace.Current?.Add(this, x, y, y.FlattenedLength * (_weight!.FlattenedLength / OutChannels));
        return y;
    }

    /// <summary>This layer and the pooling behind it as one op; null where it does not take their settings.</summary>
    internal Tensor? ForwardPooled(Tensor x, MaxPool2d pool)
    {
        if (Groups != 1 || pool.Stride != pool.Kernel || pool.Padding != Padding.Valid || pool.Kernel.H * pool.Kernel.W > 255)
            return null;
        EnsureBuilt(x);
        return Ops.Conv2dMaxPool2d(
            x, _weight!, _bias, new Conv2dMaxPool2dOptions { Conv2d = OptionsFor(x), PoolH = pool.Kernel.H, PoolW = pool.Kernel.W });
    }

    private Conv2dOptions OptionsFor(Tensor x)
    {
        var sides = Padding.For(x.Shape, Kernel, Stride, Dilation);
        return new Conv2dOptions
        {
            StrideH = Stride.H,
            StrideW = Stride.W,
            DilationH = Dilation.H,
            DilationW = Dilation.W,
            PadTop = sides.Top,
            PadBottom = sides.Bottom,
            PadLeft = sides.Left,
            PadRight = sides.Right,
            Groups = Groups,
            Activation = Activation,
        };
    }

    /// <inheritdoc/>
    protected override void CreateParameters(int inputFeatures, DType dtype, Device device)
    {
        if (inputFeatures % Groups != 0 || OutChannels % Groups != 0)
        {
            throw new InvalidArgumentException(
                $"Conv2d: {inputFeatures} input and {OutChannels} output channels cannot be divided into {Groups} groups. " +
                "Both must be multiples of it.");
        }
        var weight = _weightInitializer.Create([OutChannels, Kernel.H, Kernel.W, inputFeatures / Groups], dtype, device);
        var bias = _useBias ? _biasInitializer.Create([OutChannels], dtype, device) : null;
        _weight = RegisterParameter("weight", weight);
        _bias = bias is null ? null : RegisterParameter("bias", bias);
    }

    /// <inheritdoc/>
    protected override (int Features, DType DType)? FeaturesOf(Func<string, Tensor?> state) =>
        state("weight") is { Rank: 4 } weight ? (checked((int)weight.Shape[3] * Groups), weight.DType) : null;

    /// <summary>"Conv2d(32, 3x3)" with what differs from the default.</summary>
    public override string ToString() =>
        $"Conv2d({OutChannels}, {Kernel}{(Stride == 1 ? "" : $", stride {Stride}")}" +
        $"{(Padding == Padding.Valid ? "" : $", padding {Padding}")}{(Dilation == 1 ? "" : $", dilation {Dilation}")}" +
        $"{(Groups == 1 ? "" : $", groups {Groups}")}{(Activation == Activation.None ? "" : $", {Activation}")})";
}
