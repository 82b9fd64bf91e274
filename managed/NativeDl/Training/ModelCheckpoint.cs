using System.Globalization;

namespace NativeDl.Training;

/// <summary>
/// Saves the model after each epoch, or after each that is the best so far. A file is replaced in one step, so that the
/// last whole one is there whatever happens.
/// </summary>
public sealed class ModelCheckpoint : Callback
{
    private readonly Goal? _goal;
    private double? _best;

    /// <summary>Makes the callback.</summary>
    /// <param name="path">The file; "{epoch}" in it becomes the epoch's number.</param>
    /// <param name="onlyBest">Saves only epochs that are better than all before by this goal; null: all epochs.</param>
    public ModelCheckpoint(string path, Goal? onlyBest = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Path = path;
        _goal = onlyBest;
    }

    /// <summary>The file, as it was given.</summary>
    public string Path { get; }

    /// <summary>The file that was saved last; null before the first.</summary>
    public string? LastSaved { get; private set; }

    /// <inheritdoc/>
    public override void OnFitBegin(FitContext fit) => _best = null;

    /// <inheritdoc/>
    public override void OnEpochEnd(FitContext fit, EpochResult result)
    {
        if (_goal is not null)
        {
            var figure = _goal.FigureOf(result);
            if (!_goal.IsBetter(figure, _best))
                return;
            _best = figure;
        }
        var epoch = result.Epoch.ToString(CultureInfo.InvariantCulture);
        var path = Path.Replace("{epoch}", epoch, StringComparison.Ordinal);
        fit.Module.Save(path, new Dictionary<string, string>
        {
            ["epoch"] = epoch,
            ["loss"] = result.Loss.ToString("R", CultureInfo.InvariantCulture),
        });
        LastSaved = path;
    }
}
