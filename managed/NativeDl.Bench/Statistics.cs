namespace NativeDl.Bench;

/// <summary>Times of one contestant, in seconds a call.</summary>
internal sealed record Sample(double Median, double Low, double High)
{
    /// <summary>Median, and the range that holds the middle 80 %.</summary>
    public static Sample Of(IEnumerable<double> times)
    {
        var sorted = times.Order().ToArray();
        return new Sample(Quantile(sorted, 0.5), Quantile(sorted, 0.1), Quantile(sorted, 0.9));
    }

    private static double Quantile(double[] sorted, double q)
    {
        var at = q * (sorted.Length - 1);
        var below = (int)at;
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }
}
