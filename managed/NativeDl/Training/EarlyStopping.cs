namespace NativeDl.Training;

/// <summary>Stops a run that has not become better for some epochs.</summary>
public sealed class EarlyStopping : Callback
{
    private readonly Goal _goal;
    private readonly double _difference;
    private readonly bool _restoreBest;
    private Dictionary<string, Tensor>? _bestState;
    private double? _best;
    private int _waited;

    /// <summary>Makes the callback.</summary>
    /// <param name="patience">After how many epochs in a row that are not better the run stops.</param>
    /// <param name="goal">What is better; <see cref="Goal.LowestLoss"/> by default.</param>
    /// <param name="difference">By how much an epoch must be better to count.</param>
    /// <param name="restoreBest">Whether the model gets the weights of the best epoch back at the end.</param>
    /// <exception cref="InvalidArgumentException">A patience below 1.</exception>
    public EarlyStopping(int patience = 3, Goal? goal = null, double difference = 0, bool restoreBest = false)
    {
        if (patience < 1)
            throw new InvalidArgumentException($"EarlyStopping: patience is {patience}. It must be 1 or more.");
        Patience = patience;
        _goal = goal ?? Goal.LowestLoss;
        _difference = difference;
        _restoreBest = restoreBest;
    }

    /// <summary>After how many epochs in a row that are not better the run stops.</summary>
    public int Patience { get; }

    /// <summary>The best epoch so far; 0 before the first.</summary>
    public int BestEpoch { get; private set; }

    /// <inheritdoc/>
    public override void OnFitBegin(FitContext fit) => (_best, _waited, BestEpoch) = (null, 0, 0);

    /// <inheritdoc/>
    public override void OnEpochEnd(FitContext fit, EpochResult result)
    {
        var figure = _goal.FigureOf(result);
        if (_goal.IsBetter(figure, _best, _difference))
        {
            (_best, _waited, BestEpoch) = (figure, 0, result.Epoch);
            if (_restoreBest)
            {
                Forget();
                using var outside = TensorScope.Suspend();
                _bestState = fit.Module.StateDictionary().ToDictionary(pair => pair.Key, pair => pair.Value.Copy());
            }
        }
        else if (++_waited >= Patience)
        {
            fit.Stop();
        }
    }

    /// <inheritdoc/>
    public override void OnFitEnd(FitContext fit)
    {
        if (_bestState is null)
            return;
        fit.Module.LoadStateDictionary(_bestState);
        Forget();
    }

    private void Forget()
    {
        foreach (var tensor in _bestState?.Values.AsEnumerable() ?? [])
            tensor.Dispose();
        _bestState = null;
    }
}
