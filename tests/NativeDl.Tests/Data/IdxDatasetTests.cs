using NativeDl.Data;
using NUnit.Framework;

namespace NativeDl.Tests.Data;

public sealed class IdxDatasetTests
{
    private ScratchFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new ScratchFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    [Test]
    public void ReadsEverySpelling(
        [Values("-", ".")] string separator, [Values("", ".gz")] string suffix, [Values] bool gzip)
    {
        _folder.WriteMnist(separator, suffix, gzip);
        var data = IdxDataset.LoadFolder(_folder.Path);
        Assert.That((data.Train.Count, data.Test.Count), Is.EqualTo((6, 4)));
        Assert.That((data.Train.Height, data.Train.Width, data.Train.Channels), Is.EqualTo((2, 3, 1)));
        Assert.That(data.Train.Image(1).ToArray(), Is.EqualTo(new byte[] { 6, 7, 8, 9, 10, 11 }));
        Assert.That(data.Test.Labels.ToArray(), Is.EqualTo(new[] { 0, 1, 2, 3 }));
        Assert.That(data.Train.ClassNames, Is.EqualTo(GeneratedDigits.ClassNames));
    }

    [Test]
    public void ReadsColourImagesAndNamesClasses()
    {
        var images = _folder.Write("images", ScratchFolder.Idx(256, 4, 2, 2, 3));
        var labels = _folder.Write("labels", ScratchFolder.Idx(3, 4));
        Assert.That(IdxDataset.Load(images, labels).Channels, Is.EqualTo(3));
        Assert.That(IdxDataset.Load(images, labels).ClassNames, Is.EqualTo(new[] { "0", "1", "2" }));
        Assert.That(IdxDataset.Load(images, labels, ["a", "b", "c"]).ClassNames[2], Is.EqualTo("c"));
        Assert.That(() => IdxDataset.Load(images, labels, ["a", "b"]),
            Throws.InstanceOf<DataFormatException>().With.Message.Contains("labels below 2"));
    }

    [Test]
    public void RefusesImagesAndLabelsOfDifferentSets()
    {
        var images = _folder.Write("images", ScratchFolder.Idx(256, 4, 2, 2));
        var labels = _folder.Write("labels", ScratchFolder.Idx(3, 5));
        var error = Assert.Throws<DataFormatException>(() => IdxDataset.Load(images, labels))!;
        Assert.That((error.Path, error.Found), Is.EqualTo((labels, "5")));
        Assert.That(error.Expected, Is.EqualTo($"4 labels, one for each image of {images}"));
        Assert.That(() => IdxDataset.Load(labels, images), Throws.InstanceOf<DataFormatException>());
    }

    [Test]
    public void SaysWhichFileIsMissing()
    {
        _folder.WriteMnist();
        File.Delete(Path.Combine(_folder.Path, "t10k-labels-idx1-ubyte"));
        Assert.That(() => IdxDataset.LoadFolder(_folder.Path), Throws.InstanceOf<DataFormatException>()
            .With.Message.Contains("expected a file t10k-labels-idx1-ubyte or t10k-labels.idx1-ubyte"));
    }

    [TestCase(new byte[] { 0, 0, 9, 3 }, "00 00 09 03", TestName = "signed bytes")]
    [TestCase(new byte[] { 0, 0, 8, 1 }, "00 00 08 01", TestName = "labels for images")]
    [TestCase(new byte[] { 0, 0, 8, 5 }, "00 00 08 05", TestName = "rank 5")]
    [TestCase(new byte[] { 1, 0, 8, 3 }, "01 00 08 03", TestName = "no IDX file")]
    [TestCase(new byte[] { 0x1F, 0x8B }, "an empty file", TestName = "two bytes of gzip")]
    [TestCase(new byte[0], "an empty file", TestName = "empty")]
    public void RefusesAnotherBeginning(byte[] content, string found)
    {
        var images = _folder.Write("images", content);
        Assert.That(() => IdxDataset.Load(images, images),
            Throws.InstanceOf<DataFormatException>().With.Message.StartsWith(images).And.Message.Contains(found));
    }

    [Test]
    public void RefusesEveryOtherLength()
    {
        var labels = _folder.Write("labels", ScratchFolder.Idx(3, 4));
        var whole = ScratchFolder.Idx(256, 4, 2, 2);
        for (var length = 0; length < whole.Length; length++)
            AssertRefused(whole[..length]);
        AssertRefused([.. whole, 0]);

        void AssertRefused(byte[] content)
        {
            var images = _folder.Write("images", content);
            Assert.That(() => IdxDataset.Load(images, labels), Throws.InstanceOf<DataFormatException>());
        }
    }

    [TestCase(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF })]
    [TestCase(new byte[] { 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1 })]
    [TestCase(new byte[] { 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1 })]
    [TestCase(new byte[] { 0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 4 })]
    public void RefusesAbsurdDimensions(byte[] dims)
    {
        var images = _folder.Write("images", [0, 0, 8, 3, .. dims]);
        var labels = _folder.Write("labels", ScratchFolder.Idx(3, 0));
        Assert.That(() => IdxDataset.Load(images, labels), Throws.InstanceOf<DataFormatException>());
    }

    /// <summary>Whatever happens to a packed file, it is refused or read as it was.</summary>
    [Test]
    public void NeverMisreadsDamagedGzip()
    {
        var labels = _folder.Write("labels", ScratchFolder.Idx(3, 4));
        var plain = ScratchFolder.Idx(256, 4, 5, 5);
        var packed = ScratchFolder.Gzip(plain);
        var refused = 0;
        for (var at = 0; at < packed.Length; at++)
        {
            Try(packed[..at]);
            foreach (var flip in new byte[] { 0x01, 0x80, 0xFF })
            {
                var damaged = packed.ToArray();
                damaged[at] ^= flip;
                Try(damaged);
            }
        }
        Assert.That(refused, Is.GreaterThan(packed.Length * 3));

        void Try(byte[] content)
        {
            var images = _folder.Write("images", content);
            try
            {
                Assert.That(IdxDataset.Load(images, labels).Pixels.SequenceEqual(plain.AsSpan(16)));
            }
            catch (DataFormatException)
            {
                refused++;
            }
        }
    }

    [Test]
    public void ReadsMnist()
    {
        var data = ImageData.Open(SharedData.Require("mnist"));
        Assert.That((data.Train.Count, data.Test.Count), Is.EqualTo((60_000, 10_000)));
        Assert.That((data.Train.Height, data.Train.Width, data.Train.Channels), Is.EqualTo((28, 28, 1)));
        Assert.That(data.Train.Labels[..10].ToArray(), Is.EqualTo(new[] { 5, 0, 4, 1, 9, 2, 1, 3, 1, 4 }));
        var norm = Normalization.Measure(data.Train);
        Assert.That(norm.Mean[0], Is.EqualTo(0.1307).Within(0.0001));
        Assert.That(norm.Std[0], Is.EqualTo(0.3081).Within(0.0001));
    }

    [Test]
    public void ReadsFashionMnist()
    {
        var folder = SharedData.Require("fashion-mnist");
        var set = IdxDataset.Load(
            Path.Combine(folder, "sprite900-images-idx3-ubyte.gz"),
            Path.Combine(folder, "sprite900-labels-idx1-ubyte.gz"));
        Assert.That(set.Labels.ToArray().CountBy(label => label).Select(pair => pair.Value), Is.All.EqualTo(90));
        Assert.That(set.ClassNames, Has.Count.EqualTo(10));
    }
}
