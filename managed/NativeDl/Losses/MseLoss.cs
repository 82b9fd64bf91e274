namespace NativeDl.Losses;

/// <summary>The mean of the squared differences, over all elements. Outputs and targets of one shape and dtype.</summary>
public sealed class MseLoss : Loss
{
    /// <summary>The loss, a scalar.</summary>
    /// <exception cref="ShapeException">The shapes differ: nothing is broadcast.</exception>
    /// <exception cref="DTypeException">The dtypes differ.</exception>
    public override Tensor Forward(Tensor outputs, Tensor targets) => Ops.MseLoss(outputs, targets);
}
