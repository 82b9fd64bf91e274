namespace NativeDl.Training;

/// <summary>A figure collected over batches, such as <see cref="Accuracy"/>. An instance serves one run at a time.</summary>
public abstract class Metric
{
    /// <summary>What results call it: "accuracy".</summary>
    public abstract string Name { get; }

    /// <summary>The figure over all batches since the last <see cref="Reset"/>; NaN before the first.</summary>
    public abstract double Value { get; }

    /// <summary>Forgets what was collected.</summary>
    public abstract void Reset();

    /// <summary>Takes a batch in.</summary>
    /// <param name="outputs">What the model gave.</param>
    /// <param name="targets">What it should have given.</param>
    public abstract void Add(Tensor outputs, Tensor targets);
}
