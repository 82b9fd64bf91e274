namespace NativeDl;

/// <summary>The gradient of a leaf, a tensor of which the user said that it requires one.</summary>
internal sealed class LeafGradient(Shape shape, DType dtype) : GradientTarget
{
    private readonly Lock _lock = new();

    private bool _exposed; // code outside the library may have the tensor

    public Tensor? Value { get; private set; }

    /// <summary>The gradient for outside.</summary>
    public Tensor? Expose()
    {
        _exposed = true;
        return Value;
    }

    /// <summary>Puts a tensor from outside in its place.</summary>
    public void Set(Tensor? value)
    {
        Value = value;
        _exposed = true;
    }

    /// <summary>Lets go of the gradient, and frees it if nobody outside has it.</summary>
    public void Release()
    {
        if (!_exposed)
            Value?.Dispose();
        Value = null;
    }

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
            else
            {
                Value = exclusive ? gradient : gradient.Copy();
                _exposed = false;
                if (!exclusive)
                    gradient.Dispose();
            }
            TensorScope.Release(Value);
        }
    }
}
