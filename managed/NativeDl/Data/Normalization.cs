using System.Collections.Immutable;

namespace NativeDl.Data;

/// <summary>
/// How bytes become numbers: (byte * Scale - Mean) / Std, with a mean and a deviation for each channel.
/// </summary>
public sealed record Normalization
{
    /// <summary>To [0, 1]: what a new instance does.</summary>
    public static Normalization Unit { get; } = new();

    /// <summary>The numbers from 0 to 255 as they are.</summary>
    public static Normalization None { get; } = new() { Scale = 1 };

    /// <summary>The factor that comes first: 1/255 unless another is given.</summary>
    public double Scale { get; init; } = 1 / 255.0;

    /// <summary>Subtracted after scaling: nothing, one value, or one for each channel.</summary>
    public ImmutableArray<double> Mean { get; init; } = [];

    /// <summary>Divides the rest: nothing, one value, or one for each channel.</summary>
    public ImmutableArray<double> Std { get; init; } = [];

    /// <summary>The one that gives each channel of these images mean 0 and deviation 1.</summary>
    public static Normalization Measure(ImageSet images)
    {
        ArgumentNullException.ThrowIfNull(images);
        var sums = new long[images.Channels];
        var squares = new long[images.Channels];
        var pixels = images.Pixels;
        for (var i = 0; i < pixels.Length; i += sums.Length)
        {
            for (var channel = 0; channel < sums.Length; channel++)
            {
                long value = pixels[i + channel];
                sums[channel] += value;
                squares[channel] += value * value;
            }
        }
        var count = Math.Max(1, pixels.Length / images.Channels);
        var mean = Array.ConvertAll(sums, sum => sum / (255.0 * count));
        var std = squares.Select((square, channel) =>
            Math.Sqrt(Math.Max(0, square / (255.0 * 255 * count) - mean[channel] * mean[channel])));
        return new Normalization { Mean = [.. mean], Std = [.. std.Select(value => value > 0 ? value : 1)] };
    }

    /// <summary>The number for each byte: 256 for channel 0, then 256 for channel 1, and so on.</summary>
    internal float[] Table(int channels)
    {
        var table = new float[channels * 256];
        for (var i = 0; i < table.Length; i++)
        {
            var (channel, value) = Math.DivRem(i, 256);
            table[i] = (float)((value * Scale - Of(Mean, channel, 0)) / Of(Std, channel, 1));
        }
        return table;

        double Of(ImmutableArray<double> values, int channel, double otherwise) =>
            values.IsDefaultOrEmpty ? otherwise
            : values.Length == 1 ? values[0]
            : values.Length == channels ? values[channel]
            : throw new ArgumentException(
                $"{values.Length} values of Mean or Std for images of {channels} channels: give one, or {channels}.");
    }
}
