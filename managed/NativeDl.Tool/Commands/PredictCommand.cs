using NativeDl.Tool.CommandLine;
using NativeDl.Tool.Models;
using NativeDl.Tool.Page;
using NativeDl.Tool.Pictures;
using Spectre.Console;

namespace NativeDl.Tool.Commands;

internal static class PredictCommand
{
    private const int ListedByDefault = 20;
    private const int BestShown = 3;

    public static int Run(PredictOptions options, Terminal terminal, CancellationToken stop)
    {
        Check.Weights(options);
        Check.AtLeast(0, options.Limit, "limit");
        using var threads = ExecutionOptions.Use(ExecutionOptions.Current with { Threads = options.Threads });
        var (model, gallery) = Open(options);
        var predictions = Predictions.Make(model, gallery, options.BatchSize, stop);
        if (options.Html is { } page)
            PredictionPage.Write(page, predictions);
        var listed = Math.Min(predictions.Count, options.Limit ?? (options.Json ? int.MaxValue : ListedByDefault));
        if (options.Json)
            Json.Print(terminal, PredictionReport.Of(predictions, listed, options.Html));
        else
            Print(terminal, predictions, listed, options.Html);
        return ExitCode.Success;
    }

    private static (TrainedModel Model, Gallery Gallery) Open(PredictOptions options)
    {
        string[] files = [.. options.Pictures];
        if (files.Length == 0)
        {
            var gallery = Gallery.Open(options);
            return (TrainedModel.Load(options.Weights, options.Model, gallery.Images), gallery);
        }
        var model = TrainedModel.Load(options.Weights, options.Model, images: null);
        return (model, PictureFiles.Load(files, model, options.Invert));
    }

    private static void Print(Terminal terminal, Predictions predictions, int listed, string? page)
    {
        if (listed > 0)
            terminal.Table(List(predictions, listed));
        if (listed < predictions.Count)
            terminal.Line($"The first {listed} of {Words.Number(predictions.Count)}; --limit changes that.");
        if (predictions.Gallery.HasLabels)
        {
            terminal.Line(
                $"{Words.Number(predictions.Mistakes)} of {Words.Number(predictions.Count)} are mistakes: accuracy " +
                $"{Words.Percent(predictions.Accuracy)}");
        }
        if (page is not null)
            terminal.Line($"The page is {page}");
    }

    private static Table List(Predictions predictions, int listed)
    {
        var table = new Table().AddColumn("picture");
        if (predictions.Gallery.HasLabels)
            table.AddColumn("is");
        table.AddColumn("taken for").AddColumn("surest classes");
        for (var i = 0; i < listed; i++)
        {
            var colour = predictions.IsMistake(i) ? "red" : "green";
            List<string> cells = [Markup.Escape(predictions.Gallery.Title(i))];
            if (predictions.Label(i) is { } label)
                cells.Add(Markup.Escape(predictions.ClassName(label)));
            cells.Add($"[{colour}]{Markup.Escape(predictions.ClassName(predictions.Predicted(i)))}[/]");
            cells.Add(Markup.Escape(string.Join("   ", predictions.Surest(i, BestShown)
                .Select(best => $"{predictions.ClassName(best.Class)} {Words.Percent(best.Probability, 1)}"))));
            table.AddRow([.. cells]);
        }
        return table;
    }
}

/// <summary>What `predict --json` prints.</summary>
internal sealed record PredictionReport(
    string Model, string Data, int Images, double? Accuracy, IReadOnlyList<string> ClassNames,
    IReadOnlyList<PictureReport> Predictions, string? Html)
{
    public static PredictionReport Of(Predictions predictions, int listed, string? page) => new(
        predictions.Model.Kind.Name, predictions.Gallery.Name, predictions.Count,
        predictions.Gallery.HasLabels ? predictions.Accuracy : null, predictions.Model.ClassNames,
        [.. Enumerable.Range(0, listed).Select(i => new PictureReport(
            predictions.Gallery.Title(i),
            predictions.Label(i) is { } label ? predictions.ClassName(label) : null,
            predictions.ClassName(predictions.Predicted(i)), predictions.Confidence(i),
            predictions.Probabilities(i).ToArray()))],
        page);
}

internal sealed record PictureReport(
    string Picture, string? Label, string Predicted, float Probability, float[] Probabilities);
