namespace NativeDl.Modules;

/// <summary>
/// A layer whose parameters may wait for the first input, which tells their sizes. A derived class calls
/// <see cref="EnsureBuilt"/> first in its Forward, or <see cref="BuildFor"/> in its constructor where the size is known.
/// </summary>
public abstract class LazyModule : Module
{
    private readonly Lock _lock = new();
    private volatile bool _isBuilt;

    /// <inheritdoc/>
    public sealed override bool IsBuilt => _isBuilt && base.IsBuilt;

    /// <summary>The names of the parameters and buffers that the module will have, for the errors of loading.</summary>
    protected internal abstract IReadOnlyList<string> StateNames { get; }

    /// <summary>Registers the parameters for inputs of this many features: channels of an image.</summary>
    protected abstract void CreateParameters(int inputFeatures, DType dtype, Device device);

    /// <summary>The input's features, found from the tensors of a state by their names; null if it does not say.</summary>
    protected abstract (int Features, DType DType)? FeaturesOf(Func<string, Tensor?> state);

    /// <summary>Makes the parameters for an input whose last dimension is its features, unless they are there.</summary>
    /// <exception cref="ShapeException">The input is a scalar.</exception>
    protected void EnsureBuilt(Tensor x)
    {
        if (_isBuilt)
            return;
        var shape = x.Shape;
        if (shape.Rank < 1)
            throw new ShapeException($"{GetType().Name}: the input is a scalar. Give one whose last dimension is features.");
        BuildFor(checked((int)shape[^1]), x.DType, x.Device);
    }

    /// <summary>Makes the parameters for inputs of this many features, unless they are there.</summary>
    protected void BuildFor(int inputFeatures, DType dtype = DType.F32, Device device = default)
    {
        lock (_lock)
        {
            if (_isBuilt)
                return;
            CreateParameters(inputFeatures, dtype, device);
            _isBuilt = true;
        }
    }

    internal void BuildFromState(Func<string, Tensor?> state)
    {
        if (FeaturesOf(state) is { Features: > 0 } found)
            BuildFor(found.Features, found.DType);
    }
}
