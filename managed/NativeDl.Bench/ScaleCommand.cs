using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NativeDl.Bench;

/// <summary>
/// Time as work grows: 3x3 convolution and GEMM against batch and channels, at powers of two and their odd neighbours. The
/// shapes are in no case table: each result is compared with the peers' and with a sample in float64 in the run itself.
/// </summary>
internal static class ScaleCommand
{
    // A point this much slower a FLOP than the slower of its neighbours is a cliff.
    private const double Cliff = 1.3;

    // Errors above this, over the root mean square of the values, are no rounding.
    private const double MaxError = 1e-3;

    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    private sealed record Series(string Name, string Title, string XLabel, int Low, int High, Func<int, string> Row);

    private static readonly Series[] s_series =
    [
        new("conv3x3-batch", "3x3 convolution, 64 to 64 channels, 28x28", "batch", 1, 256,
            n => $"conv2d x={n}x28x28x64 weight=64x3x3x64 pad_top=1 pad_bottom=1 pad_left=1 pad_right=1"),
        new("conv3x3-channels", "3x3 convolution, batch 8, 14x14", "channels in and out", 8, 1024,
            c => $"conv2d x=8x14x14x{c} weight={c}x3x3x{c} pad_top=1 pad_bottom=1 pad_left=1 pad_right=1"),
        new("gemm-batch", "GEMM, rows x 1024 by 1024 x 1024", "rows", 1, 256, m => $"gemm a={m}x1024 b=1024x1024"),
        new("gemm-channels", "GEMM, 256 x size by size x size", "size", 8, 1024, c => $"gemm a=256x{c} b={c}x{c}"),
    ];

    public static int Run(ScaleOptions options, CancellationToken stop)
    {
        var threads = options.Threads == 0 ? Machine.Cores : options.Threads;
        Directory.CreateDirectory(options.Output);
        using var field = new Field(options, Console.Error.WriteLine);
        var runner = new Runner(field.Contestants, threads, options, stop);
        var json = new JsonObject { ["machine"] = Machine.Describe(), ["threads"] = threads, ["rounds"] = options.Rounds };
        foreach (var series in s_series.Where(s => s.Name.Contains(options.Filter, StringComparison.Ordinal)))
        {
            var results = new List<(int Size, Result Result)>();
            foreach (var size in Sizes(series.Low, series.High))
            {
                Console.Error.WriteLine($"{series.Name} {size}");
                var result = runner.Run(series.Name, new Entry(Workload.Parse(series.Row(size)), 1), pass => pass == "forward").Single();
                if (result.Errors[field.Library.Name] > MaxError)
                    throw new InvalidDataException($"{result.Workload}: the error is {result.Errors[field.Library.Name]:G3} of the values' root mean square");
                results.Add((size, result));
            }
            foreach (var cliff in Cliffs([.. results.Select(r => (r.Size, r.Result.Seconds[field.Library.Name].By(options.Statistic) / r.Result.Work.Flop))]))
                Console.WriteLine($"{series.Name}: a cliff at {cliff}");
            var plot = new SvgPlot($"{series.Title}, {threads} thread{(threads > 1 ? "s" : "")}", series.XLabel, "ms");
            foreach (var name in field.Contestants.Select(c => c.Name))
            {
                plot.Add(name, [.. results.Where(r => r.Result.Seconds.ContainsKey(name))
                    .Select(r => ((double)r.Size, r.Result.Seconds[name].By(options.Statistic) * 1e3))]);
            }
            File.WriteAllText(Path.Combine(options.Output, $"scale-{series.Name}.svg"), plot.ToString());
            json[series.Name] = new JsonArray([.. results.Select(r => (JsonNode)new JsonObject
            {
                ["size"] = r.Size, ["workload"] = r.Result.Workload.ToString(), ["flop"] = r.Result.Work.Flop,
                ["method"] = r.Result.Methods[field.Library.Name], ["seconds"] = JsonSerializer.SerializeToNode(r.Result.Seconds),
            })]);
        }
        File.WriteAllText(Path.Combine(options.Output, "scale.json"), json.ToJsonString(s_indented) + "\n");
        Console.WriteLine($"scale.json and the plots are in {options.Output}");
        return 0;
    }

    /// <summary>Powers of two, and one less and one more, within the range.</summary>
    public static IEnumerable<int> Sizes(int low, int high) => Enumerable.Range(0, 31).Select(e => 1 << e)
        .SelectMany(p => new[] { p - 1, p, p + 1 }).Where(s => s >= low && s <= high).Distinct().Order();

    /// <summary>The sizes whose time a FLOP stands out from both of their neighbours'.</summary>
    public static IEnumerable<int> Cliffs(IReadOnlyList<(int Size, double Cost)> points)
    {
        for (var i = 1; i + 1 < points.Count; i++)
        {
            if (points[i].Cost > Cliff * Math.Max(points[i - 1].Cost, points[i + 1].Cost))
                yield return points[i].Size;
        }
    }
}
