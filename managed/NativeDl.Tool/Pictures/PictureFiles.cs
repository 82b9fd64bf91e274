using NativeDl.Data;
using NativeDl.Tool.Models;

namespace NativeDl.Tool.Pictures;

/// <summary>Picture files as images for a model.</summary>
internal static class PictureFiles
{
    public static Gallery Load(IReadOnlyList<string> paths, TrainedModel model, bool invert)
    {
        var (height, width, channels) =
            ((int)model.InputShape[0], (int)model.InputShape[1], (int)model.InputShape[2]);
        var pictures = paths.SelectMany(Read).ToArray();
        byte[] pixels = [.. pictures.SelectMany(p => (invert ? p.Picture.Invert() : p.Picture).Fit(width, height, channels).Pixels)];
        var images = new ImageSet(pixels, new int[pictures.Length], height, width, channels, model.ClassNames);
        return new Gallery(
            pictures.Length == 1 ? pictures[0].Title : $"{pictures.Length} pictures", images, HasLabels: false,
            [.. pictures.Select(p => p.Title)]);
    }

    private static IEnumerable<(string Title, Picture Picture)> Read(string path)
    {
        if (!File.Exists(path))
            throw new ToolException($"There is no picture {path}.");
        var content = File.ReadAllBytes(path);
        if (Netpbm.Is(content))
            return [(Path.GetFileName(path), Netpbm.Read(path, content))];
        if (content is [0, 0, 8, 3 or 4, ..] or [0x1F, 0x8B, ..])
            return ReadIdx(path);
        throw new DataFormatException(
            path, "a PGM, PPM or IDX file", content.Length == 0 ? "an empty file" : "another kind",
            "Convert the picture to PGM (grey) or PPM (colour).");
    }

    private static IEnumerable<(string, Picture)> ReadIdx(string path)
    {
        var (shape, values) = IdxDataset.LoadBytes(path);
        if (shape.Rank is not (3 or 4) || shape.Count == 0)
            throw new DataFormatException(path, "pictures [count, height, width]", $"{shape}", "Name a file of pictures.");
        var (height, width, channels) = ((int)shape[1], (int)shape[2], shape.Rank == 4 ? (int)shape[3] : 1);
        var size = height * width * channels;
        for (var i = 0; i < shape[0]; i++)
            yield return ($"{Path.GetFileName(path)} {i}", new Picture(width, height, channels, values.Slice(i * size, size).ToArray()));
    }
}
