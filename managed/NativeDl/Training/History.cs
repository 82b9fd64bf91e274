using System.Collections;
using System.Globalization;
using System.Text;

namespace NativeDl.Training;

/// <summary>What one pass over the data came to.</summary>
/// <param name="Epoch">Its number, from 1.</param>
/// <param name="Loss">The mean loss of the examples, each under the weights of its own batch.</param>
/// <param name="Metrics">The metrics by name, found as the loss was.</param>
/// <param name="ValidationLoss">The mean loss of the validation data afterwards; null without such data.</param>
/// <param name="ValidationMetrics">The metrics of the validation data; empty without such data.</param>
/// <param name="LearningRate">The learning rate at the end.</param>
/// <param name="Seconds">How long training took, validation and callbacks left out.</param>
/// <param name="ImagesPerSecond">Examples trained in a second.</param>
public sealed record EpochResult(
    int Epoch, double Loss, IReadOnlyDictionary<string, double> Metrics,
    double? ValidationLoss, IReadOnlyDictionary<string, double> ValidationMetrics,
    double LearningRate, double Seconds, double ImagesPerSecond)
{
    /// <summary>"epoch 3: loss 0.0512, accuracy 0.9841, validation loss 0.0603, validation accuracy 0.9805, 4.2 s, ..."</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"epoch {Epoch}: loss {Loss:F4}");
        foreach (var (name, value) in Metrics)
            text.Append(CultureInfo.InvariantCulture, $", {name} {value:F4}");
        if (ValidationLoss is { } validation)
            text.Append(CultureInfo.InvariantCulture, $", validation loss {validation:F4}");
        foreach (var (name, value) in ValidationMetrics)
            text.Append(CultureInfo.InvariantCulture, $", validation {name} {value:F4}");
        text.Append(CultureInfo.InvariantCulture, $", {Seconds:F1} s, {ImagesPerSecond:F0} images/s");
        return text.ToString();
    }
}

/// <summary>The epochs of a training run, in order.</summary>
public sealed class History : IReadOnlyList<EpochResult>
{
    private readonly List<EpochResult> _epochs = [];

    /// <summary>The number of whole epochs.</summary>
    public int Count => _epochs.Count;

    /// <summary>Whether a callback stopped the run before its last epoch.</summary>
    public bool StoppedEarly { get; internal set; }

    /// <summary>One epoch: <c>history[0]</c>, <c>history[^1]</c>.</summary>
    public EpochResult this[int index] => _epochs[index];

    /// <summary>Goes through the epochs.</summary>
    public IEnumerator<EpochResult> GetEnumerator() => _epochs.GetEnumerator();

    /// <summary>One line for each epoch.</summary>
    public override string ToString() => string.Join('\n', _epochs);

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal void Add(EpochResult result) => _epochs.Add(result);
}

/// <summary>What <c>Evaluate</c> found.</summary>
/// <param name="Loss">The mean loss of the examples.</param>
/// <param name="Metrics">The metrics by name.</param>
/// <param name="Count">The number of examples.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record EvaluationResult(
    double Loss, IReadOnlyDictionary<string, double> Metrics, int Count, double Seconds)
{
    /// <summary>"loss 0.0603, accuracy 0.9805"</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"loss {Loss:F4}") +
        string.Concat(Metrics.Select(m => string.Create(CultureInfo.InvariantCulture, $", {m.Key} {m.Value:F4}")));
}

/// <summary>Training was cancelled, between two batches. The model has the weights that it had then.</summary>
/// <param name="history">The epochs that were finished.</param>
/// <param name="cancellation">What cancelled it.</param>
public sealed class TrainingCanceledException(History history, CancellationToken cancellation)
    : OperationCanceledException($"Training was cancelled after {history.Count} whole epochs.", cancellation)
{
    /// <summary>The epochs that were finished.</summary>
    public History History { get; } = history;
}
