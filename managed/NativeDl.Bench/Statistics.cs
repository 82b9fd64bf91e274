namespace NativeDl.Bench;

/// <summary>Times of one contestant, in seconds a call.</summary>
internal sealed record Sample(double Median, double Low, double High, double Least)
{
    /// <summary>Median, the range that holds the middle 80 %, and the least.</summary>
    public static Sample Of(IEnumerable<double> times)
    {
        var sorted = times.Order().ToArray();
        return new Sample(Quantile(sorted, 0.5), Quantile(sorted, 0.1), Quantile(sorted, 0.9), sorted[0]);
    }

    private static double Quantile(double[] sorted, double q)
    {
        var at = q * (sorted.Length - 1);
        var below = (int)at;
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }
}

/// <summary>Which figure of a sample stands for it: the median, or the least time on a machine that others use too.</summary>
internal enum Statistic
{
    Median,
    Least,
}

internal static class Statistics
{
    public static double By(this Sample sample, Statistic statistic) => statistic == Statistic.Least ? sample.Least : sample.Median;

    public static double GeometricMean(IEnumerable<double> values)
    {
        var logs = values.Select(v => Math.Log(v)).ToArray();
        return logs.Length == 0 ? double.NaN : Math.Exp(logs.Average());
    }
}
