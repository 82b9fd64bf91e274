namespace NativeDl.Losses;

/// <summary>
/// Cross entropy of classes, over logits: the model ends without a softmax, which is part of the loss. Outputs
/// [n, classes], labels [n]; the mean over the batch.
/// </summary>
public sealed class CrossEntropyLoss : Loss
{
    private readonly CrossEntropyOptions _options;

    /// <summary>Makes the loss.</summary>
    /// <param name="labelSmoothing">The part of each label, 0..1, that is shared out evenly among all classes.</param>
    /// <param name="classWeights">[classes], how much each counts; all the same by default.</param>
    /// <param name="ignoreIndex">The label of rows that do not count.</param>
    /// <exception cref="InvalidArgumentException">A label smoothing outside 0..1.</exception>
    public CrossEntropyLoss(double labelSmoothing = 0, Tensor? classWeights = null, long ignoreIndex = -100)
    {
        if (!(labelSmoothing is >= 0 and <= 1))
            throw new InvalidArgumentException($"CrossEntropyLoss: labelSmoothing is {labelSmoothing}. It must be from 0 to 1.");
        ClassWeights = classWeights;
        _options = new CrossEntropyOptions { LabelSmoothing = labelSmoothing, IgnoreIndex = ignoreIndex };
    }

    /// <summary>The part of each label that is shared out among all classes.</summary>
    public double LabelSmoothing => _options.LabelSmoothing;

    /// <summary>How much each class counts; null: all the same.</summary>
    public Tensor? ClassWeights { get; }

    /// <summary>The label of rows that do not count.</summary>
    public long IgnoreIndex => _options.IgnoreIndex;

    /// <summary>Errors: as <see cref="Ops.CrossEntropy"/>.</summary>
    public override Tensor Forward(Tensor outputs, Tensor targets) =>
        Ops.CrossEntropy(outputs, targets, ClassWeights, _options);
}
