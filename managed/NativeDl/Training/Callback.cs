using NativeDl.Modules;
using NativeDl.Optimizers;

namespace NativeDl.Training;

/// <summary>
/// Is told of a training run, in the order of <see cref="FitOptions.Callbacks"/>, on the thread of the run. An error that
/// it throws ends the run. An instance serves one run at a time.
/// </summary>
public abstract class Callback
{
    /// <summary>Before the first epoch.</summary>
    public virtual void OnFitBegin(FitContext fit) { }

    /// <summary>Before the first batch of an epoch.</summary>
    public virtual void OnEpochBegin(FitContext fit) { }

    /// <summary>After a step of the optimizer; the gradients are still there.</summary>
    public virtual void OnBatchEnd(FitContext fit) { }

    /// <summary>After an epoch and its validation.</summary>
    public virtual void OnEpochEnd(FitContext fit, EpochResult result) { }

    /// <summary>After the last epoch; also where the run was stopped or cancelled, but not after an error.</summary>
    public virtual void OnFitEnd(FitContext fit) { }
}

/// <summary>A training run, as callbacks see it.</summary>
public sealed class FitContext
{
    internal FitContext(Module module, Optimizer optimizer, FitOptions options, int batches)
    {
        Module = module;
        Optimizer = optimizer;
        Options = options;
        Batches = batches;
    }

    /// <summary>The model.</summary>
    public Module Module { get; }

    /// <summary>The optimizer; its learning rate may be changed.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>What the run was started with.</summary>
    public FitOptions Options { get; }

    /// <summary>The epochs that are finished.</summary>
    public History History { get; } = new();

    /// <summary>The epoch, from 1.</summary>
    public int Epoch { get; internal set; }

    /// <summary>The batches of an epoch.</summary>
    public int Batches { get; }

    /// <summary>The batch of the epoch, from 1; 0 before the first.</summary>
    public int Batch { get; internal set; }

    /// <summary>The loss of the batch.</summary>
    public double BatchLoss { get; internal set; }

    /// <summary>Whether <see cref="Stop"/> was called.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>Ends the run after this batch; an epoch that it cuts short is not in the history.</summary>
    public void Stop() => IsStopping = true;
}
