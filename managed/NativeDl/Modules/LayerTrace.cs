namespace NativeDl.Modules;

/// <summary>What layers report of a forward pass on this thread while a summary is being made.</summary>
internal sealed class LayerTrace
{
    [ThreadStatic]
    private static LayerTrace? _current;

    private readonly List<Call> _calls = [];

    /// <summary>The trace of this thread; null where none is being made, as nearly always.</summary>
    public static LayerTrace? Current => _current;

    public int Count => _calls.Count;

    public IReadOnlyList<Call> Calls => _calls;

    /// <summary>Runs an action and returns what the layers reported of it.</summary>
    public static LayerTrace Of(Action action)
    {
        var before = _current;
        var trace = _current = new LayerTrace();
        try
        {
            action();
        }
        finally
        {
            _current = before;
        }
        return trace;
    }

    public void Add(Module module, Tensor x, Tensor y, long multiplyAdds = 0) =>
        _calls.Add(new Call(module, x.Shape, y.Shape, multiplyAdds));

    /// <summary>Reports a module that reported nothing itself, nor any inside it.</summary>
    public void AddIfSilent(Module module, Tensor x, Tensor y, int countBefore)
    {
        if (Count == countBefore && module is not Sequential)
            Add(module, x, y);
    }

    /// <summary>One call of a layer.</summary>
    public readonly record struct Call(Module Module, Shape Input, Shape Output, long MultiplyAdds);
}
