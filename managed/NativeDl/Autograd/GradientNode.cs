namespace NativeDl;

/// <summary>Where a gradient flows to: the rule of the op that made a tensor, or the .Grad of a leaf.</summary>
internal abstract class GradientTarget;

/// <summary>
/// One recorded op. Holds native references of its own to what its rule needs, and nothing of the managed tensors, so
/// that an intermediate which user code can no longer reach goes at once, graph or no graph.
/// </summary>
internal abstract class GradientNode : GradientTarget
{
    private static long _lastSequence;

    private readonly GradientTarget?[] _inputs;
    private SavedTensor[]? _saved;

    protected GradientNode(
        string op, Tensor y, ReadOnlySpan<Tensor?> inputs, ReadOnlySpan<Tensor?> saved, Activation activation)
    {
        Op = op;
        Sequence = Interlocked.Increment(ref _lastSequence);
        Activation = activation;
        _inputs = new GradientTarget?[inputs.Length];
        for (var i = 0; i < inputs.Length; i++)
            _inputs[i] = inputs[i]?.GradientTarget;
        _saved = new SavedTensor[saved.Length + 1];
        for (var i = 0; i < saved.Length; i++)
            _saved[i] = SavedTensor.Of(saved[i]);
        _saved[^1] = SavedTensor.Of(activation == Activation.None ? null : y);
    }

    /// <summary>Frees what a graph holds that no backward pass went through.</summary>
    ~GradientNode()
    {
        foreach (var saved in _saved ?? [])
        {
            if (saved.Handle != 0)
                Reclaimer.Enqueue(saved.Handle);
        }
    }

    public string Op { get; }

    /// <summary>Greater than that of every node this one's gradient flows to.</summary>
    public long Sequence { get; }

    public Activation Activation { get; }

    public ReadOnlySpan<GradientTarget?> Inputs => _inputs;

    /// <summary>The gradients of the inputs.</summary>
    public Tensor?[] Apply(Tensor dy)
    {
        if (_saved is null)
            throw Freed();
        Span<bool> need = stackalloc bool[_inputs.Length];
        for (var i = 0; i < need.Length; i++)
            need[i] = _inputs[i] is not null;
        var throughActivation = Activation == Activation.None
            ? dy
            : Activations.Backward(Unpack(_saved.Length - 1)!, dy, Activation);
        var gradients = ApplyRule(throughActivation, need);
        if (throughActivation != dy && Array.IndexOf(gradients, throughActivation) < 0)
            throughActivation.Dispose();
        return gradients;
    }

    /// <summary>Lets go of the saved tensors' objects, and, unless the graph is kept, of their memory.</summary>
    public void Release(bool retainGraph)
    {
        var saved = _saved;
        if (saved is null)
            return;
        for (var i = 0; i < saved.Length; i++)
        {
            saved[i].Unpacked?.Dispose();
            saved[i].Unpacked = null;
        }
        if (retainGraph)
            return;
        // Taken in one step: of two backward passes that meet here, one frees.
        if (Interlocked.CompareExchange(ref _saved, null, saved) != saved)
            return;
        foreach (var tensor in saved)
            Native.TensorDestroy(tensor.Handle);
        Array.Clear(_inputs);
        GC.SuppressFinalize(this);
    }

    public Tensor? Unpack(int index)
    {
        var saved = _saved ?? throw Freed();
        if (saved[index].Handle == 0)
            return null;
        saved[index].Unpacked ??= saved[index].Open(Op);
        return saved[index].Unpacked;
    }

    /// <summary>Storages of the saved tensors that the rule looked at.</summary>
    public bool HasUnpacked(ulong storage)
    {
        foreach (var saved in _saved ?? [])
        {
            if (saved.Unpacked is { } tensor && tensor.Storage == storage)
                return true;
        }
        return false;
    }

    protected abstract Tensor?[] ApplyRule(Tensor dy, ReadOnlySpan<bool> need);

    private AutogradException Freed() => new(
        $"Backward came to {Op} a second time, and what it had saved was freed by the first. " +
        "Call Backward(retainGraph: true) the first time, or run the forward pass again.");

    /// <summary>A native reference of the tape's own, with the version of the time.</summary>
    private struct SavedTensor
    {
        public ulong Handle;
        public Tensor? Unpacked;
        private ulong _version;

        public static SavedTensor Of(Tensor? tensor)
        {
            if (tensor is null)
                return default;
            var handle = Native.TensorAlias(tensor);
            return new SavedTensor { Handle = handle, _version = Native.TensorInfo(handle).version };
        }

        public readonly Tensor Open(string op)
        {
            var tensor = Tensor.Adopt(Native.TensorAlias(Handle), isNewStorage: false);
            var info = Native.TensorInfo(Handle);
            if (info.version == _version)
                return tensor;
            using (tensor)
            {
                var writer = LastWriters.Find(info.storage);
                throw new AutogradException(
                    $"{op} saved a tensor {tensor.Shape} for its gradient, and it was overwritten since" +
                    (writer is null ? "" : $" by {writer}") +
                    $" (version {_version} then, {info.version} now). " +
                    "Write to it after Backward, or give the op a Clone of it.");
            }
        }
    }
}

/// <summary>A recorded op with the state that its rule is given.</summary>
internal sealed class GradientNode<TState>(
    string op, Tensor y, ReadOnlySpan<Tensor?> inputs, ReadOnlySpan<Tensor?> saved, TState state,
    GradientRule<TState> rule, Activation activation)
    : GradientNode(op, y, inputs, saved, activation)
{
    protected override Tensor?[] ApplyRule(Tensor dy, ReadOnlySpan<bool> need)
    {
        var gradients = rule(dy, new SavedTensors(this), need, state);
        if (gradients.Length != Inputs.Length)
        {
            throw new AutogradException(
                $"The rule of {Op} gave {gradients.Length} gradients, and the op has {Inputs.Length} inputs.");
        }
        return gradients;
    }
}
