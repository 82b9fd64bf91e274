namespace NativeDl.Data;

/// <summary>
/// Makes batches of a data set, on a thread of its own while the batch before is being worked on. The same seed and
/// epoch give the same batches, whatever the machine:
/// <c>foreach (var (x, y) in new DataLoader(data, 64) { ShuffleSeed = 1 }.Epoch(0))</c>.
/// </summary>
public sealed class DataLoader
{
    private readonly int _prefetch = 2;

    /// <summary>Makes a loader.</summary>
    /// <param name="dataset">The examples.</param>
    /// <param name="batchSize">How many examples a batch has; the last one of an epoch may have fewer.</param>
    public DataLoader(Dataset dataset, int batchSize = 32)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        Dataset = dataset;
        BatchSize = batchSize;
    }

    /// <summary>The examples.</summary>
    public Dataset Dataset { get; }

    /// <summary>How many examples a batch has.</summary>
    public int BatchSize { get; }

    /// <summary>
    /// Shuffles each epoch anew: a Fisher-Yates shuffle by SplitMix64 over (seed, epoch). Null, the default, keeps the
    /// order of the data set.
    /// </summary>
    public ulong? ShuffleSeed { get; init; }

    /// <summary>Leaves out the last batch of an epoch if it has fewer examples than the others.</summary>
    public bool DropLast { get; init; }

    /// <summary>How many batches are made ahead; 2 by default, 0 for none, and no thread.</summary>
    public int Prefetch
    {
        get => _prefetch;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _prefetch = value;
        }
    }

    /// <summary>The number of batches in an epoch.</summary>
    public int BatchCount =>
        DropLast ? Dataset.Count / BatchSize : (int)(((long)Dataset.Count + BatchSize - 1) / BatchSize);

    /// <summary>
    /// The batches of one pass over the data. They are the caller's: to keep, to dispose, or to leave. An error of the
    /// data set appears in the loop, in the place of the batch that could not be made.
    /// </summary>
    /// <param name="epoch">Which pass, from 0: with a shuffle seed each has an order of its own.</param>
    /// <param name="firstBatch">Leaves out the batches before this one, to go on where training stopped.</param>
    /// <param name="cancellation">Ends the loop with an <see cref="OperationCanceledException"/>.</param>
    public IEnumerable<Batch> Epoch(int epoch = 0, int firstBatch = 0, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, BatchCount);
        var batches = Batches(epoch, firstBatch, cancellation);
        return Prefetch == 0 ? batches : batches.Ahead(Prefetch, cancellation);
    }

    private IEnumerable<Batch> Batches(int epoch, int firstBatch, CancellationToken cancellation)
    {
        var order = Order(epoch);
        for (var batch = firstBatch; batch < BatchCount; batch++)
        {
            cancellation.ThrowIfCancellationRequested();
            var start = batch * BatchSize;
            yield return Load(order.AsSpan(start, Math.Min(BatchSize, order.Length - start)));
        }
    }

    private int[] Order(int epoch)
    {
        int[] order = [.. Enumerable.Range(0, Dataset.Count)];
        if (ShuffleSeed is { } seed)
            new CounterRandom(seed, (ulong)epoch).Shuffle(order);
        return order;
    }

    private Batch Load(ReadOnlySpan<int> indices)
    {
        var batch = new Batch(
            Tensor.Empty([indices.Length, .. Dataset.InputShape.Dims]), Tensor.Empty([indices.Length], DType.I64));
        try
        {
            using var inputs = batch.Inputs.MapWrite<float>();
            using var labels = batch.Labels.MapWrite<long>();
            Dataset.Fill(indices, inputs.Span, labels.Span);
        }
        catch
        {
            batch.Dispose();
            throw;
        }
        return batch;
    }
}
