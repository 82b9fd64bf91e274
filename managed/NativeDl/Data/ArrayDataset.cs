namespace NativeDl.Data;

/// <summary>Inputs and labels that are numbers in memory already.</summary>
public sealed class ArrayDataset : Dataset
{
    private readonly ReadOnlyMemory<float> _inputs;
    private readonly ReadOnlyMemory<long> _labels;

    /// <summary>Wraps the memory (arrays will do) without a copy.</summary>
    /// <param name="inputs">All inputs, one after the other.</param>
    /// <param name="labels">A label for each input.</param>
    /// <param name="inputShape">The shape of one input.</param>
    /// <exception cref="ShapeException">The sizes do not agree.</exception>
    public ArrayDataset(ReadOnlyMemory<float> inputs, ReadOnlyMemory<long> labels, Shape inputShape)
    {
        if (inputs.Length != labels.Length * inputShape.Count)
        {
            throw new ShapeException(
                $"{labels.Length} inputs {inputShape} take {labels.Length * inputShape.Count} numbers; there are " +
                $"{inputs.Length}.");
        }
        _inputs = inputs;
        _labels = labels;
        InputShape = inputShape;
    }

    /// <inheritdoc/>
    public override int Count => _labels.Length;

    /// <inheritdoc/>
    public override Shape InputShape { get; }

    /// <inheritdoc/>
    protected override void FillChecked(ReadOnlySpan<int> indices, Span<float> inputs, Span<long> labels)
    {
        var size = (int)InputShape.Count;
        for (var i = 0; i < indices.Length; i++)
        {
            labels[i] = _labels.Span[indices[i]];
            _inputs.Span.Slice(indices[i] * size, size).CopyTo(inputs.Slice(i * size, size));
        }
    }
}
