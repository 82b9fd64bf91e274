namespace NativeDl.Modules;

/// <summary>
/// In training, sets each element to 0 with a probability and scales the others so that the mean stays; in evaluation
/// does nothing. Draws from <see cref="Generator.Current"/>; <c>Fit</c> puts one of its seed in force.
/// </summary>
public sealed class Dropout : Module
{
    /// <summary>Makes the layer.</summary>
    /// <param name="probability">The probability of a 0, from 0 to 1.</param>
    /// <exception cref="InvalidArgumentException">It is not from 0 to 1.</exception>
    public Dropout(double probability = 0.5)
    {
        if (!(probability is >= 0 and <= 1))
            throw new InvalidArgumentException($"Dropout: probability is {probability}. It must be from 0 to 1.");
        Probability = probability;
    }

    /// <summary>The probability of a 0.</summary>
    public double Probability { get; }

    private protected override bool KeepsNothing => true;

    /// <summary>Any shape; returns the same. In evaluation that is <paramref name="x"/> itself.</summary>
    public override Tensor Forward(Tensor x)
    {
        var y = IsTraining && Probability > 0 ? Ops.Dropout(x, (float)Probability) : x;
        LayerTrace.Current?.Add(this, x, y);
        return y;
    }

    /// <summary>"Dropout(0.5)".</summary>
    public override string ToString() =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Dropout({Probability})");
}
