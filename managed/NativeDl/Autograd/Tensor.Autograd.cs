namespace NativeDl;

public sealed partial class Tensor
{
    /// <summary>Where this tensor's gradient flows to; null where none is required.</summary>
    internal GradientTarget? GradientTarget { get; set; }

    /// <summary>
    /// Whether a gradient flows to this tensor: set it on a leaf, such as a parameter. A tensor that a recorded op
    /// made has it from its inputs, and loses it by <see cref="Detach"/> alone.
    /// </summary>
    /// <exception cref="DTypeException">Set on a tensor that does not hold floats.</exception>
    /// <exception cref="AutogradException">Cleared on a tensor that a recorded op made.</exception>
    public bool RequiresGrad
    {
        get => GradientTarget is not null;
        set
        {
            if (value == RequiresGrad)
                return;
            if (value && !_dtype.IsFloat())
                throw new DTypeException($"RequiresGrad: a tensor {_dtype} {Shape} has no gradient; only floats have one.");
            if (!value && GradientTarget is GradientNode node)
            {
                throw new AutogradException(
                    $"RequiresGrad cannot be cleared on a tensor {Shape} that {node.Op} made. Use Detach().");
            }
            GradientTarget = value ? new LeafGradient(Shape, _dtype) : null;
        }
    }

    /// <summary>Whether the tensor is not the output of a recorded op. Only leaves have a <see cref="Grad"/>.</summary>
    public bool IsLeaf => GradientTarget is not GradientNode;

    /// <summary>
    /// The sum of the gradients that backward passes brought to this leaf; null before the first, and for tensors that
    /// are no leaves. <see cref="Backward"/> adds to it in place; set it to null to begin anew.
    /// </summary>
    /// <exception cref="AutogradException">Set on a tensor that requires no gradient or is no leaf.</exception>
    /// <exception cref="ShapeException">Set to a tensor of another shape.</exception>
    /// <exception cref="DTypeException">Set to a tensor of another dtype.</exception>
    public Tensor? Grad
    {
        get => (GradientTarget as LeafGradient)?.Expose();
        set
        {
            if (GradientTarget is not LeafGradient leaf)
            {
                if (value is null)
                    return;
                throw new AutogradException($"Grad: a tensor {Shape} that requires no gradient, or is no leaf, has none.");
            }
            if (value is not null)
                RequireGradientLike(value, nameof(Grad));
            leaf.Set(value);
        }
    }

    /// <summary>The gradient, for code of the library that keeps no hold of it.</summary>
    internal Tensor? HeldGrad => (GradientTarget as LeafGradient)?.Value;

    /// <summary>Sets the gradient to null, and frees its memory if only the library has seen it.</summary>
    internal void ReleaseGrad() => (GradientTarget as LeafGradient)?.Release();

    /// <summary>
    /// Computes the gradient of this tensor with respect to every leaf that it depends on, and adds it to their
    /// <see cref="Grad"/>. Frees what the ops had saved as it passes; this tensor itself, and all others, stay usable.
    /// </summary>
    /// <param name="gradient">The gradient to begin with, of this tensor's shape and dtype; 1 for a tensor with one
    /// element.</param>
    /// <param name="retainGraph">Keeps what the ops saved, so that Backward can be called again.</param>
    /// <exception cref="AutogradException">The tensor requires no gradient, has more than one element and no gradient was
    /// given, was gone through before, or a tensor that an op saved was overwritten since.</exception>
    /// <exception cref="ShapeException">The gradient has another shape.</exception>
    /// <exception cref="DTypeException">The gradient has another dtype.</exception>
    public void Backward(Tensor? gradient = null, bool retainGraph = false)
    {
        if (GradientTarget is not { } target)
        {
            throw new AutogradException(
                $"Backward: this tensor {Shape} requires no gradient. Set RequiresGrad on a tensor that it is computed " +
                "from, and compute it outside Autograd.NoGrad().");
        }
        if (gradient is not null)
        {
            RequireGradientLike(gradient, nameof(Backward));
        }
        else if (_count != 1)
        {
            throw new AutogradException(
                $"Backward: this tensor {Shape} has {_count} elements. Reduce it to one, such as a mean, or give the " +
                "gradient to begin with.");
        }
        using (Autograd.NoGrad())
        {
            var seed = gradient?.Detach() ?? Ones(Shape, _dtype, _device);
            new BackwardPass(retainGraph).Run(target, seed, exclusive: gradient is null);
        }
    }

    private void RequireGradientLike(Tensor gradient, string member)
    {
        if (gradient.Shape != Shape)
            throw new ShapeException($"{member}: the gradient has shape {gradient.Shape}, and the tensor {Shape}. Give the same.");
        if (gradient.DType != _dtype)
            throw new DTypeException($"{member}: the gradient is {gradient.DType}, and the tensor {_dtype}. Give the same.");
    }
}
