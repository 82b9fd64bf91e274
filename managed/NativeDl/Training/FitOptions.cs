using NativeDl.Data;
using NativeDl.Losses;
using NativeDl.Optimizers;

namespace NativeDl.Training;

/// <summary>How <see cref="ModuleTraining.Fit(Modules.Module, Dataset, FitOptions?)"/> trains.</summary>
public sealed record FitOptions
{
    private readonly IReadOnlyList<Metric>? _metrics;

    /// <summary>Passes over the data.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>The number of the first pass, from 1: greater where an earlier run is gone on with.</summary>
    public int FirstEpoch { get; init; } = 1;

    /// <summary>How many examples make a step.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// Makes the optimizer of the model's parameters, once they are there; Adam by default:
    /// <c>Optimizer = parameters => new Sgd(parameters, 0.01)</c>.
    /// </summary>
    public Func<IReadOnlyList<Tensor>, Optimizer> Optimizer { get; init; } = parameters => new Adam(parameters);

    /// <summary>
    /// The learning rate of each step, counted from 0 over all epochs: <c>new CosineDecay(steps)</c>. Null: it stays.
    /// </summary>
    public RateSchedule? Schedule { get; init; }

    /// <summary>Scales gradients down whose norm, over all parameters, is greater. Null: they stay.</summary>
    public double? MaxGradientNorm { get; init; }

    /// <summary>What is made small.</summary>
    public Loss Loss { get; init; } = new CrossEntropyLoss();

    /// <summary>Figures beside the loss; by default <see cref="Accuracy"/> where the loss is that of classes.</summary>
    public IReadOnlyList<Metric> Metrics
    {
        get => _metrics ?? DefaultMetrics(Loss);
        init => _metrics = value;
    }

    /// <summary>The share of the data, 0..1, that is kept from training to validate with. Dealt out by the seed.</summary>
    public double ValidationSplit { get; init; }

    /// <summary>Data to validate with after each epoch.</summary>
    public Dataset? ValidationData { get; init; }

    /// <summary>Whether each epoch takes the examples in an order of its own.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>
    /// What the order of the examples, the split and the seeds of dropout follow from. The weights to begin with are
    /// drawn when the model is built, from <see cref="Generator.Current"/>.
    /// </summary>
    public ulong Seed { get; init; }

    /// <summary>What is told of the run, and may stop it.</summary>
    public IReadOnlyList<Callback> Callbacks { get; init; } = [];

    /// <summary>Told after every batch.</summary>
    public IProgress<FitProgress>? Progress { get; init; }

    /// <summary>Ends the run between two batches, with a <see cref="TrainingCanceledException"/>.</summary>
    public CancellationToken Cancellation { get; init; }

    internal static IReadOnlyList<Metric> DefaultMetrics(Loss loss) =>
        loss is CrossEntropyLoss ? [new Accuracy()] : [];

    internal void Check(int count)
    {
        Require(Epochs >= 0, $"Epochs is {Epochs}. It must be 0 or more.");
        Require(FirstEpoch >= 1, $"FirstEpoch is {FirstEpoch}. Epochs are counted from 1.");
        Require(BatchSize >= 1, $"BatchSize is {BatchSize}. It must be 1 or more.");
        Require(MaxGradientNorm is null or > 0, $"MaxGradientNorm is {MaxGradientNorm}. It must be above 0.");
        Require(ValidationSplit is >= 0 and < 1, $"ValidationSplit is {ValidationSplit}. It must be from 0 to below 1.");
        Require(ValidationSplit == 0 || ValidationData is null, "ValidationSplit and ValidationData are both given. Give one.");
        Require(count > 0, "There are no examples to train with.");
        Require(ValidationData is not { Count: 0 }, "ValidationData has no examples.");

        static void Require(bool condition, string message)
        {
            if (!condition)
                throw new InvalidArgumentException($"Fit: {message}");
        }
    }
}

/// <summary>Where a training run is, after a batch.</summary>
/// <param name="Epoch">The epoch, from 1.</param>
/// <param name="LastEpoch">The last epoch of the run.</param>
/// <param name="Batch">The batch of the epoch, from 1.</param>
/// <param name="Batches">The batches of an epoch.</param>
/// <param name="Loss">The mean loss of the epoch so far.</param>
/// <param name="Metrics">The metrics of the epoch so far.</param>
/// <param name="ImagesPerSecond">Examples trained in a second of the epoch so far.</param>
public sealed record FitProgress(
    int Epoch, int LastEpoch, int Batch, int Batches, double Loss, IReadOnlyDictionary<string, double> Metrics,
    double ImagesPerSecond);
