namespace NativeDl.Optimizers;

/// <summary>
/// Parameters that an optimizer treats alike: <c>new ParameterGroup(biases, weightDecay: 0)</c>. A group belongs to one
/// optimizer.
/// </summary>
public sealed class ParameterGroup
{
    private double? _learningRate;

    /// <summary>A group; what is not said is the optimizer's.</summary>
    /// <exception cref="InvalidArgumentException">A negative learning rate, a parameter given twice, or one that an op
    /// made.</exception>
    public ParameterGroup(IEnumerable<Tensor> parameters, double? learningRate = null, double? weightDecay = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        Parameters = [.. parameters];
        WeightDecay = weightDecay;
        if (learningRate is { } rate)
            LearningRate = rate;
        if (Parameters.FirstOrDefault(p => !p.IsLeaf) is { } made)
        {
            throw new InvalidArgumentException(
                $"A parameter {made.Shape} is the output of a recorded op, and only leaves can be trained. Detach it first.");
        }
        if (Parameters.Distinct().Count() != Parameters.Count)
            throw new InvalidArgumentException("A parameter was given twice. It would be updated twice in a step.");
    }

    /// <summary>The parameters.</summary>
    public IReadOnlyList<Tensor> Parameters { get; }

    /// <summary>The weight decay of this group; null for that of the optimizer's options.</summary>
    public double? WeightDecay { get; set; }

    /// <summary>The learning rate from the next step on. It is kept in tensors, so that a recorded step follows it.</summary>
    /// <exception cref="InvalidArgumentException">Set to a negative number or NaN.</exception>
    /// <exception cref="InvalidOperationException">Read before it was set or the group was given to an optimizer.</exception>
    public double LearningRate
    {
        get => _learningRate ?? throw new InvalidOperationException("The group has no learning rate until an optimizer has it.");
        set
        {
            if (!(value >= 0))
                throw new InvalidArgumentException($"A learning rate of {value} is not possible; it must be at least 0.");
            _learningRate = value;
            foreach (var batch in Batches)
                batch.LearningRate.Fill(value);
        }
    }

    /// <summary>The parameters by dtype and device: a native call for each.</summary>
    internal IReadOnlyList<ParameterBatch> Batches { get; private set; } = [];

    internal void Attach(double learningRate, int slots)
    {
        if (Batches.Count > 0)
            throw new InvalidArgumentException("A parameter group was given to two optimizers. Make one for each.");
        Batches = [.. Parameters.GroupBy(p => (p.DType, p.Device)).Select(g => new ParameterBatch(g, g.Key.Device, slots))];
        LearningRate = _learningRate ?? learningRate;
    }
}

/// <summary>A parameter and what the optimizer remembers of it, which it makes at the parameter's first update.</summary>
internal sealed class TrainedParameter(Tensor parameter)
{
    public Tensor Parameter { get; } = parameter;

    public Tensor[]? State { get; set; }
}

/// <summary>
/// Parameters of one dtype and device, and the lists of handles that one native call takes: parameters, gradients, then
/// the state. The arrays are kept from step to step.
/// </summary>
internal sealed class ParameterBatch
{
    private readonly int _slots;
    private readonly Tensor?[] _gradients;

    public ParameterBatch(IEnumerable<Tensor> parameters, Device device, int slots)
    {
        _slots = slots;
        Parameters = [.. parameters.Select(p => new TrainedParameter(p))];
        Handles = new ulong[slots * Parameters.Count];
        _gradients = new Tensor?[Parameters.Count];
        using var outside = TensorScope.Suspend();
        LearningRate = Tensor.Scalar(0.0, device);
    }

    public IReadOnlyList<TrainedParameter> Parameters { get; }

    /// <summary>A scalar, F64: as exact as the number it was set to.</summary>
    public Tensor LearningRate { get; }

    public ulong[] Handles { get; }

    /// <summary>How many parameters have a gradient in this step.</summary>
    public int Count { get; private set; }

    /// <summary>A list of handles within the pinned <see cref="Handles"/>; null where the optimizer has no such state.</summary>
    public unsafe ulong* List(ulong* handles, int slot) => slot < _slots ? handles + (slot * Parameters.Count) : null;

    /// <summary>Collects what has a gradient.</summary>
    public void Collect(Func<Tensor, Tensor[]> makeState)
    {
        Count = 0;
        for (var i = 0; i < Parameters.Count; i++)
        {
            var trained = Parameters[i];
            if (trained.Parameter.HeldGrad is not { IsDisposed: false } gradient)
                continue;
            trained.State ??= makeState(trained.Parameter);
            _gradients[i] = gradient; // alive until the call ends, whatever becomes of .Grad
            Put(0, trained.Parameter);
            Put(1, gradient);
            for (var slot = 2; slot < _slots; slot++)
                Put(slot, trained.State[slot - 2]);
            Count++;
        }

        void Put(int slot, Tensor tensor) => Handles[(slot * Parameters.Count) + Count] = tensor.Handle;
    }

    /// <summary>Ends a step: lets go of the gradients, and remembers who wrote.</summary>
    public void Finish(string writer)
    {
        for (var i = 0; i < Parameters.Count; i++)
        {
            if (_gradients[i] is not null)
                LastWriters.Note(Parameters[i].Parameter, writer);
            _gradients[i] = null;
        }
    }
}
