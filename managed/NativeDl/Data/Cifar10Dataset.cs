namespace NativeDl.Data;

/// <summary>
/// Reads CIFAR-10 in its binary version, plain or gzip: records of a label and the red, green and blue planes of
/// a 32 by 32 image, which become [32, 32, 3].
/// </summary>
public static class Cifar10Dataset
{
    private const int Size = 32;
    private const int Plane = Size * Size;
    private const int Record = 1 + 3 * Plane;

    /// <summary>The names of the ten classes.</summary>
    public static IReadOnlyList<string> ClassNames { get; } = Array.AsReadOnly(
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]);

    /// <summary>Reads files one after the other into one set.</summary>
    /// <exception cref="DataFormatException">A file is not valid.</exception>
    public static ImageSet Load(params IReadOnlyList<string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        var contents = files.Select(ReadRecords).ToArray();
        var count = contents.Sum(content => content.Length / Record);
        var pixels = new byte[checked(count * 3 * Plane)];
        var labels = new int[count];
        var i = 0;
        foreach (var content in contents)
        {
            for (var at = 0; at < content.Length; at += Record, i++)
            {
                labels[i] = content[at];
                Interleave(content.AsSpan(at + 1, 3 * Plane), pixels.AsSpan(i * 3 * Plane, 3 * Plane));
            }
        }
        return new ImageSet(pixels, labels, Size, Size, 3, ClassNames);
    }

    /// <summary>
    /// Reads data_batch_1.bin to data_batch_5.bin, or those of them that are there, and test_batch.bin (a shorter
    /// test_first1000.bin will do), each also with ".gz".
    /// </summary>
    /// <exception cref="DataFormatException">Training or test images are missing, or a file is not valid.</exception>
    public static ImageData LoadFolder(string folder)
    {
        const string remedy = "Put the files of CIFAR-10, binary version, into the folder.";
        string[] train = [.. Enumerable.Range(1, 5).Select(i => DataFile.Find(folder, Batch(i))).OfType<string>()];
        if (train.Length == 0)
            train = [DataFile.Require(folder, remedy, Batch(1))];
        var test = DataFile.Require(folder, remedy, "test_batch.bin", "test_first1000.bin");
        return new ImageData($"CIFAR-10 of {folder}", Load(train), Load(test));
    }

    /// <summary>Whether the folder has a training batch.</summary>
    internal static bool IsIn(string folder) =>
        Enumerable.Range(1, 5).Any(i => DataFile.Find(folder, Batch(i)) is not null);

    private static string Batch(int number) => $"data_batch_{number}.bin";

    private static byte[] ReadRecords(string path)
    {
        const string remedy = "Get the file again; it must be the binary version, not the Python or Matlab one.";
        var content = DataFile.Read(path);
        if (content.Length == 0 || content.Length % Record != 0)
            throw new DataFormatException(path, $"records of {Record} bytes each", $"{content.Length} bytes", remedy);
        for (var at = 0; at < content.Length; at += Record)
        {
            if (content[at] < ClassNames.Count)
                continue;
            throw new DataFormatException(path, "labels from 0 to 9", $"{content[at]} in record {at / Record}", remedy);
        }
        return content;
    }

    private static void Interleave(ReadOnlySpan<byte> planes, Span<byte> pixels)
    {
        for (var i = 0; i < Plane; i++)
        {
            pixels[3 * i] = planes[i];
            pixels[3 * i + 1] = planes[i + Plane];
            pixels[3 * i + 2] = planes[i + 2 * Plane];
        }
    }
}
