using NativeDl.Data;
using NativeDl.Modules;

namespace NativeDl.Training;

/// <summary>Batches to train or evaluate with, from a data set or from tensors.</summary>
internal abstract class BatchSource
{
    public abstract int Count { get; }

    /// <summary>The batches of one epoch, which belong to the caller.</summary>
    public abstract IEnumerable<Batch> Epoch(int epoch, int batchSize, ulong? shuffleSeed, CancellationToken cancellation);

    public abstract (BatchSource Train, BatchSource Validation) Split(double fraction, ulong seed);

    /// <summary>Builds a model for these inputs.</summary>
    public abstract void Build(Module module);

    public int BatchCount(int batchSize) => (int)(((long)Count + batchSize - 1) / batchSize);
}

/// <summary>Batches of a data set.</summary>
internal sealed class DatasetBatches(Dataset dataset) : BatchSource
{
    public override int Count => dataset.Count;

    public override IEnumerable<Batch> Epoch(
        int epoch, int batchSize, ulong? shuffleSeed, CancellationToken cancellation) =>
        new DataLoader(dataset, batchSize) { ShuffleSeed = shuffleSeed }.Epoch(epoch, cancellation: cancellation);

    public override (BatchSource Train, BatchSource Validation) Split(double fraction, ulong seed)
    {
        var (train, validation) = dataset.Split(fraction, seed);
        return (new DatasetBatches(train), new DatasetBatches(validation));
    }

    public override void Build(Module module) => module.Build(dataset.InputShape);
}

/// <summary>Batches of two tensors whose first dimension is the examples, any of them in any order.</summary>
internal sealed class TensorBatches : BatchSource
{
    private readonly Tensor _inputs;
    private readonly Tensor _targets;
    private readonly int[] _rows;

    public TensorBatches(Tensor inputs, Tensor targets)
        : this(inputs, targets, [.. Enumerable.Range(0, Rows(inputs, targets))]) { }

    private TensorBatches(Tensor inputs, Tensor targets, int[] rows) =>
        (_inputs, _targets, _rows) = (inputs, targets, rows);

    public override int Count => _rows.Length;

    public override IEnumerable<Batch> Epoch(
        int epoch, int batchSize, ulong? shuffleSeed, CancellationToken cancellation)
    {
        int[] order = [.. _rows];
        if (shuffleSeed is { } seed)
            new CounterRandom(seed, (ulong)epoch).Shuffle(order);
        for (var start = 0; start < order.Length; start += batchSize)
        {
            cancellation.ThrowIfCancellationRequested();
            var rows = order.AsMemory(start, Math.Min(batchSize, order.Length - start));
            yield return new Batch(Gather(_inputs, rows.Span), Gather(_targets, rows.Span));
        }
    }

    public override (BatchSource Train, BatchSource Validation) Split(double fraction, ulong seed)
    {
        int[] order = [.. _rows];
        new CounterRandom(seed, ulong.MaxValue).Shuffle(order); // a stream that no epoch has
        var kept = order.Length - (int)Math.Round(order.Length * fraction, MidpointRounding.AwayFromZero);
        return (new TensorBatches(_inputs, _targets, order[..kept]), new TensorBatches(_inputs, _targets, order[kept..]));
    }

    public override void Build(Module module) =>
        module.Build(new Shape(_inputs.Shape.Dims[1..]), _inputs.DType, _inputs.Device);

    private static int Rows(Tensor inputs, Tensor targets)
    {
        if (inputs.Rank == 0 || targets.Rank == 0 || inputs.Shape[0] != targets.Shape[0])
        {
            throw new ShapeException(
                $"The inputs are {inputs.Shape} and the targets {targets.Shape}. Both must have one row for each example.");
        }
        return checked((int)inputs.Shape[0]);
    }

    private static Tensor Gather(Tensor source, ReadOnlySpan<int> rows)
    {
        var gathered = Tensor.Empty([rows.Length, .. source.Shape.Dims[1..]], source.DType, source.Device);
        var bytes = new byte[gathered.FlattenedLength / Math.Max(rows.Length, 1) * source.DType.ElementSize()];
        for (var i = 0; i < rows.Length; i++)
        {
            source.ReadBytes((long)rows[i] * bytes.Length, bytes);
            gathered.WriteBytes((long)i * bytes.Length, bytes);
        }
        return gathered;
    }
}
