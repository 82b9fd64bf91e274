namespace NativeDl.Training;

/// <summary>The share of examples whose greatest output is that of their label: outputs [n, classes], labels [n].</summary>
public sealed class Accuracy : Metric
{
    private long _right;
    private long _count;

    /// <inheritdoc/>
    public override string Name => "accuracy";

    /// <inheritdoc/>
    public override double Value => (double)_right / _count;

    /// <inheritdoc/>
    public override void Reset() => (_right, _count) = (0, 0);

    /// <summary>Takes a batch in.</summary>
    /// <exception cref="ShapeException">The outputs are not [n, classes], or the labels not [n].</exception>
    public override void Add(Tensor outputs, Tensor targets)
    {
        if (outputs.Rank != 2 || targets.Rank != 1 || targets.Shape[0] != outputs.Shape[0])
        {
            throw new ShapeException(
                $"Accuracy: the outputs are {outputs.Shape} and the labels {targets.Shape}. Give [n, classes] and [n].");
        }
        var classes = Classes.Of(outputs);
        var labels = targets.ToArray<long>();
        for (var i = 0; i < labels.Length; i++)
        {
            if (classes[i] == labels[i])
                _right++;
        }
        _count += labels.Length;
    }
}
