using NativeDl.Data;
using NUnit.Framework;

namespace NativeDl.Tests.Data;

public sealed class DataLoaderTests
{
    /// <summary>Example i is the input [i, -i] and the label i.</summary>
    private sealed class Counting(int count) : Dataset
    {
        public int Filled;
        public int Failing = -1;

        public override int Count => count;

        public override Shape InputShape => [2];

        protected override void FillChecked(ReadOnlySpan<int> indices, Span<float> inputs, Span<long> labels)
        {
            if (indices.Contains(Failing))
                throw new InvalidTimeZoneException("cannot read it");
            for (var i = 0; i < indices.Length; i++)
                (inputs[2 * i], inputs[2 * i + 1], labels[i]) = (indices[i], -indices[i], indices[i]);
            Interlocked.Increment(ref Filled);
        }
    }

    private static long[][] Labels(IEnumerable<Batch> batches) =>
        [.. batches.Select(batch => batch.Labels.ToArray<long>())];

    [Test]
    public void GivesTensorsInOrder([Values(0, 1, 5)] int prefetch, [Values] bool dropLast)
    {
        var loader = new DataLoader(new Counting(11), 4) { Prefetch = prefetch, DropLast = dropLast };
        Assert.That(loader.BatchCount, Is.EqualTo(dropLast ? 2 : 3));
        var batches = loader.Epoch().ToList();
        Assert.That(batches, Has.Count.EqualTo(loader.BatchCount));
        Assert.That(batches[1].Inputs.Shape, Is.EqualTo(new Shape(4, 2)));
        Assert.That(batches[1].Inputs.ToArray<float>(), Is.EqualTo(new float[] { 4, -4, 5, -5, 6, -6, 7, -7 }));
        Assert.That(batches[1].Labels.ToArray<long>(), Is.EqualTo(new long[] { 4, 5, 6, 7 }));
        if (!dropLast)
            Assert.That((batches[2].Count, batches[2].Inputs.Shape[0]), Is.EqualTo((3, 3L)));
    }

    [Test]
    public void GivesImagesAsNhwc()
    {
        var loader = new DataLoader(new ImageDataset(GeneratedDigits.Generate(5, 1)), 5);
        var (inputs, labels) = loader.Epoch().Single();
        Assert.That((inputs.Shape, inputs.DType), Is.EqualTo((new Shape(5, 28, 28, 1), DType.F32)));
        Assert.That((labels.Shape, labels.DType), Is.EqualTo((new Shape(5), DType.I64)));
        Assert.That(inputs.ToArray<float>().Max(), Is.InRange(0.5f, 1f));
    }

    [Test]
    public void ShufflesEachEpochFromTheSeed()
    {
        var loader = new DataLoader(new Counting(100), 10) { ShuffleSeed = 5 };
        var first = Labels(loader.Epoch(0));
        Assert.That(first.SelectMany(label => label), Is.EquivalentTo(Enumerable.Range(0, 100)).And.Not.Ordered);
        Assert.That(Labels(loader.Epoch(0)), Is.EqualTo(first));
        Assert.That(Labels(new DataLoader(new Counting(100), 10) { ShuffleSeed = 5, Prefetch = 0 }.Epoch(0)),
            Is.EqualTo(first));
        Assert.That(Labels(loader.Epoch(1)), Is.Not.EqualTo(first));
        Assert.That(Labels(new DataLoader(new Counting(100), 10) { ShuffleSeed = 6 }.Epoch(0)), Is.Not.EqualTo(first));
    }

    /// <summary>Exact resumption needs the same order in the next version too.</summary>
    [Test]
    public void OrderStaysWhatItIs() => Assert.That(
        Labels(new DataLoader(new Counting(8), 8) { ShuffleSeed = 1 }.Epoch(2))[0],
        Is.EqualTo(new long[] { 2, 7, 3, 1, 5, 0, 6, 4 }));

