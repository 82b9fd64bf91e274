namespace NativeDl.Data;

/// <summary>
/// Labelled images in memory, as bytes [count, height, width, channels]. Never changes once made; a slice shares the
/// memory of its set.
/// </summary>
public sealed class ImageSet
{
    private readonly ReadOnlyMemory<byte> _pixels;
    private readonly ReadOnlyMemory<int> _labels;

    /// <summary>Wraps the memory (arrays will do) without a copy: leave it unchanged from here on.</summary>
    /// <param name="pixels">The bytes of all images, [count, height, width, channels].</param>
    /// <param name="labels">A class for each image, from 0.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Columns of an image.</param>
    /// <param name="channels">Values of a pixel.</param>
    /// <param name="classNames">A name for each class.</param>
    /// <exception cref="ArgumentException">The sizes do not agree, or a label has no name.</exception>
    public ImageSet(
        ReadOnlyMemory<byte> pixels, ReadOnlyMemory<int> labels, int height, int width, int channels,
        IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(classNames);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        var expected = (Int128)labels.Length * height * width * channels;
        if (pixels.Length != expected)
        {
            throw new ArgumentException(
                $"{labels.Length} images of {height}x{width}x{channels} take {expected} bytes; " +
                $"pixels has {pixels.Length}.", nameof(pixels));
        }
        var nameless = Dataset.FirstOutside(labels.Span, classNames.Count);
        if (nameless >= 0)
        {
            throw new ArgumentException(
                $"The label of image {nameless} is {labels.Span[nameless]}; {classNames.Count} class names allow " +
                $"0 to {classNames.Count - 1}.", nameof(labels));
        }
        _pixels = pixels;
        _labels = labels;
        (Height, Width, Channels) = (height, width, channels);
        ClassNames = [.. classNames];
    }

    private ImageSet(ImageSet whole, int start, int count)
    {
        (Height, Width, Channels) = (whole.Height, whole.Width, whole.Channels);
        _pixels = whole._pixels.Slice(start * ImageSize, count * ImageSize);
        _labels = whole._labels.Slice(start, count);
        ClassNames = whole.ClassNames;
    }

    /// <summary>The number of images.</summary>
    public int Count => _labels.Length;

    /// <summary>Rows of an image.</summary>
    public int Height { get; }

    /// <summary>Columns of an image.</summary>
    public int Width { get; }

    /// <summary>Values of a pixel: 1 for grey, 3 for red, green, blue.</summary>
    public int Channels { get; }

    /// <summary>A name for each class.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>The bytes of all images, [count, height, width, channels].</summary>
    public ReadOnlySpan<byte> Pixels => _pixels.Span;

    /// <summary>The class of each image.</summary>
    public ReadOnlySpan<int> Labels => _labels.Span;

    /// <summary>Bytes of one image.</summary>
    internal int ImageSize => Height * Width * Channels;

    /// <summary>The bytes of one image, [height, width, channels].</summary>
    /// <param name="index">Which image, from 0.</param>
    public ReadOnlySpan<byte> Image(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return _pixels.Span.Slice(index * ImageSize, ImageSize);
    }

    /// <summary>A part of the set, sharing its memory.</summary>
    /// <param name="start">The first image.</param>
    /// <param name="count">How many.</param>
    public ImageSet Slice(int start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Count);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count - start);
        return new ImageSet(this, start, count);
    }
}
