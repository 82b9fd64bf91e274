using System.Globalization;
using System.Text;

namespace NativeDl.Bench;

/// <summary>A plot with two logarithmic axes, as SVG.</summary>
internal sealed class SvgPlot(string title, string xLabel, string yLabel)
{
    private const double Width = 760, Height = 460, Left = 70, Right = 150, Top = 40, Bottom = 50;

    private static readonly string[] s_colors = ["#0b66c3", "#d1571b", "#2a8c4a", "#7b4bb3", "#8a8a8a"];

    private readonly List<(string Name, IReadOnlyList<(double X, double Y)> Points)> _lines = [];

    public void Add(string name, IReadOnlyList<(double X, double Y)> points) => _lines.Add((name, points));

    public override string ToString()
    {
        var points = _lines.SelectMany(l => l.Points).ToList();
        var (x0, x1, y0, y1) = (points.Min(p => p.X), points.Max(p => p.X), points.Min(p => p.Y), points.Max(p => p.Y));
        double X(double x) => Left + (Width - Left - Right) * Share(x, x0, x1);
        double Y(double y) => Height - Bottom - (Height - Top - Bottom) * Share(y, y0, y1);

        var svg = new StringBuilder();
        Line($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" font-family=\"sans-serif\" font-size=\"12\">");
        Line($"<rect width=\"{Width}\" height=\"{Height}\" fill=\"white\"/>");
        Line($"<text x=\"{Left}\" y=\"22\" font-size=\"15\">{Escape(title)}</text>");
        foreach (var tick in Ticks(x0, x1, 2))
        {
            Line($"<line x1=\"{X(tick):F1}\" y1=\"{Top}\" x2=\"{X(tick):F1}\" y2=\"{Height - Bottom}\" stroke=\"#e4e4e4\"/>");
            Line($"<text x=\"{X(tick):F1}\" y=\"{Height - Bottom + 17}\" text-anchor=\"middle\">{tick:G4}</text>");
        }
        foreach (var tick in Ticks(y0, y1, 10))
        {
            Line($"<line x1=\"{Left}\" y1=\"{Y(tick):F1}\" x2=\"{Width - Right}\" y2=\"{Y(tick):F1}\" stroke=\"#e4e4e4\"/>");
            Line($"<text x=\"{Left - 6}\" y=\"{Y(tick) + 4:F1}\" text-anchor=\"end\">{tick:G4}</text>");
        }
        Line($"<text x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 12}\" text-anchor=\"middle\">{Escape(xLabel)}</text>");
        Line($"<text transform=\"translate(16 {(Top + Height - Bottom) / 2}) rotate(-90)\" text-anchor=\"middle\">{Escape(yLabel)}</text>");
        for (var i = 0; i < _lines.Count; i++)
        {
            var color = s_colors[i % s_colors.Length];
            var path = string.Join(' ', _lines[i].Points.Select(p => Text($"{X(p.X):F1},{Y(p.Y):F1}")));
            Line($"<polyline points=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"/>");
            foreach (var (x, y) in _lines[i].Points)
                Line($"<circle cx=\"{X(x):F1}\" cy=\"{Y(y):F1}\" r=\"2.2\" fill=\"{color}\"/>");
            Line($"<text x=\"{Width - Right + 12}\" y=\"{Top + 14 + 18 * i}\" fill=\"{color}\">{Escape(_lines[i].Name)}</text>");
        }
        return svg.Append("</svg>\n").ToString();

        void Line(FormattableString text) => svg.Append(Text(text)).Append('\n');
    }

    private static double Share(double v, double low, double high) => high > low ? Math.Log(v / low) / Math.Log(high / low) : 0.5;

    // The powers of a base between two values.
    private static IEnumerable<double> Ticks(double low, double high, double by)
    {
        for (var e = Math.Ceiling(Math.Log(low, by) - 1e-9); Math.Pow(by, e) <= high * (1 + 1e-9); e++)
            yield return Math.Pow(by, e);
    }

    private static string Escape(string text) => System.Security.SecurityElement.Escape(text);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
