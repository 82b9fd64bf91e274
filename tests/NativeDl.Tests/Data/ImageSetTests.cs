using NativeDl.Data;
using NUnit.Framework;

namespace NativeDl.Tests.Data;

public sealed class ImageSetTests
{
    private static ImageSet Numbered(int count) => new(
        Enumerable.Range(0, count * 6).Select(i => (byte)i).ToArray(),
        Enumerable.Range(0, count).Select(i => i % 2).ToArray(), 1, 2, 3, ["even", "odd"]);

    [Test]
    public void ReadsAndSlices()
    {
        var set = Numbered(5);
        Assert.That((set.Count, set.Height, set.Width, set.Channels), Is.EqualTo((5, 1, 2, 3)));
        Assert.That(set.Image(2).ToArray(), Is.EqualTo(new byte[] { 12, 13, 14, 15, 16, 17 }));
        var slice = set.Slice(1, 3);
        Assert.That(slice.Count, Is.EqualTo(3));
        Assert.That(slice.Labels.ToArray(), Is.EqualTo(new[] { 1, 0, 1 }));
        Assert.That(slice.Image(1).SequenceEqual(set.Image(2)));
        Assert.That(slice.Pixels.Length, Is.EqualTo(18));
        Assert.That(slice.ClassNames, Is.EqualTo(new[] { "even", "odd" }));
        Assert.That(set.Slice(5, 0).Count, Is.Zero);
    }

    [TestCase(-1, 1)]
    [TestCase(0, 6)]
    [TestCase(6, 0)]
    [TestCase(5, 1)]
    [TestCase(1, int.MaxValue)]
    [TestCase(1, -1)]
    public void RefusesASliceOutside(int start, int count) =>
        Assert.That(() => Numbered(5).Slice(start, count), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [TestCase(-1)]
    [TestCase(5)]
    public void RefusesAnImageOutside(int index) =>
        Assert.That(() => Numbered(5).Image(index).Length, Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void RefusesSizesThatDoNotAgree()
    {
        Assert.That(() => new ImageSet(new byte[11], new int[2], 1, 2, 3, ["a"]),
            Throws.ArgumentException.With.Message.Contains("2 images of 1x2x3 take 12 bytes; pixels has 11"));
        Assert.That(() => new ImageSet(new byte[12], new[] { 0, 2 }, 1, 2, 3, ["a", "b"]),
            Throws.ArgumentException.With.Message.Contains("The label of image 1 is 2"));
        Assert.That(() => new ImageSet(new byte[12], new[] { 0, -1 }, 1, 2, 3, ["a", "b"]), Throws.ArgumentException);
        Assert.That(() => new ImageSet(new byte[12], new int[2], 1, 2, 3, []), Throws.ArgumentException);
        Assert.That(() => new ImageSet(Array.Empty<byte>(), Array.Empty<int>(), 0, 2, 3, []),
            Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new ImageSet(new byte[0], new int[1], 1 << 16, 1 << 16, 1 << 30, ["a"]),
            Throws.ArgumentException);
    }
}
