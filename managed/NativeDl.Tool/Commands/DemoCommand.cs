using NativeDl.Data;
using NativeDl.Tool.CommandLine;
using NativeDl.Tool.Models;
using NativeDl.Tool.Page;
using NativeDl.Tool.Training;

namespace NativeDl.Tool.Commands;

internal static class DemoCommand
{
    public static int Run(DemoOptions options, Terminal terminal, CancellationToken stop)
    {
        Check.AtLeast(1, options.Samples, "samples");
        Check.AtLeast(1, options.Epochs, "epochs");
        Check.AtLeast(0, options.Threads, "threads");
        var (plan, page) = Prepare(options);
        var words = terminal.Beside(options.Json);
        words.Line($"Drawing {Words.Number(options.Samples)} digits to learn from, and others to be tested with.");
        var data = ImageData.GenerateDigits(options.Samples, Math.Max(1, options.Samples / 6));
        words.Line($"Training {plan.Kind.Name}: {plan.Kind.Description}.");
        var outcome = TrainingRun.Run(plan, data, words, stop);
        TrainCommand.Describe(words, outcome, plan, data);
        if (outcome.Test is { } test)
        {
            PredictionPage.Write(page, test);
            words.Line($"Open the page of predictions in a browser: {page}");
        }
        if (options.Json)
            Json.Print(terminal, TrainingReport.Of(outcome, plan, data));
        return outcome.WasStopped ? ExitCode.Stopped : ExitCode.Success;
    }

    /// <summary>Makes the folder, and sees to it that the files can be written before any work is done.</summary>
    private static (TrainingPlan Plan, string Page) Prepare(DemoOptions options)
    {
        try
        {
            Directory.CreateDirectory(options.Output);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ToolException($"--output {options.Output}: the folder cannot be made. Name another. ({e.Message})");
        }
        var page = Path.GetFullPath(Path.Combine(options.Output, "predictions.html"));
        var plan = new TrainingPlan
        {
            Kind = ModelKind.Find("tutorial-cnn"),
            Output = Path.Combine(Path.GetFullPath(options.Output), "tutorial-cnn.safetensors"),
            Epochs = options.Epochs,
            Threads = options.Threads,
        };
        Check.Writable(plan.Output, "output");
        Check.Writable(page, "output");
        return (plan, page);
    }
}
