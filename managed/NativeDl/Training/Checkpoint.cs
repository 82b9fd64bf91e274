using System.Globalization;
using NativeDl.IO;
using NativeDl.Modules;
using NativeDl.Optimizers;

namespace NativeDl.Training;

/// <summary>
/// A whole training run in one safetensors file: the model, the optimizer's state and the epoch. A run that goes on from
/// it comes to the same bits as one that was never interrupted:
/// <code>
/// model.Fit(data, options with { Epochs = 3, Callbacks = [new Checkpoint("run.safetensors")] });
/// // later, with a new model of the same layers:
/// model.Resume("run.safetensors", data, options with { Epochs = 10 });
/// </code>
/// </summary>
public sealed class Checkpoint : Callback
{
    private const string Model = "model.";
    private const string State = "optimizer.";
    private const string EpochKey = "nativedl.epoch";

    /// <summary>Saves the run after each epoch.</summary>
    /// <param name="path">The file. It is replaced in one step.</param>
    public Checkpoint(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Path = path;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public override void OnEpochEnd(FitContext fit, EpochResult result) =>
        Save(Path, fit.Module, fit.Optimizer, result.Epoch);

    /// <summary>Saves a run.</summary>
    /// <param name="path">The file. It is replaced in one step.</param>
    /// <param name="module">The model.</param>
    /// <param name="optimizer">Its optimizer.</param>
    /// <param name="epoch">The last epoch that is finished, from 1; 0 before the first.</param>
    /// <exception cref="IOException">The file could not be written.</exception>
    public static void Save(string path, Module module, Optimizer optimizer, int epoch)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(optimizer);
        Dictionary<string, Tensor> tensors = [];
        foreach (var (name, tensor) in module.StateDictionary())
            tensors.Add(Model + name, tensor);
        foreach (var (name, tensor) in optimizer.StateDictionary())
            tensors.Add(State + name, tensor);
        Safetensors.Save(path, tensors, new Dictionary<string, string>
        {
            [EpochKey] = epoch.ToString(CultureInfo.InvariantCulture),
        });
    }

    /// <summary>Loads a run into a model and its optimizer.</summary>
    /// <returns>The last epoch that was finished, from 1.</returns>
    /// <exception cref="WeightFormatException">The file is not a valid checkpoint.</exception>
    /// <exception cref="StateDictionaryException">The model or the optimizer is another. The model is loaded
    /// first.</exception>
    /// <exception cref="IOException">The file could not be read.</exception>
    public static int Load(string path, Module module, Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(optimizer);
        using var run = Read(path);
        module.LoadStateDictionary(run.Model);
        optimizer.LoadStateDictionary(run.Optimizer);
        return run.Epoch;
    }

    internal static Run Read(string path)
    {
        var file = Safetensors.Load(path);
        if (!file.Metadata.TryGetValue(EpochKey, out var text) ||
            !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var epoch))
        {
            file.Dispose();
            throw new WeightFormatException(
                path, null, $"It has no {EpochKey}: it holds weights, not a training run.",
                "Load it with Module.Load, or give a file that Checkpoint saved.");
        }
        return new Run(file, Part(Model), Part(State), epoch);

        Dictionary<string, Tensor> Part(string prefix) => file.Tensors
            .Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value);
    }

    internal sealed record Run(
        WeightFile File, IReadOnlyDictionary<string, Tensor> Model, IReadOnlyDictionary<string, Tensor> Optimizer, int Epoch)
        : IDisposable
    {
        public void Dispose() => File.Dispose();
    }
}
