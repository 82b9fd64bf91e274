namespace NativeDl.Tool.Pictures;

/// <summary>A picture in memory, as bytes [height, width, channels].</summary>
internal sealed record Picture(int Width, int Height, int Channels, byte[] Pixels)
{
    /// <summary>The picture in another size and number of channels: averaged where it shrinks.</summary>
    public Picture Fit(int width, int height, int channels)
    {
        var colours = WithChannels(channels);
        if ((width, height) == (Width, Height))
            return colours;
        var pixels = new byte[width * height * channels];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                for (var c = 0; c < channels; c++)
                {
                    pixels[(y * width + x) * channels + c] = colours.Average(
                        (double)x * Width / width, (double)(x + 1) * Width / width,
                        (double)y * Height / height, (double)(y + 1) * Height / height, c);
                }
            }
        }
        return new Picture(width, height, channels, pixels);
    }

    public Picture Invert() => this with { Pixels = Array.ConvertAll(Pixels, value => (byte)(255 - value)) };

    private Picture WithChannels(int channels)
    {
        if (channels == Channels)
            return this;
        if (channels == 1)
        {
            return new Picture(Width, Height, 1, [.. Pixels.Chunk(Channels)
                .Select(p => (byte)Math.Round(p.Length < 3 ? p[0] : 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]))]);
        }
        if (Channels == 1)
            return new Picture(Width, Height, channels, [.. Pixels.SelectMany(p => Enumerable.Repeat(p, channels))]);
        throw new ToolException($"A picture of {Channels} channels cannot be made one of {channels}.");
    }

    /// <summary>The mean over a box, pixels at its edge counted by the part inside.</summary>
    private byte Average(double left, double right, double top, double bottom, int channel)
    {
        double sum = 0, area = 0;
        for (var y = (int)top; y < Math.Min(Height, Math.Ceiling(bottom)); y++)
        {
            var rows = Math.Min(bottom, y + 1) - Math.Max(top, y);
            for (var x = (int)left; x < Math.Min(Width, Math.Ceiling(right)); x++)
            {
                var share = rows * (Math.Min(right, x + 1) - Math.Max(left, x));
                sum += share * Pixels[(y * Width + x) * Channels + channel];
                area += share;
            }
        }
        return (byte)Math.Round(sum / area);
    }
}
