using System.Buffers.Binary;

namespace NativeDl.Data;

/// <summary>
/// Reads images and labels from IDX files, the format of MNIST, Fashion-MNIST, KMNIST and EMNIST: plain or gzip.
/// </summary>
public static class IdxDataset
{
    private const string Remedy = "Get the file again, or see whether it is another one under this name.";

    /// <summary>Reads the images of one file and the labels of another.</summary>
    /// <param name="imagesFile">Unsigned bytes [count, height, width] or [count, height, width, channels].</param>
    /// <param name="labelsFile">Unsigned bytes [count].</param>
    /// <param name="classNames">Names of the classes; null takes "0", "1", and so on, up to the largest label.</param>
    /// <exception cref="DataFormatException">A file is not valid, or the two do not belong together.</exception>
    public static ImageSet Load(string imagesFile, string labelsFile, IReadOnlyList<string>? classNames = null)
    {
        var (shape, pixels) = Read(imagesFile, "images", 3, 4);
        var (labelShape, labels) = Read(labelsFile, "labels", 1, 1);
        if (labelShape[0] != shape[0])
        {
            throw new DataFormatException(
                labelsFile, $"{shape[0]} labels, one for each image of {imagesFile}", $"{labelShape[0]}",
                "Give the two files of one set.");
        }
        if (shape[1..].Contains(0))
        {
            var size = string.Join('x', shape[1..]);
            throw new DataFormatException(imagesFile, "images with pixels", $"images of {size}", Remedy);
        }
        var classes = new int[labels.Length];
        for (var i = 0; i < classes.Length; i++)
            classes[i] = labels.Span[i];
        classNames ??= [.. Enumerable.Range(0, classes.DefaultIfEmpty(-1).Max() + 1).Select(c => $"{c}")];
        var nameless = Array.FindIndex(classes, label => label >= classNames.Count);
        if (nameless >= 0)
        {
            throw new DataFormatException(
                labelsFile, $"labels below {classNames.Count}, the number of class names",
                $"{classes[nameless]} for image {nameless}", "Name all classes, or give the labels' own file.");
        }
        return new ImageSet(pixels, classes, shape[1], shape[2], shape.Length == 4 ? shape[3] : 1, classNames);
    }

    /// <summary>
    /// Reads the four files of MNIST, or of a set that uses its names: train-images-idx3-ubyte,
    /// train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each also with ".idx" for "-idx" and
    /// also with ".gz".
    /// </summary>
    /// <param name="folder">Where the files are.</param>
    /// <param name="classNames">Names of the classes; null takes the digits.</param>
    /// <exception cref="DataFormatException">A file is missing or not valid.</exception>
    public static ImageData LoadFolder(string folder, IReadOnlyList<string>? classNames = null)
    {
        classNames ??= GeneratedDigits.ClassNames;
        return new ImageData($"IDX images of {folder}", LoadPart("train"), LoadPart("t10k"));

        ImageSet LoadPart(string part) =>
            Load(Require($"{part}-images", 3), Require($"{part}-labels", 1), classNames);

        string Require(string name, int rank) => DataFile.Require(
            folder, "Put the four files of MNIST into the folder.", Spellings(name, rank));
    }

    /// <summary>Reads any IDX file of unsigned bytes: its shape, and its elements one after the other.</summary>
    /// <param name="file">The file.</param>
    /// <exception cref="DataFormatException">The file is not valid.</exception>
    public static (Shape Shape, ReadOnlyMemory<byte> Values) LoadBytes(string file) => Read(file, "bytes", 1, 4);

    /// <summary>Whether the folder has training images under MNIST's names.</summary>
    internal static bool IsIn(string folder) => DataFile.Find(folder, Spellings("train-images", 3)) is not null;

    private static string[] Spellings(string name, int rank) => [$"{name}-idx{rank}-ubyte", $"{name}.idx{rank}-ubyte"];

    /// <summary>
    /// An IDX file is two zero bytes, a type, the rank, the dimensions (32 bits, big-endian), then the elements.
    /// </summary>
    private static (int[] Shape, ReadOnlyMemory<byte> Data) Read(string path, string what, int minRank, int maxRank)
    {
        const byte unsignedByte = 0x08;
        var content = DataFile.Read(path);
        if (content is not [0, 0, unsignedByte, var rank, ..] || rank < minRank || rank > maxRank)
        {
            var magic = $"00 00 08 {minRank:X2}" + (minRank == maxRank ? "" : $" or 00 00 08 {maxRank:X2}");
            var found = content.Length == 0 ? "an empty file"
                : string.Join(' ', content.Take(4).Select(value => $"{value:X2}"));
            throw new DataFormatException(path, $"{magic} at the beginning of an IDX file of {what}", found, Remedy);
        }
        var header = 4 + 4 * rank;
        if (content.Length < header)
        {
            throw new DataFormatException(
                path, $"a header of {header} bytes", $"{content.Length} bytes in all", Remedy);
        }
        var shape = new int[rank];
        UInt128 size = 1;
        for (var axis = 0; axis < rank; axis++)
        {
            var dim = BinaryPrimitives.ReadUInt32BigEndian(content.AsSpan(4 + 4 * axis));
            size *= dim;
            shape[axis] = unchecked((int)dim);
        }
        if (size != (UInt128)(content.Length - header) || shape.Any(dim => dim < 0))
        {
            var dims = string.Join('x', shape.Select(dim => (uint)dim));
            throw new DataFormatException(
                path, $"{size} bytes of {what} after the header, which says {dims}", $"{content.Length - header}",
                Remedy);
        }
        return (shape, content.AsMemory(header));
    }
}
