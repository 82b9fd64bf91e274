namespace NativeDl.Optimizers;

/// <summary>
/// Sets the learning rates of an optimizer's groups by a schedule, each from the rate that it has now:
/// <code>
/// var scheduler = new LearningRateScheduler(optimizer, new Warmup(500, Then: new CosineDecay(10_000)));
/// ... optimizer.Step(); scheduler.Step();
/// </code>
/// </summary>
public sealed class LearningRateScheduler
{
    private readonly Optimizer _optimizer;
    private readonly RateSchedule _schedule;
    private readonly double[] _baseRates;
    private long _stepCount;

    /// <summary>Takes the optimizer's rates as the base, and sets those of step 0.</summary>
    public LearningRateScheduler(Optimizer optimizer, RateSchedule schedule)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(schedule);
        (_optimizer, _schedule) = (optimizer, schedule);
        _baseRates = [.. optimizer.Groups.Select(g => g.LearningRate)];
        StepCount = 0;
    }

    /// <summary>The steps done. Setting it resumes there: keep it with the optimizer's state.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to a negative number.</exception>
    public long StepCount
    {
        get => _stepCount;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _stepCount = value;
            for (var i = 0; i < _baseRates.Length; i++)
                _optimizer.Groups[i].LearningRate = _schedule.At(_baseRates[i], value);
        }
    }

    /// <summary>Goes one step on.</summary>
    public void Step() => StepCount++;
}

/// <summary>Multiplies the learning rates by a factor when a measure has not become better for a while.</summary>
public sealed class ReduceRateOnPlateau
{
    private readonly Optimizer _optimizer;
    private double? _best;
    private int _waited, _cooling;

    /// <summary>Watches a measure, of which <see cref="Step"/> is told.</summary>
    public ReduceRateOnPlateau(Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        _optimizer = optimizer;
    }

    /// <summary>Whether the measure is good when it is high, as an accuracy.</summary>
    public bool HigherIsBetter { get; init; }

    /// <summary>What the rates are multiplied by.</summary>
    public double Factor { get; init; } = 0.1;

    /// <summary>How many calls without an improvement are let pass.</summary>
    public int Patience { get; init; } = 10;

    /// <summary>How much better counts as better: a part of the best, or an amount under <see cref="ThresholdIsAbsolute"/>.</summary>
    public double Threshold { get; init; } = 1e-4;

    /// <summary>Whether the threshold is an amount.</summary>
    public bool ThresholdIsAbsolute { get; init; }

    /// <summary>How many calls after a reduction do not count.</summary>
    public int Cooldown { get; init; }

    /// <summary>What the rates do not go below.</summary>
    public double Minimum { get; init; }

    /// <summary>Notes a measure, of an epoch for example. A NaN is no improvement.</summary>
    public void Step(double measure)
    {
        if (IsBetter(measure))
            (_best, _waited) = (measure, 0);
        else
            _waited++;
        if (_cooling > 0)
            (_cooling, _waited) = (_cooling - 1, 0);
        if (_waited <= Patience)
            return;
        foreach (var group in _optimizer.Groups)
        {
            var reduced = Math.Max(group.LearningRate * Factor, Minimum);
            if (group.LearningRate - reduced > 1e-8)
                group.LearningRate = reduced;
        }
        (_cooling, _waited) = (Cooldown, 0);
    }

    private bool IsBetter(double measure)
    {
        if (_best is not { } best)
            return !double.IsNaN(measure);
        var margin = ThresholdIsAbsolute ? Threshold : Threshold * best;
        return HigherIsBetter ? measure > best + margin : measure < best - margin;
    }
}
