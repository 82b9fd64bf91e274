namespace NativeDl;

/// <summary>
/// Disposes every tensor that was made inside it and not kept, when it is disposed itself. Nothing needs a scope: it
/// frees memory earlier than the collector would. Flows across <c>await</c> and into tasks started inside.
/// <code>
/// using var scope = TensorScope.Enter();
/// var y = model.Forward(x);
/// return scope.Keep(y);
/// </code>
/// Gradients and tensors that require one as leaves, such as parameters, are never disposed by a scope.
/// </summary>
public sealed class TensorScope : IDisposable
{
    private readonly TensorScope? _outer;
    private readonly AmbientScope _ambient;
    private readonly Lock _lock = new();
    private HashSet<Tensor>? _tensors = [];

    private TensorScope(TensorScope? outer)
    {
        _outer = outer;
        TensorTracking.Begin();
        _ambient = Ambient.Enter(Ambient.Current with { Scope = this });
    }

    /// <summary>Begins a scope, which ends when it is disposed.</summary>
    public static TensorScope Enter() => new(Ambient.Current.Scope);

    /// <summary>
    /// Tensors made until the scope that is returned is disposed belong to no tensor scope: for state that outlives the
    /// code that makes it, such as an optimizer's.
    /// </summary>
    public static AmbientScope Suspend() => Ambient.Enter(Ambient.Current with { Scope = null });

    /// <summary>Hands a tensor over to the scope around this one, or, where there is none, to the collector.</summary>
    public Tensor Keep(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (Remove(tensor))
            _outer?.Add(tensor);
        return tensor;
    }

    /// <summary>Disposes what was made inside and not kept. Disposing twice is allowed.</summary>
    public void Dispose()
    {
        HashSet<Tensor>? tensors;
        lock (_lock)
            (tensors, _tensors) = (_tensors, null);
        if (tensors is null)
            return;
        _ambient.Dispose();
        foreach (var tensor in tensors)
        {
            if (tensor is { RequiresGrad: true, IsLeaf: true })
                _outer?.Add(tensor);
            else
                tensor.Dispose();
        }
    }

    /// <summary>Takes a tensor that outlives all scopes out of the current ones.</summary>
    internal static void Release(Tensor tensor)
    {
        for (var scope = Ambient.Current.Scope; scope is not null; scope = scope._outer)
            scope.Remove(tensor);
    }

    /// <summary>A task that outlives the scope may add to it late; such a tensor is left to the collector.</summary>
    internal void Add(Tensor tensor)
    {
        lock (_lock)
            _tensors?.Add(tensor);
    }

    private bool Remove(Tensor tensor)
    {
        lock (_lock)
            return _tensors?.Remove(tensor) ?? false;
    }
}
