using System.Diagnostics;
using NativeDl.Data;
using NativeDl.Tool.Models;
using NativeDl.Training;

namespace NativeDl.Tool.Training;

/// <summary>A model as training left it.</summary>
/// <param name="Model">The model.</param>
/// <param name="Epochs">The whole epochs.</param>
/// <param name="Seconds">How long they took, with saving.</param>
/// <param name="WeightsSha256">Of the file; null where no epoch was finished, and so nothing saved.</param>
/// <param name="Test">What it makes of the test images; null where it was stopped.</param>
internal sealed record TrainingOutcome(
    TrainedModel Model, History Epochs, double Seconds, string? WeightsSha256, Predictions? Test)
{
    public bool WasStopped => Test is null;

    public double ImagesPerSecond(int images) =>
        Epochs.Count == 0 ? 0 : Epochs.Count * images / Math.Max(Epochs.Sum(epoch => epoch.Seconds), 1e-9);
}

/// <summary>Trains by a plan, saves after every epoch, and tests.</summary>
internal static class TrainingRun
{
    private const int TestBatchSize = 256;

    public static TrainingOutcome Run(TrainingPlan plan, ImageData data, Terminal terminal, CancellationToken stop)
    {
        using var threads = ExecutionOptions.Use(ExecutionOptions.Current with { Threads = plan.Threads });
        using var generator = Generator.Use(plan.Seed);
        var model = TrainedModel.Create(plan.Kind, data.Train);
        var saving = new SaveEpochs(model, plan);
        var clock = Stopwatch.StartNew();
        try
        {
            var history = TrainingDisplay.Show(terminal, display => model.Module.Fit(
                model.Inputs(data.Train),
                new FitOptions
                {
                    Epochs = plan.Epochs,
                    BatchSize = plan.BatchSize,
                    Seed = plan.Seed,
                    Optimizer = plan.MakeOptimizer,
                    Progress = display,
                    Callbacks = [saving, display.EndOfEpochs],
                    Cancellation = stop,
                }));
            var seconds = clock.Elapsed.TotalSeconds;
            return new TrainingOutcome(model, history, seconds, saving.Sha256, Test(model, data, stop));
        }
        catch (TrainingCanceledException e)
        {
            return new TrainingOutcome(model, e.History, clock.Elapsed.TotalSeconds, saving.Sha256, Test: null);
        }
    }

    private static Predictions? Test(TrainedModel model, ImageData data, CancellationToken stop)
    {
        try
        {
            return Predictions.Make(model, new Gallery($"{data.Name}, test images", data.Test), TestBatchSize, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Keeps the weights of the last whole epoch in the file.</summary>
    private sealed class SaveEpochs(TrainedModel model, TrainingPlan plan) : Callback
    {
        public string? Sha256 { get; private set; }

        public override void OnEpochEnd(FitContext fit, EpochResult result)
        {
            if (!double.IsFinite(result.Loss))
            {
                throw new ToolException(
                    $"Training went wrong in epoch {result.Epoch}: the loss is no finite number any more. " +
                    $"Try a smaller --lr than {plan.LearningRate}.");
            }
            Sha256 = model.Save(plan.Output);
        }
    }
}
