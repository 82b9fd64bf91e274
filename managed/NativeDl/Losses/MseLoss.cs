namespace NativeDl.Losses;

/// <summary>The mean of the squared differences, over all elements. Outputs and targets of one shape and dtype.</summary>
public sealed class MseLoss : Loss
{
    /// <summary>The loss, a scalar.</summary>
    /// <exception cref="ShapeException">The shapes differ: nothing is broadcast.</exception>
    /// <exception cref="DTypeException">The dtypes differ.</exception>
    public override Tensor Forward(Tensor outputs, Tensor targets)
    {
        if (outputs.Shape != targets.Shape)
        {
            throw new ShapeException(
                $"MseLoss: the outputs are {outputs.Shape} and the targets {targets.Shape}. Reshape one to the other.");
        }
        using var difference = Ops.Subtract(outputs, targets);
        using var squares = Ops.Multiply(difference, difference);
        return Ops.Mean(squares);
    }
}
