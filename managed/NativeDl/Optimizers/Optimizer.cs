using NativeDl.Modules;

namespace NativeDl.Optimizers;

/// <summary>
/// Updates parameters from their gradients, all of a dtype and device in one native call:
/// <code>
/// optimizer.ZeroGrad();
/// loss.Backward();
/// optimizer.Step();
/// </code>
/// The updates are PyTorch's. A parameter without a gradient is left out of the step, and its state too.
/// </summary>
public abstract class Optimizer
{
    private readonly string[] _stateNames;
    private readonly Func<Tensor, Tensor[]> _makeState;

    private protected Optimizer(IEnumerable<ParameterGroup> groups, double learningRate, string[] stateNames)
    {
        ArgumentNullException.ThrowIfNull(groups);
        _stateNames = stateNames;
        _makeState = MakeState;
        Groups = [.. groups];
        var parameters = Groups.SelectMany(g => g.Parameters).ToList();
        if (parameters.Count == 0)
            throw new InvalidArgumentException("The optimizer was given no parameters. Build the model before its optimizer.");
        if (parameters.Distinct().Count() != parameters.Count)
            throw new InvalidArgumentException("A parameter is in two groups. It would be updated twice in a step.");
        foreach (var group in Groups)
            group.Attach(learningRate, 2 + stateNames.Length);
    }

    /// <summary>The groups of parameters, each with its learning rate.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>The learning rate of the first group; setting it sets that of all.</summary>
    /// <exception cref="InvalidArgumentException">Set to a negative number or NaN.</exception>
    public double LearningRate
    {
        get => Groups[0].LearningRate;
        set
        {
            foreach (var group in Groups)
                group.LearningRate = value;
        }
    }

    /// <summary>Updates every parameter that has a gradient.</summary>
    public void Step()
    {
        foreach (var group in Groups)
        {
            foreach (var batch in group.Batches)
            {
                batch.Collect(_makeState);
                try
                {
                    if (batch.Count > 0)
                        Update(group, batch);
                }
                finally
                {
                    batch.Finish(GetType().Name);
                }
            }
        }
    }

    /// <summary>Sets the gradients of all parameters to null, and frees those that only the library has seen.</summary>
    public void ZeroGrad()
    {
        foreach (var group in Groups)
        {
            foreach (var parameter in group.Parameters)
                parameter.ReleaseGrad();
        }
    }

    /// <summary>
    /// The learning rates, "groups.0.learning_rate", and the state of the parameters that have been updated, numbered
    /// through all groups: "state.3.step". The tensors are the optimizer's own: they change at every step.
    /// </summary>
    public IReadOnlyDictionary<string, Tensor> StateDictionary()
    {
        OrderedDictionary<string, Tensor> state = [];
        for (var i = 0; i < Groups.Count; i++)
            state.Add(RateName(i), Groups[i].Batches.Count > 0 ? Groups[i].Batches[0].LearningRate : Tensor.Scalar(Groups[i].LearningRate));
        var number = 0;
        foreach (var parameter in AllParameters())
        {
            for (var slot = 0; slot < (parameter.State?.Length ?? 0); slot++)
                state.Add(StateName(number, slot), parameter.State![slot]);
            number++;
        }
        return state;
    }

    /// <summary>Takes on a state of <see cref="StateDictionary"/>, all or nothing: training goes on as it would have.</summary>
    /// <exception cref="StateDictionaryException">The state is not one of this optimizer with these parameters.</exception>
    public void LoadStateDictionary(IReadOnlyDictionary<string, Tensor> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        HashSet<string> unexpected = [.. state.Keys];
        List<string> missing = [];
        List<StateMismatch> mismatched = [];
        Tensor? Find(string name, Shape shape, DType dtype)
        {
            unexpected.Remove(name);
            if (!state.TryGetValue(name, out var value))
                missing.Add(name);
            else if (value.Shape != shape || value.DType != dtype)
                mismatched.Add(new StateMismatch(name, shape, dtype, value.Shape, value.DType));
            return value;
        }

        Tensor?[] rates = [.. Groups.Select((_, i) => Find(RateName(i), [], DType.F64))];
        var parameters = AllParameters().ToList();
        var values = new Tensor?[parameters.Count][];
        for (var i = 0; i < parameters.Count; i++)
        {
            // A parameter that was never updated has no state at all.
            if (!Enumerable.Range(0, _stateNames.Length).Any(slot => state.ContainsKey(StateName(i, slot))))
                continue;
            var parameter = parameters[i].Parameter;
            values[i] = [.. _stateNames.Select((name, slot) => name == "step"
                ? Find(StateName(i, slot), [], DType.I64)
                : Find(StateName(i, slot), parameter.Shape, parameter.DType))];
        }
        if (missing.Count + unexpected.Count + mismatched.Count > 0)
            throw new StateDictionaryException(missing, [.. unexpected.Order(StringComparer.Ordinal)], mismatched, "optimizer");

        for (var i = 0; i < Groups.Count; i++)
            Groups[i].LearningRate = rates[i]!.Item<double>();
        for (var i = 0; i < parameters.Count; i++)
        {
            if (values[i] is null)
            {
                parameters[i].State = null;
                continue;
            }
            parameters[i].State ??= MakeState(parameters[i].Parameter);
            for (var slot = 0; slot < values[i].Length; slot++)
                parameters[i].State![slot].CopyBytesFrom(values[i][slot]!);
        }
    }

    private protected abstract void Update(ParameterGroup group, ParameterBatch batch);

    private static string RateName(int group) => $"groups.{group}.learning_rate";

    private string StateName(int parameter, int slot) => $"state.{parameter}.{_stateNames[slot]}";

    // In the order in which the parameters were given.
    private IEnumerable<TrainedParameter> AllParameters()
    {
        var trained = Groups.SelectMany(g => g.Batches).SelectMany(b => b.Parameters).ToDictionary(p => p.Parameter);
        return Groups.SelectMany(g => g.Parameters).Select(p => trained[p]);
    }

    private Tensor[] MakeState(Tensor parameter)
    {
        using var outside = TensorScope.Suspend();
        return Array.ConvertAll(_stateNames, name => name == "step"
            ? Tensor.Zeros([], DType.I64, parameter.Device)
            : Tensor.Zeros(parameter.Shape, parameter.DType, parameter.Device));
    }
}
