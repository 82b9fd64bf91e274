namespace NativeDl.Optimizers;

/// <summary>
/// A learning rate as a function of the number of steps done, whatever the caller counts as one: batches or epochs. It
/// keeps no state, so that a run resumed at a step goes on as it would have. The rates are PyTorch's.
/// </summary>
public abstract record RateSchedule
{
    /// <summary>The rate after some steps; that of the first update is at step 0.</summary>
    /// <param name="baseRate">The rate that the optimizer began with.</param>
    /// <param name="step">How many steps are done.</param>
    public abstract double At(double baseRate, long step);

    /// <summary>A part of the way from one number to another.</summary>
    private protected static double Between(double from, double to, double part) => from + ((to - from) * part);

    /// <summary>The same way along half a cosine: slow at both ends.</summary>
    private protected static double Anneal(double from, double to, double part) =>
        to + ((from - to) * (1 + Math.Cos(Math.PI * part)) / 2);
}

/// <summary>Multiplies the rate by gamma every so many steps.</summary>
public sealed record StepDecay(long StepSize, double Gamma = 0.1) : RateSchedule
{
    /// <inheritdoc/>
    public override double At(double baseRate, long step) => baseRate * Math.Pow(Gamma, step / StepSize);
}

/// <summary>Multiplies the rate by gamma at each milestone; one that is named twice counts twice.</summary>
public sealed record MultiStepDecay(IReadOnlyList<long> Milestones, double Gamma = 0.1) : RateSchedule
{
    /// <inheritdoc/>
    public override double At(double baseRate, long step) => baseRate * Math.Pow(Gamma, Milestones.Count(m => m <= step));
}

/// <summary>Multiplies the rate by gamma at every step.</summary>
public sealed record ExponentialDecay(double Gamma) : RateSchedule
{
    /// <inheritdoc/>
    public override double At(double baseRate, long step) => baseRate * Math.Pow(Gamma, step);
}

/// <summary>From the base rate to a minimum along half a cosine; after that it swings back.</summary>
public sealed record CosineDecay(long Steps, double Minimum = 0) : RateSchedule
{
    /// <inheritdoc/>
    public override double At(double baseRate, long step) => Anneal(baseRate, Minimum, (double)step / Steps);
}

/// <summary>Half a cosine again and again, each period <paramref name="Growth"/> times as long as the one before.</summary>
public sealed record CosineRestarts(long Period, int Growth = 1, double Minimum = 0) : RateSchedule
{
    /// <inheritdoc/>
    public override double At(double baseRate, long step)
    {
        var (period, at) = (Period, step);
        if (Growth == 1)
            at %= period;
        for (; at >= period; period *= Growth)
            at -= period;
        return Anneal(baseRate, Minimum, (double)at / period);
    }
}

/// <summary>(1 - step / steps) ^ power of the base rate, then 0; a straight line for power 1.</summary>
public sealed record PolynomialDecay(long Steps, double Power = 1) : RateSchedule
{
    /// <inheritdoc/>
    public override double At(double baseRate, long step) =>
        baseRate * Math.Pow(1 - ((double)Math.Min(step, Steps) / Steps), Power);
}

/// <summary>In a straight line from a part of the base rate up to all of it, then another schedule, from its beginning.</summary>
public sealed record Warmup(long Steps, double StartFactor = 0.1, RateSchedule? Then = null) : RateSchedule
{
    /// <inheritdoc/>
    public override double At(double baseRate, long step) => step < Steps
        ? baseRate * Between(StartFactor, 1, (double)step / Steps)
        : Then?.At(baseRate, step - Steps) ?? baseRate;
}

/// <summary>A function of the base rate and the step.</summary>
public sealed record CustomRate(Func<double, long, double> Rate) : RateSchedule
{
    /// <inheritdoc/>
    public override double At(double baseRate, long step) => Rate(baseRate, step);
}

/// <summary>
/// One cycle: from MaxRate / DivFactor up to MaxRate for a part of the steps, then down to the first divided by
/// FinalDivFactor. The optimizer's own rate plays no part.
/// </summary>
public sealed record OneCycle(
    double MaxRate, long Steps, double WarmupPart = 0.3, double DivFactor = 25, double FinalDivFactor = 1e4,
    bool Linear = false) : RateSchedule
{
    /// <inheritdoc/>
    public override double At(double baseRate, long step)
    {
        var (first, peak, last) = (MaxRate / DivFactor, (WarmupPart * Steps) - 1, (double)(Steps - 1));
        var at = Math.Min(step, last);
        return at <= peak
            ? Way(first, MaxRate, peak == 0 ? 1 : at / peak)
            : Way(MaxRate, first / FinalDivFactor, (at - peak) / (last - peak));
        double Way(double from, double to, double part) => Linear ? Between(from, to, part) : Anneal(from, to, part);
    }
}
