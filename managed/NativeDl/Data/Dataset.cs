namespace NativeDl.Data;

/// <summary>
/// Labelled examples that can be read in any order. An instance serves several threads at once: filling must not change
/// anything in it.
/// </summary>
public abstract class Dataset
{
    /// <summary>The number of examples.</summary>
    public abstract int Count { get; }

    /// <summary>The shape of one input: [height, width, channels] for images.</summary>
    public abstract Shape InputShape { get; }

    /// <summary>Writes the examples of these indices, one after the other.</summary>
    /// <param name="indices">Which examples, each from 0 to <see cref="Count"/> - 1.</param>
    /// <param name="inputs">Takes the inputs: room for exactly as many as there are indices.</param>
    /// <param name="labels">Takes the labels: room for exactly as many as there are indices.</param>
    /// <exception cref="ArgumentException">A span has another length.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside the set.</exception>
    public void Fill(ReadOnlySpan<int> indices, Span<float> inputs, Span<long> labels)
    {
        var size = indices.Length * InputShape.Count;
        if (inputs.Length != size || labels.Length != indices.Length)
        {
            throw new ArgumentException(
                $"{indices.Length} examples with inputs {InputShape} take {size} numbers and {indices.Length} " +
                $"labels; there is room for {inputs.Length} and {labels.Length}.");
        }
        var stray = FirstOutside(indices, Count);
        if (stray >= 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(indices), indices[stray], $"The set has {Count} examples: indices go from 0 to {Count - 1}.");
        }
        FillChecked(indices, inputs, labels);
    }

    /// <summary>What <see cref="Fill"/> does once its arguments are known to be valid.</summary>
    protected abstract void FillChecked(ReadOnlySpan<int> indices, Span<float> inputs, Span<long> labels);

    /// <summary>Some of the examples, in the order given; nothing is copied.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside the set.</exception>
    public Dataset Select(params ReadOnlySpan<int> indices) => new Selection(this, indices.ToArray());

    /// <summary>The examples from one on; nothing is copied.</summary>
    /// <param name="start">The first.</param>
    /// <param name="count">How many.</param>
    public Dataset Slice(int start, int count) => new Selection(this, [.. Enumerable.Range(start, count)]);

    /// <summary>
    /// Deals the examples out at random into two sets that together are the whole: to train with, and to validate.
    /// </summary>
    /// <param name="fraction">The share of the second set, from 0 to 1.</param>
    /// <param name="seed">The same seed gives the same sets.</param>
    public (Dataset Train, Dataset Validation) Split(double fraction, ulong seed = 0)
    {
        if (!(fraction >= 0 && fraction <= 1))
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "A share is from 0 to 1.");
        int[] order = [.. Enumerable.Range(0, Count)];
        new CounterRandom(seed, SplitStream).Shuffle(order);
        var kept = Count - (int)Math.Round(Count * fraction, MidpointRounding.AwayFromZero);
        return (Select(order.AsSpan(0, kept)), Select(order.AsSpan(kept)));
    }

    /// <summary>The place of the first value that is not from 0 to below a bound; -1 if there is none.</summary>
    internal static int FirstOutside(ReadOnlySpan<int> values, int bound)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if ((uint)values[i] >= (uint)bound)
                return i;
        }
        return -1;
    }

    // Apart from the streams of the loader's epochs, which are small numbers.
    private const ulong SplitStream = 0x53504C4954;

    private sealed class Selection : Dataset
    {
        private readonly Dataset _source;
        private readonly int[] _indices;

        public Selection(Dataset source, int[] indices)
        {
            var stray = FirstOutside(indices, source.Count);
            if (stray >= 0)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(indices), indices[stray], $"The set has {source.Count} examples.");
            }
            _source = source;
            _indices = indices;
        }

        public override int Count => _indices.Length;

        public override Shape InputShape => _source.InputShape;

        protected override void FillChecked(ReadOnlySpan<int> indices, Span<float> inputs, Span<long> labels)
        {
            var mapped = new int[indices.Length];
            for (var i = 0; i < mapped.Length; i++)
                mapped[i] = _indices[indices[i]];
            _source.FillChecked(mapped, inputs, labels);
        }
    }
}
