using NativeDl.Data;
using NUnit.Framework;

namespace NativeDl.Tests.Data;

[NonParallelizable]
public sealed class ImageDataTests
{
    private string? _variable;

    [SetUp]
    public void SaveVariable() => _variable = Environment.GetEnvironmentVariable(ImageData.FolderVariable);

    [TearDown]
    public void RestoreVariable() => Environment.SetEnvironmentVariable(ImageData.FolderVariable, _variable);

    [TestCase(null)]
    [TestCase("")]
    public void DrawsDigitsWhereNoFolderIsNamed(string? variable)
    {
        Environment.SetEnvironmentVariable(ImageData.FolderVariable, variable);
        var data = ImageData.Open();
        Assert.That((data.Train.Count, data.Test.Count), Is.EqualTo((60_000, 10_000)));
        Assert.That(data.Test.Image(0).SequenceEqual(data.Train.Image(0)), Is.False);
    }

    [Test]
    public void TakesTheFolderOfTheVariableUnlessAnotherIsNamed()
    {
        using var folder = new ScratchFolder();
        using var other = new ScratchFolder();
        folder.WriteMnist();
        Environment.SetEnvironmentVariable(ImageData.FolderVariable, folder.Path);
        Assert.That(ImageData.Open().Name, Does.Contain(folder.Path));
        Assert.That(() => ImageData.Open(other.Path), Throws.InstanceOf<DataFormatException>());
    }

    [Test]
    public void SaysWhatItFoundInstead()
    {
        using var folder = new ScratchFolder();
        Assert.That(() => ImageData.Open(folder.Path), Refusal("an empty folder"));
        var file = folder.Write("notes.txt", []);
        Assert.That(() => ImageData.Open(folder.Path), Refusal("only notes.txt"));
        Assert.That(() => ImageData.Open(file), Refusal("found a file"));
        Assert.That(() => ImageData.Open(file + "x"), Refusal("found nothing"));

        static NUnit.Framework.Constraints.Constraint Refusal(string text) => Throws.InstanceOf<DataFormatException>()
            .With.Message.Contains(text).And.Message.Contains(ImageData.FolderVariable);
    }
}
