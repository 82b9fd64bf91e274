namespace NativeDl;

/// <summary>The gradient of a leaf, a tensor of which the user said that it requires one.</summary>
internal sealed class LeafGradient(Shape shape, DType dtype) : GradientTarget
{
    private readonly Lock _lock = new();

    public Tensor? Value { get; set; }

    /// <summary>Adds a gradient and disposes it, or keeps it where its memory is exclusive and nothing was there.</summary>
    public void Accumulate(Tensor gradient, bool exclusive, string op)
    {
        if (gradient.Shape != shape || gradient.DType != dtype)
        {
            throw new AutogradException(
                $"{op} gave a gradient {gradient.DType} {gradient.Shape} for a tensor {dtype} {shape}. " +
                "A gradient has its tensor's shape and dtype.");
        }
        // Two backward passes may end in the same leaf.
        lock (_lock)
        {
            if (Value is { IsDisposed: false })
            {
                Value.AddInPlace(gradient);
                gradient.Dispose();
            }
            else if (exclusive)
            {
                Value = gradient;
            }
            else
            {
                Value = gradient.Copy();
                gradient.Dispose();
            }
        }
    }
}
