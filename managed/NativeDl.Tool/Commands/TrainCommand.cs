using NativeDl.Data;
using NativeDl.Tool.CommandLine;
using NativeDl.Tool.Models;
using NativeDl.Tool.Training;

namespace NativeDl.Tool.Commands;

internal static class TrainCommand
{
    public static int Run(TrainOptions options, Terminal terminal, CancellationToken stop)
    {
        var plan = TrainingPlan.Of(options);
        var words = terminal.Beside(options.Json);
        var data = Gallery.Open(options);
        words.Line(
            $"{plan.Kind.Name} on {Words.Number(data.Train.Count)} images of {data.Name}, {plan.Optimizer.Name} " +
            $"{plan.LearningRate}, batches of {plan.BatchSize}, seed {plan.Seed}");
        var outcome = TrainingRun.Run(plan, data, words, stop);
        Describe(words, outcome, plan, data);
        if (options.Json)
            Json.Print(terminal, TrainingReport.Of(outcome, plan, data));
        return outcome.WasStopped ? ExitCode.Stopped : ExitCode.Success;
    }

    public static void Describe(Terminal words, TrainingOutcome outcome, TrainingPlan plan, ImageData data)
    {
        if (outcome.Test is { } test)
        {
            words.Line(
                $"Test accuracy {Words.Percent(test.Accuracy)}, loss {Words.Decimal(test.Loss)}, on " +
                $"{Words.Number(test.Count)} images; trained for {Words.Time(outcome.Seconds)} at " +
                $"{Words.Number(outcome.ImagesPerSecond(data.Train.Count))} images/s.");
            words.Line($"The weights are in {plan.Output}");
        }
        else if (outcome.Epochs.Count > 0)
        {
            words.Line($"Stopped. {plan.Output} has the weights of epoch {outcome.Epochs.Count}, the last whole one.");
        }
        else
        {
            words.Line("Stopped before the first epoch was whole: nothing is saved.");
        }
    }
}

/// <summary>What `train --json` prints. Where training was stopped, the figures of the test are not there.</summary>
internal sealed record TrainingReport(
    string Model, string Data, int TrainImages, int TestImages, string Optimizer, double LearningRate, int BatchSize,
    ulong Seed, int Threads, long Parameters, IReadOnlyList<EpochReport> Epochs, double TrainSeconds,
    double ImagesPerSecond, double? TestAccuracy, double? TestLoss, double? TestSeconds, bool Stopped, string? Weights,
    string? WeightsSha256)
{
    public static TrainingReport Of(TrainingOutcome outcome, TrainingPlan plan, ImageData data) => new(
        plan.Kind.Name, data.Name, data.Train.Count, data.Test.Count, plan.Optimizer.Name, plan.LearningRate, plan.BatchSize,
        plan.Seed, plan.Threads == 0 ? Machine.Cores : plan.Threads,
        outcome.Model.Module.Parameters().Sum(parameter => parameter.FlattenedLength),
        [.. outcome.Epochs.Select(epoch => new EpochReport(
            epoch.Epoch, epoch.Loss, epoch.Metrics.GetValueOrDefault("accuracy"), epoch.Seconds, epoch.ImagesPerSecond))],
        outcome.Seconds, outcome.ImagesPerSecond(data.Train.Count), outcome.Test?.Accuracy, outcome.Test?.Loss,
        outcome.Test?.Seconds, outcome.WasStopped, outcome.WeightsSha256 is null ? null : plan.Output,
        outcome.WeightsSha256);
}

internal sealed record EpochReport(int Epoch, double Loss, double Accuracy, double Seconds, double ImagesPerSecond);
