using NativeDl.Data;
using NUnit.Framework;

namespace NativeDl.Tests.Data;

public sealed class Cifar10DatasetTests
{
    private const int Record = 3073;

    private ScratchFolder _folder = null!;

    [SetUp]
    public void MakeFolder() => _folder = new ScratchFolder();

    [TearDown]
    public void RemoveFolder() => _folder.Dispose();

    /// <summary>Records whose labels count up from one and whose byte i is 7 i.</summary>
    private static byte[] Records(int count, int firstLabel)
    {
        var content = new byte[count * Record];
        for (var i = 0; i < content.Length; i++)
            content[i] = i % Record == 0 ? (byte)((firstLabel + i / Record) % 10) : (byte)(7 * (i % Record - 1));
        return content;
    }

    [Test]
    public void TurnsPlanesIntoPixels()
    {
        var set = Cifar10Dataset.Load(_folder.Write("a", Records(2, 3)));
        Assert.That((set.Count, set.Height, set.Width, set.Channels), Is.EqualTo((2, 32, 32, 3)));
        Assert.That(set.Labels.ToArray(), Is.EqualTo(new[] { 3, 4 }));
        Assert.That(set.ClassNames[3], Is.EqualTo("cat"));
        for (var i = 0; i < 1024; i++)
        {
            for (var channel = 0; channel < 3; channel++)
                Assert.That(set.Image(1)[3 * i + channel], Is.EqualTo((byte)(7 * (1024 * channel + i))));
        }
    }

    [TestCase("test_batch.bin")]
    [TestCase("test_first1000.bin")]
    public void ReadsTheBatchesThatAreThere(string test)
    {
        _folder.Write("data_batch_1.bin", Records(2, 0));
        _folder.Write("data_batch_3.bin.gz", ScratchFolder.Gzip(Records(3, 5)));
        _folder.Write(test, Records(1, 9));
        var data = ImageData.Open(_folder.Path);
        Assert.That(data.Train.Labels.ToArray(), Is.EqualTo(new[] { 0, 1, 5, 6, 7 }));
        Assert.That(data.Test.Labels.ToArray(), Is.EqualTo(new[] { 9 }));
    }

    [Test]
    public void SaysWhichFileIsMissing()
    {
        Assert.That(() => Cifar10Dataset.LoadFolder(_folder.Path), Throws.InstanceOf<DataFormatException>()
            .With.Message.Contains("expected a file data_batch_1.bin, plain or with .gz, found an empty folder"));
        _folder.Write("data_batch_2.bin", Records(2, 0));
        Assert.That(() => Cifar10Dataset.LoadFolder(_folder.Path),
            Throws.InstanceOf<DataFormatException>().With.Message.Contains("test_batch.bin"));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(Record - 1)]
    [TestCase(Record + 1)]
    [TestCase(2 * Record - 1)]
    public void RefusesAnotherLength(int length)
    {
        var file = _folder.Write("a", Records(2, 0)[..length]);
        Assert.That(() => Cifar10Dataset.Load(file),
            Throws.InstanceOf<DataFormatException>().With.Message.Contains($"found {length} bytes"));
    }

    [Test]
    public void RefusesALabelAboveNine()
    {
        var content = Records(3, 0);
        content[2 * Record] = 10;
        var file = _folder.Write("a", content);
        Assert.That(() => Cifar10Dataset.Load(file),
            Throws.InstanceOf<DataFormatException>().With.Message.Contains("10 in record 2"));
    }

    [Test]
    public void ReadsTheRealOne()
    {
        var data = ImageData.Open(SharedData.Require("cifar10"));
        Assert.That(data.Train.Count, Is.EqualTo(40_000));
        Assert.That(data.Test.Count, Is.EqualTo(1_000));
        // The first test images are known to everyone: cat, ship, ship, airplane.
        Assert.That(data.Test.Labels[..4].ToArray(), Is.EqualTo(new[] { 3, 8, 8, 0 }));
        var norm = Normalization.Measure(data.Train);
        Assert.That(norm.Mean, Is.EqualTo(new[] { 0.4914, 0.4822, 0.4465 }).Within(0.002));
        Assert.That(norm.Std, Is.EqualTo(new[] { 0.2470, 0.2435, 0.2616 }).Within(0.002));
    }
}
