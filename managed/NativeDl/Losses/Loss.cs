namespace NativeDl.Losses;

/// <summary>
/// What training makes small: a number found from a model's outputs and the targets. One of one's own overrides
/// <see cref="Forward"/>, out of <see cref="Ops"/> so that its gradient is known.
/// </summary>
public abstract class Loss
{
    /// <summary>The loss, a scalar: the mean over the batch.</summary>
    /// <param name="outputs">What the model gave.</param>
    /// <param name="targets">What it should have given: labels, for classes.</param>
    public abstract Tensor Forward(Tensor outputs, Tensor targets);

    /// <summary>The name of its type.</summary>
    public override string ToString() => GetType().Name;
}
