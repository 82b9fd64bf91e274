using System.Globalization;
using System.Net;
using System.Text;
using NativeDl.Tool.Models;
using NativeDl.Tool.Pictures;

namespace NativeDl.Tool.Page;

/// <summary>
/// Predictions as a page in one file, pictures included: the mistakes first, then what is taken for what, then pictures
/// that are right.
/// </summary>
internal sealed class PredictionPage
{
    private const int MostMistakes = 240;
    private const int MostUnlabelled = 400;
    private const int UnsureShown = 24;
    private const int SampleShown = 36;
    private const int BarsShown = 3;

    private readonly Predictions _predictions;
    private readonly StringBuilder _html = new();

    private PredictionPage(Predictions predictions) => _predictions = predictions;

    /// <summary>Writes the page.</summary>
    public static void Write(string path, Predictions predictions) => File.WriteAllText(path, Render(predictions));

    public static string Render(Predictions predictions)
    {
        var page = new PredictionPage(predictions);
        page.Build();
        return page._html.ToString();
    }

    private void Build()
    {
        var title = $"Predictions of {_predictions.Model.Kind.Name}";
        Add($"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{Text(title)}</title>
            <style>
            {Resource("page.css")}</style>
            </head>
            <body>
            <header>
            <h1>{Text(title)}</h1>
            <p>{Text(Capital(_predictions.Gallery.Name))}</p>
            </header>
            """);
        AddTiles();
        if (_predictions.Confusion is { } confusion)
            AddJudged(confusion);
        else
            AddPictures("Predictions", "The surest classes of each picture.", Indices(_ => true), MostUnlabelled);
        Add($"""
            <footer>Made by NativeDl. The page is one file and needs no network.</footer>
            <script>
            {Resource("page.js")}</script>
            </body>
            </html>
            """);
    }

    private void AddTiles()
    {
        Add("""<div class="tiles">""");
        if (_predictions.Confusion is not null)
        {
            Tile(Percent(_predictions.Accuracy, 2), "are right");
            Tile(Number(_predictions.Mistakes), $"mistakes in {Number(_predictions.Count)} pictures");
            Tile(_predictions.Loss.ToString("0.0000", CultureInfo.InvariantCulture), "mean cross entropy");
        }
        else
        {
            Tile(Number(_predictions.Count), _predictions.Count == 1 ? "picture" : "pictures");
            Tile(Percent(MeanConfidence(), 1), "mean probability of the answer");
        }
        Tile(Number((long)_predictions.ImagesPerSecond), "pictures per second");
        Add("</div>");

        void Tile(string number, string what) => Add($"""<div class="tile"><b>{number}</b><span>{what}</span></div>""");
    }

    private void AddJudged(int[,] confusion)
    {
        var mistakes = Indices(_predictions.IsMistake).OrderByDescending(_predictions.Confidence).ToArray();
        if (mistakes.Length > 0)
            AddPictures("Mistakes", "The surest of them first.", mistakes, MostMistakes);
        else
            Add("<h2>Mistakes</h2><p>There are none.</p>");
        AddMatrix(confusion);
        var right = Indices(i => !_predictions.IsMistake(i)).ToArray();
        int[] unsure = [.. right.OrderBy(_predictions.Confidence).Take(UnsureShown)];
        if (unsure.Length > 0)
            AddPictures("Right, but least sure", "What nearly went wrong.", unsure, UnsureShown);
        int[] rest = [.. right.Except(unsure)];
        var step = Math.Max(1, rest.Length / SampleShown);
        int[] sample = [.. rest.Where((_, i) => i % step == 0).Take(SampleShown)];
        if (sample.Length > 0)
            AddPictures("Right", "A sample of the others, evenly spaced.", sample, SampleShown);
    }

    private void AddPictures(string title, string words, IEnumerable<int> indices, int most)
    {
        int[] all = [.. indices];
        var shown = all.Length > most ? $" The first {most} of {Number(all.Length)} are shown." : "";
        Add($"""<section class="pictures"><h2>{title}</h2><p>{words}{shown}</p><div class="cards">""");
        foreach (var index in all.Take(most))
            AddCard(index);
        Add("</div></section>");
    }

    private void AddCard(int index)
    {
        var images = _predictions.Gallery.Images;
        var picture = Png.DataUri(images.Image(index), images.Width, images.Height, images.Channels);
        var answer = _predictions.Predicted(index);
        var label = _predictions.Label(index);
        var name = Text(_predictions.ClassName(answer));
        var verdict = label switch
        {
            null => name,
            _ when label == answer => $"""<span class="right">{name}</span>""",
            { } truth => $"""<span>{Text(_predictions.ClassName(truth))} <span class="wrong">taken for {name}</span></span>""",
        };
        var title = Text(_predictions.Gallery.Title(index));
        Add($"""
            <figure class="card" data-label="{label}" data-class="{answer}"><img src="{picture}" alt="picture {title}" width="88" height="88">
            <figcaption><div class="verdict">{verdict}<small title="{title}">{(_predictions.Gallery.Titles is null ? "#" : "")}{title}</small></div>
            """);
        Add("""<div class="bars">""");
        foreach (var (number, probability) in _predictions.Surest(index, BarsShown))
        {
            var kind = number == label ? " is-right" : number == answer && label is not null ? " is-wrong" : "";
            var width = (100 * probability).ToString("0.##", CultureInfo.InvariantCulture);
            Add($"""<div class="bar{kind}"><span>{Text(_predictions.ClassName(number))}</span><span class="track"><i style="width:{width}%"></i></span><span>{Percent(probability, 1)}</span></div>""");
        }
        Add("</div></figcaption></figure>");
    }

    private void AddMatrix(int[,] confusion)
    {
        var classes = confusion.GetLength(0);
        var most = Enumerable.Range(0, classes * classes)
            .Where(i => i / classes != i % classes).Select(i => confusion[i / classes, i % classes]).DefaultIfEmpty(0).Max();
        Add("""
            <section><h2>What is taken for what</h2>
            <p>A row for each class, a column for each answer: the confusion matrix. Click on a number to see its pictures.</p>
            <div class="matrix"><table><thead><tr><td class="share"></td>
            """);
        for (var c = 0; c < classes; c++)
            Add($"""<th scope="col">{Text(_predictions.ClassName(c))}</th>""");
        Add("""<th scope="col">right</th></tr></thead><tbody>""");
        for (var row = 0; row < classes; row++)
        {
            var total = Enumerable.Range(0, classes).Sum(c => confusion[row, c]);
            Add($"""<tr><th scope="row">{Text(_predictions.ClassName(row))}</th>""");
            for (var column = 0; column < classes; column++)
                AddCell(row, column, confusion[row, column], total, most);
            Add($"""<td class="share">{(total == 0 ? "" : Percent((double)confusion[row, row] / total, 1))}</td></tr>""");
        }
        Add("""</tbody></table><div class="filter"><span> </span><button type="button">Show all</button></div></div></section>""");
    }

    private void AddCell(int row, int column, int count, int total, int most)
    {
        if (count == 0)
        {
            Add("""<td class="zero">0</td>""");
            return;
        }
        var isHit = row == column;
        var value = (isHit ? (double)count / total : (double)count / most).ToString("0.###", CultureInfo.InvariantCulture);
        var title = Text(isHit
            ? $"{_predictions.ClassName(row)}, right"
            : $"{_predictions.ClassName(row)} taken for {_predictions.ClassName(column)}");
        Add($"""<td class="{(isHit ? "hit" : "miss")}" style="--v:{value}"><button type="button" title="{title}" data-label="{row}" data-class="{column}" aria-pressed="false">{Number(count)}</button></td>""");
    }

    private double MeanConfidence() =>
        _predictions.Count == 0 ? 0 : Enumerable.Range(0, _predictions.Count).Average(i => (double)_predictions.Confidence(i));

    private IEnumerable<int> Indices(Func<int, bool> holds) => Enumerable.Range(0, _predictions.Count).Where(holds);

    private void Add(string line) => _html.Append(line).Append('\n');

    private static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Percent(double share, int digits) =>
        (100 * share).ToString($"F{digits}", CultureInfo.InvariantCulture) + " %";

    private static string Resource(string name)
    {
        using var stream = typeof(PredictionPage).Assembly.GetManifestResourceStream(name)!;
        return new StreamReader(stream, Encoding.UTF8).ReadToEnd();
    }
}
