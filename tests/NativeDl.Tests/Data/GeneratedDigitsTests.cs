using System.Numerics.Tensors;
using System.Security.Cryptography;
using NativeDl.Data;
using NUnit.Framework;

namespace NativeDl.Tests.Data;

public sealed class GeneratedDigitsTests
{
    /// <summary>Every machine draws these; whoever changes the drawing changes what others measured with it.</summary>
    [Test]
    public void DrawsTheSameEverywhere()
    {
        var set = GeneratedDigits.Generate(2_000, seed: 1);
        Assert.That(set.Labels[..10].ToArray(), Is.EqualTo(new[] { 4, 3, 5, 6, 7, 0, 2, 0, 7, 9 }));
        Assert.That(Convert.ToHexString(SHA256.HashData(set.Pixels)),
            Is.EqualTo("FB5FD865BECB08E3FB964A0510C289E4CD1F4821A263024827F4A2F9CD82F571"));
    }

    [Test]
    public void ADigitDependsOnSeedAndIndexAlone()
    {
        var set = GeneratedDigits.Generate(300, seed: 9);
        var pixels = new byte[GeneratedDigits.Size * GeneratedDigits.Size];
        foreach (var index in new[] { 299, 0, 64, 63, 131 })
        {
            Assert.That(GeneratedDigits.Draw(9, index, pixels), Is.EqualTo(set.Labels[index]));
            Assert.That(set.Image(index).SequenceEqual(pixels));
        }
        Assert.That(GeneratedDigits.Generate(300, seed: 10).Pixels.SequenceEqual(set.Pixels), Is.False);
        Assert.That(() => GeneratedDigits.Draw(1, -1, pixels), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => GeneratedDigits.Draw(1, 0, new byte[783]), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => GeneratedDigits.Generate(-1, 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(GeneratedDigits.Generate(0, 1).Count, Is.Zero);
    }

    [Test]
    public void ImagesAreVisibleWholeAndDifferent()
    {
        var set = GeneratedDigits.Generate(5_000, seed: 3);
        Assert.That(set.Labels.ToArray().CountBy(label => label).Select(pair => pair.Value), Is.All.InRange(400, 600));
        var seen = new HashSet<string>();
        var edges = 0;
        for (var i = 0; i < set.Count; i++)
        {
            var image = set.Image(i);
            var (min, max) = (TensorPrimitives.Min(image), TensorPrimitives.Max(image));
            Assert.That(max - min, Is.GreaterThan(100));
            Assert.That(seen.Add(Convert.ToHexString(image)));
            edges += TouchesEdge(image, (min + max) / 2) ? 1 : 0;
        }
        Assert.That(edges, Is.LessThan(set.Count / 50));

        static bool TouchesEdge(ReadOnlySpan<byte> image, int threshold)
        {
            const int last = GeneratedDigits.Size - 1;
            for (var i = 0; i <= last; i++)
            {
                if (image[i] > threshold || image[last * (last + 1) + i] > threshold
                    || image[i * (last + 1)] > threshold || image[i * (last + 1) + last] > threshold)
                    return true;
            }
            return false;
        }
    }

    /// <summary>A set that a linear model solves says nothing about a convolutional one.</summary>
    [Test]
    public void ALinearModelStaysBelow92Percent()
    {
        var train = GeneratedDigits.Generate(20_000, seed: 1);
        var test = GeneratedDigits.Generate(5_000, seed: 2);
        var accuracy = LinearAccuracy(train, test, epochs: 12);
        TestContext.Out.WriteLine($"softmax regression: {accuracy:P2}");
        Assert.That(accuracy, Is.InRange(0.75, 0.92));
    }

    /// <summary>Softmax regression by stochastic gradient descent, in plain code.</summary>
    private static double LinearAccuracy(ImageSet train, ImageSet test, int epochs)
    {
        const int classes = 10, size = GeneratedDigits.Size * GeneratedDigits.Size;
        var weights = new float[classes * size];
        var bias = new float[classes];
        var order = Enumerable.Range(0, train.Count).ToArray();
        Span<float> x = new float[size];
        Span<float> scores = stackalloc float[classes];
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            var rate = 0.02f * (1 - (float)epoch / epochs);
            new CounterRandom(1, (ulong)epoch).Shuffle(order);
            foreach (var i in order)
            {
                Score(train.Image(i), x, scores);
                TensorPrimitives.SoftMax(scores, scores);
                scores[train.Labels[i]] -= 1;
                for (var c = 0; c < classes; c++)
                {
                    var row = weights.AsSpan(c * size, size);
                    TensorPrimitives.MultiplyAdd(x, -rate * scores[c], row, row);
                    bias[c] -= rate * scores[c];
                }
            }
        }
        var right = 0;
        for (var i = 0; i < test.Count; i++)
        {
            Score(test.Image(i), x, scores);
            right += TensorPrimitives.IndexOfMax(scores) == test.Labels[i] ? 1 : 0;
        }
        return (double)right / test.Count;

        void Score(ReadOnlySpan<byte> image, Span<float> x, Span<float> scores)
        {
            TensorPrimitives.ConvertChecked(image, x);
            TensorPrimitives.Multiply(x, 1 / 255f, x);
            for (var c = 0; c < classes; c++)
                scores[c] = TensorPrimitives.Dot(x, weights.AsSpan(c * size, size)) + bias[c];
        }
    }
}