    [Test]
    public void GoesOnInTheMiddle()
    {
        var loader = new DataLoader(new Counting(25), 4) { ShuffleSeed = 1 };
        Assert.That(Labels(loader.Epoch(3, firstBatch: 5)), Is.EqualTo(Labels(loader.Epoch(3))[5..]));
        Assert.That(loader.Epoch(3, firstBatch: 7), Is.Empty);
        Assert.That(() => loader.Epoch(3, firstBatch: 8), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void HandsErrorsOverInTheirPlace([Values(0, 3)] int prefetch)
    {
        var loader = new DataLoader(new Counting(20) { Failing = 9 }, 4) { Prefetch = prefetch };
        var seen = 0;
        Assert.That(() =>
        {
            foreach (var _ in loader.Epoch())
                seen++;
        }, Throws.InstanceOf<InvalidTimeZoneException>());
        Assert.That(seen, Is.EqualTo(2));
    }

    [Test]
    public void WorksNoFurtherAheadThanAsked()
    {
        var dataset = new Counting(1000);
        using var batches = new DataLoader(dataset, 1) { Prefetch = 3 }.Epoch().GetEnumerator();
        batches.MoveNext();
        // One is here, three wait, one more is held by the thread that cannot put it down.
        Assert.That(() => Volatile.Read(ref dataset.Filled), Is.EqualTo(5).After(5000, 5));
        Thread.Sleep(30);
        Assert.That(dataset.Filled, Is.EqualTo(5));
    }

    [Test]
    public void StopsWithTheLoop()
    {
        var dataset = new Counting(1000);
        foreach (var _ in new DataLoader(dataset, 1) { Prefetch = 3 }.Epoch())
            break;
        var filled = dataset.Filled;
        Thread.Sleep(30);
        Assert.That(dataset.Filled, Is.EqualTo(filled).And.LessThanOrEqualTo(5));
    }

    [Test]
    public void CanBeCancelled([Values(0, 2)] int prefetch)
    {
        using var source = new CancellationTokenSource();
        var seen = 0;
        var error = Assert.Catch<OperationCanceledException>(() =>
        {
            foreach (var _ in new DataLoader(new Counting(1000), 1) { Prefetch = prefetch }
                .Epoch(cancellation: source.Token))
            {
                if (++seen == 3)
                    source.Cancel();
            }
        })!;
        Assert.That(error.CancellationToken, Is.EqualTo(source.Token));
        Assert.That(seen, Is.EqualTo(3));
    }

    [Test]
    public void CancelsAReaderThatWaits()
    {
        using var source = new CancellationTokenSource(20);
        using var gate = new ManualResetEventSlim();
        using var batches = new DataLoader(new Waiting(gate), 1).Epoch(cancellation: source.Token).GetEnumerator();
        var released = Task.Delay(60).ContinueWith(_ => gate.Set());
        Assert.That(() => batches.MoveNext(), Throws.InstanceOf<OperationCanceledException>());
        released.Wait();
    }

    [Test]
    public void BatchesOutliveTheLoop()
    {
        List<Batch> kept = [.. new DataLoader(new Counting(64), 1).Epoch()];
        for (var i = 0; i < kept.Count; i++)
            Assert.That(kept[i].Labels.Item<long>(), Is.EqualTo(i));
    }

    [Test]
    public void AnEmptySetHasNoBatches() => Assert.That(new DataLoader(new Counting(0)).Epoch(), Is.Empty);

    [Test]
    public void RefusesNonsense()
    {
        Assert.That(() => new DataLoader(new Counting(1), 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new DataLoader(null!), Throws.ArgumentNullException);
        Assert.That(() => new DataLoader(new Counting(1)) { Prefetch = -1 },
            Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new DataLoader(new Counting(1)).Epoch(-1), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    private sealed class Waiting(ManualResetEventSlim gate) : Dataset
    {
        public override int Count => 1;

        public override Shape InputShape => [1];

        protected override void FillChecked(ReadOnlySpan<int> indices, Span<float> inputs, Span<long> labels) =>
            gate.Wait();
    }
}
