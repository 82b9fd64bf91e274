namespace NativeDl.Data;

/// <summary>The images of an <see cref="ImageSet"/>, normalised.</summary>
public sealed class ImageDataset : Dataset
{
    private readonly float[] _table;

    /// <summary>Wraps a set; nothing is copied.</summary>
    /// <param name="images">The images.</param>
    /// <param name="normalization">How bytes become numbers; null divides by 255.</param>
    public ImageDataset(ImageSet images, Normalization? normalization = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        Images = images;
        InputShape = [images.Height, images.Width, images.Channels];
        _table = (normalization ?? Normalization.Unit).Table(images.Channels);
    }

    /// <summary>The images.</summary>
    public ImageSet Images { get; }

    /// <inheritdoc/>
    public override int Count => Images.Count;

    /// <inheritdoc/>
    public override Shape InputShape { get; }

    /// <inheritdoc/>
    protected override void FillChecked(ReadOnlySpan<int> indices, Span<float> inputs, Span<long> labels)
    {
        var size = Images.ImageSize;
        for (var i = 0; i < indices.Length; i++)
        {
            labels[i] = Images.Labels[indices[i]];
            Normalize(Images.Image(indices[i]), inputs.Slice(i * size, size));
        }
    }

    private void Normalize(ReadOnlySpan<byte> pixels, Span<float> numbers)
    {
        var end = _table.Length;
        for (int i = 0, row = 0; i < pixels.Length; i++)
        {
            numbers[i] = _table[row + pixels[i]];
            row += 256;
            if (row == end)
                row = 0;
        }
    }
}
