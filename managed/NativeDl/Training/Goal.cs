namespace NativeDl.Training;

/// <summary>Which of two epochs is better: <c>Goal.Highest(epoch => epoch.ValidationMetrics["accuracy"])</c>.</summary>
public sealed class Goal
{
    private readonly Func<EpochResult, double> _figure;
    private readonly bool _highest;

    private Goal(Func<EpochResult, double> figure, bool highest) => (_figure, _highest) = (figure, highest);

    /// <summary>The lowest validation loss; the lowest loss where there are no validation data.</summary>
    public static Goal LowestLoss { get; } = Lowest(epoch => epoch.ValidationLoss ?? epoch.Loss);

    /// <summary>The highest validation accuracy; the highest accuracy where there are no validation data.</summary>
    public static Goal HighestAccuracy { get; } = Highest(epoch =>
        epoch.ValidationMetrics.TryGetValue("accuracy", out var validation) ? validation : epoch.Metrics["accuracy"]);

    /// <summary>The lowest value of a figure.</summary>
    public static Goal Lowest(Func<EpochResult, double> figure) => new(figure, highest: false);

    /// <summary>The highest value of a figure.</summary>
    public static Goal Highest(Func<EpochResult, double> figure) => new(figure, highest: true);

    /// <summary>The figure of an epoch.</summary>
    public double FigureOf(EpochResult epoch) => _figure(epoch);

    /// <summary>Whether a figure is better than another by more than a difference. NaN is worse than all.</summary>
    internal bool IsBetter(double figure, double? best, double difference = 0) =>
        !double.IsNaN(figure) &&
        (best is not { } other || double.IsNaN(other) || (_highest ? figure > other + difference : figure < other - difference));
}
