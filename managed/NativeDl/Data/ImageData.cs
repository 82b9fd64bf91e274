namespace NativeDl.Data;

/// <summary>Images to train with and images to test with.</summary>
/// <param name="Name">What they are, for people.</param>
/// <param name="Train">The images to learn from.</param>
/// <param name="Test">The images to be judged by.</param>
public sealed record ImageData(string Name, ImageSet Train, ImageSet Test)
{
    /// <summary>The environment variable that names the folder of real data: NATIVEDL_DATA.</summary>
    public const string FolderVariable = "NATIVEDL_DATA";

    /// <summary>
    /// Opens a folder with the files of MNIST (see <see cref="IdxDataset.LoadFolder"/>) or CIFAR-10 (see
    /// <see cref="Cifar10Dataset.LoadFolder"/>). Without one, draws digits in MNIST's sizes.
    /// </summary>
    /// <param name="folder">The folder; null takes the one that NATIVEDL_DATA names, if it names one.</param>
    /// <exception cref="DataFormatException">The folder has neither, or a file in it is not valid.</exception>
    public static ImageData Open(string? folder = null)
    {
        const string remedy = $"Name another folder, or unset {FolderVariable} to use generated digits.";
        folder ??= Environment.GetEnvironmentVariable(FolderVariable);
        if (string.IsNullOrEmpty(folder))
            return GenerateDigits();
        if (!Directory.Exists(folder))
        {
            var found = File.Exists(folder) ? "a file" : "nothing";
            throw new DataFormatException(folder, "a folder of data", found, remedy);
        }
        if (IdxDataset.IsIn(folder))
            return IdxDataset.LoadFolder(folder);
        if (Cifar10Dataset.IsIn(folder))
            return Cifar10Dataset.LoadFolder(folder);
        throw new DataFormatException(
            folder, "the files of MNIST (train-images-idx3-ubyte, ...) or of CIFAR-10 (data_batch_1.bin, ...)",
            DataFile.Listing(folder), remedy);
    }

    /// <summary>Draws digits (see <see cref="GeneratedDigits"/>), the same ones each time.</summary>
    /// <param name="train">How many to train with.</param>
    /// <param name="test">How many to test with.</param>
    public static ImageData GenerateDigits(int train = 60_000, int test = 10_000) => new(
        "generated digits", GeneratedDigits.Generate(train, seed: 1), GeneratedDigits.Generate(test, seed: 2));
}
