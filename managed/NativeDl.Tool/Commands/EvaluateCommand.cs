using NativeDl.Tool.CommandLine;
using NativeDl.Tool.Models;
using NativeDl.Tool.Page;
using Spectre.Console;

namespace NativeDl.Tool.Commands;

internal static class EvaluateCommand
{
    private const int MostClassesOfATable = 20;

    public static int Run(EvaluateOptions options, Terminal terminal, CancellationToken stop)
    {
        Check.Weights(options);
        using var threads = ExecutionOptions.Use(ExecutionOptions.Current with { Threads = options.Threads });
        var gallery = Gallery.Open(options);
        var model = TrainedModel.Load(options.Weights, options.Model, gallery.Images);
        var predictions = Predictions.Make(model, gallery, options.BatchSize, stop);
        if (options.Html is { } page)
            PredictionPage.Write(page, predictions);
        if (options.Json)
            Json.Print(terminal, EvaluationReport.Of(predictions, options.Html));
        else
            Print(terminal, predictions, options.Html);
        return ExitCode.Success;
    }

    private static void Print(Terminal terminal, Predictions predictions, string? page)
    {
        terminal.Line(
            $"{predictions.Model.Kind.Name} on {predictions.Gallery.Name}: {Words.Number(predictions.Count)} images, " +
            $"accuracy {Words.Percent(predictions.Accuracy)}, loss {Words.Decimal(predictions.Loss)}, " +
            $"{Words.Number(predictions.ImagesPerSecond)} images/s");
        if (predictions.Model.ClassNames.Count <= MostClassesOfATable)
            terminal.Table(Confusion(predictions));
        if (page is not null)
            terminal.Line($"The page is {page}");
    }

    /// <summary>A row for each class, a column for each answer.</summary>
    private static Table Confusion(Predictions predictions)
    {
        var confusion = predictions.Confusion!;
        var classes = confusion.GetLength(0);
        var table = new Table().AddColumn(@"is \ taken for");
        for (var c = 0; c < classes; c++)
            table.AddColumn(new TableColumn(Markup.Escape(predictions.ClassName(c))).RightAligned());
        table.AddColumn(new TableColumn("right").RightAligned());
        for (var row = 0; row < classes; row++)
        {
            int[] counts = [.. Enumerable.Range(0, classes).Select(c => confusion[row, c])];
            var total = counts.Sum();
            table.AddRow([
                Markup.Escape(predictions.ClassName(row)),
                .. counts.Select((count, c) => count == 0 ? "[grey].[/]" : c == row ? $"[green]{count}[/]" : $"[red]{count}[/]"),
                total == 0 ? "" : Words.Percent((double)counts[row] / total, 1),
            ]);
        }
        return table;
    }
}

/// <summary>What `evaluate --json` prints. A row of the confusion is a class, a column an answer.</summary>
internal sealed record EvaluationReport(
    string Model, string Data, int Images, double Accuracy, double Loss, double Seconds, double ImagesPerSecond,
    IReadOnlyList<ClassReport> Classes, int[][] Confusion, string? Html)
{
    public static EvaluationReport Of(Predictions predictions, string? page)
    {
        var confusion = predictions.Confusion!;
        var classes = Enumerable.Range(0, confusion.GetLength(0)).ToArray();
        int[][] rows = [.. classes.Select(row => classes.Select(column => confusion[row, column]).ToArray())];
        return new EvaluationReport(
            predictions.Model.Kind.Name, predictions.Gallery.Name, predictions.Count, predictions.Accuracy,
            predictions.Loss, predictions.Seconds, predictions.ImagesPerSecond,
            [.. classes.Select(c => new ClassReport(
                predictions.ClassName(c), rows[c].Sum(), rows[c].Sum() == 0 ? null : (double)rows[c][c] / rows[c].Sum()))],
            rows, page);
    }
}

internal sealed record ClassReport(string Name, int Images, double? Accuracy);
