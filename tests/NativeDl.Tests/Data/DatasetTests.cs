using NativeDl.Data;
using NUnit.Framework;

namespace NativeDl.Tests.Data;

public sealed class DatasetTests
{
    private static readonly ImageSet Images = new(
        Enumerable.Range(0, 5 * 12).Select(i => (byte)(4 * i)).ToArray(), new[] { 2, 0, 1, 2, 0 }, 2, 2, 3,
        ["a", "b", "c"]);

    private static (float[] Inputs, long[] Labels) Fill(Dataset dataset, params int[] indices)
    {
        var inputs = new float[indices.Length * dataset.InputShape.Count];
        var labels = new long[indices.Length];
        dataset.Fill(indices, inputs, labels);
        return (inputs, labels);
    }

    [Test]
    public void DividesBytesBy255()
    {
        var dataset = new ImageDataset(Images);
        Assert.That(dataset.InputShape, Is.EqualTo(new Shape(2, 2, 3)));
        var (inputs, labels) = Fill(dataset, 3, 1);
        Assert.That(labels, Is.EqualTo(new long[] { 2, 0 }));
        var bytes = Images.Image(3).ToArray().Concat(Images.Image(1).ToArray());
        Assert.That(inputs, Is.EqualTo(bytes.Select(value => value / 255f)));
    }

    [Test]
    public void NormalisesEachChannel()
    {
        double[] mean = [0.5, 0.4, 0.3], std = [0.25, 0.2, 0.1];
        var (inputs, _) = Fill(new ImageDataset(Images, new Normalization { Mean = [.. mean], Std = [.. std] }), 4);
        var expected = Images.Image(4).ToArray().Select((value, i) => (value / 255.0 - mean[i % 3]) / std[i % 3]);
        Assert.That(inputs, Is.EqualTo(expected).Within(1e-6));
        (inputs, _) = Fill(new ImageDataset(Images, new Normalization { Mean = [0.5] }), 0);
        Assert.That(inputs[..2], Is.EqualTo(new[] { -0.5f, 4 / 255f - 0.5f }).Within(1e-7));
        (inputs, _) = Fill(new ImageDataset(Images, Normalization.None), 1);
        Assert.That(inputs[..3], Is.EqualTo(new[] { 48f, 52f, 56f }));
        Assert.That(() => new ImageDataset(Images, new Normalization { Std = [1, 2] }),
            Throws.ArgumentException.With.Message.Contains("give one, or 3"));
    }

    [Test]
    public void MeasuresWhatMakesTheImagesStandard()
    {
        var (inputs, _) = Fill(new ImageDataset(Images, Normalization.Measure(Images)), 0, 1, 2, 3, 4);
        for (var channel = 0; channel < 3; channel++)
        {
            var values = inputs.Where((_, i) => i % 3 == channel).ToArray();
            Assert.That(values.Average(), Is.EqualTo(0).Within(1e-6));
            Assert.That(values.Average(value => value * value), Is.EqualTo(1).Within(1e-5));
        }
        var flat = new ImageSet(new byte[4], new int[1], 2, 2, 1, ["a"]);
        Assert.That(Normalization.Measure(flat).Std[0], Is.EqualTo(1));
        Assert.That(Normalization.Measure(Images.Slice(0, 0)).Mean, Is.All.Zero);
    }

    [Test]
    public void RefusesWrongRoomAndStrayIndices()
    {
        var dataset = new ImageDataset(Images);
        Assert.That(() => dataset.Fill([0], new float[11], new long[1]),
            Throws.ArgumentException.With.Message.Contains("take 12 numbers"));
        Assert.That(() => dataset.Fill([0, 1], new float[24], new long[1]), Throws.ArgumentException);
        Assert.That(() => dataset.Fill([5], new float[12], new long[1]),
            Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => dataset.Fill([-1], new float[12], new long[1]),
            Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => dataset.Slice(0, 0).Fill([0], new float[12], new long[1]),
            Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => dataset.Select(0, 5), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => dataset.Slice(4, 2), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void SelectsSelections()
    {
        var (inputs, labels) = Fill(new ImageDataset(Images).Slice(1, 4).Select(3, 0), 1, 0);
        var (expected, _) = Fill(new ImageDataset(Images), 1, 4);
        Assert.That(labels, Is.EqualTo(new long[] { 0, 0 }));
        Assert.That(inputs, Is.EqualTo(expected));
    }

    [TestCase(0, 100)]
    [TestCase(0.2, 80)]
    [TestCase(0.255, 74)]
    [TestCase(1, 0)]
    public void SplitsIntoPartsOfTheWhole(double fraction, int kept)
    {
        var whole = new ArrayDataset(new float[100], Enumerable.Range(0, 100).Select(i => (long)i).ToArray(), [1]);
        var (train, validation) = whole.Split(fraction, seed: 7);
        Assert.That((train.Count, validation.Count), Is.EqualTo((kept, 100 - kept)));
        var labels = Labels(train).Concat(Labels(validation)).ToArray();
        Assert.That(labels, Is.EquivalentTo(Labels(whole)).And.Not.Ordered);
        Assert.That(Labels(whole.Split(fraction, seed: 7).Train), Is.EqualTo(Labels(train)));
        Assert.That(Labels(whole.Split(0, seed: 8).Train), Is.Not.EqualTo(Labels(whole.Split(0, seed: 7).Train)));

        static long[] Labels(Dataset dataset) => Fill(dataset, [.. Enumerable.Range(0, dataset.Count)]).Labels;
    }

    [TestCase(-0.1)]
    [TestCase(1.1)]
    [TestCase(double.NaN)]
    public void RefusesAShareThatIsNone(double fraction) =>
        Assert.That(() => new ImageDataset(Images).Split(fraction), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void ServesArrays()
    {
        var dataset = new ArrayDataset(new float[] { 1, 2, 3, 4, 5, 6 }, new long[] { 7, 8, 9 }, [2]);
        var (inputs, labels) = Fill(dataset, 2, 0);
        Assert.That(inputs, Is.EqualTo(new float[] { 5, 6, 1, 2 }));
        Assert.That(labels, Is.EqualTo(new long[] { 9, 7 }));
        Assert.That(() => new ArrayDataset(new float[5], new long[3], [2]), Throws.InstanceOf<ShapeException>());
    }
}
