using System.Globalization;
using System.Text;

namespace NativeDl.Modules;

/// <summary>One layer of a <see cref="ModelSummary"/>.</summary>
/// <param name="Name">Its name in the model: "layer1.0.conv1".</param>
/// <param name="Layer">What it is: "Conv2d(32, 3x3)".</param>
/// <param name="OutputShape">The shape of its output, without the batch.</param>
/// <param name="Parameters">Numbers in its parameters.</param>
/// <param name="MultiplyAdds">Multiplications with an addition for one example.</param>
public sealed record LayerSummary(string Name, string Layer, Shape OutputShape, long Parameters, long MultiplyAdds);

/// <summary>The layers of a model in the order they run, with sizes; <see cref="ToString"/> makes a table.</summary>
/// <param name="Layers">The layers. One that is called twice comes twice, its parameters the first time.</param>
/// <param name="Parameters">Numbers in all parameters of the model, each once.</param>
/// <param name="TrainableParameters">Of those, the ones that require a gradient.</param>
/// <param name="MultiplyAdds">Multiplications with an addition for one example, in the layers of this library.</param>
public sealed record ModelSummary(
    IReadOnlyList<LayerSummary> Layers, long Parameters, long TrainableParameters, long MultiplyAdds)
{
    /// <summary>A table.</summary>
    public override string ToString()
    {
        string[][] rows =
        [
            ["name", "layer", "output", "parameters", "multiply-adds"],
            .. Layers.Select(l => new[]
            {
                l.Name, l.Layer, l.OutputShape.ToString(), Number(l.Parameters), Number(l.MultiplyAdds),
            }),
            ["total", "", "", Number(Parameters), Number(MultiplyAdds)],
        ];
        int[] widths = [.. Enumerable.Range(0, 5).Select(column => rows.Max(row => row[column].Length))];
        var text = new StringBuilder();
        foreach (var row in rows)
        {
            var line = string.Join("  ", row.Select((cell, column) =>
                column < 3 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column])));
            text.Append(line.TrimEnd()).Append('\n');
        }
        if (TrainableParameters != Parameters)
            text.Append(CultureInfo.InvariantCulture, $"trainable: {Number(TrainableParameters)}\n");
        return text.ToString();
    }

    internal static ModelSummary Of(Module model, Shape inputShape)
    {
        var trace = LayerTrace.Of(() => model.Build(inputShape));
        Dictionary<Module, string> names = [];
        foreach (var (name, module) in model.NamedModules())
            names.TryAdd(module, name);

        HashSet<Tensor> counted = [];
        List<LayerSummary> layers = [];
        foreach (var call in trace.Calls)
        {
            var parameters = call.Module.Parameters().Where(counted.Add).Sum(p => p.FlattenedLength);
            layers.Add(new LayerSummary(
                names.GetValueOrDefault(call.Module, ""), call.Module.ToString() ?? "",
                new Shape(call.Output.Dims[1..]), parameters, call.MultiplyAdds));
        }
        var all = model.Parameters();
        return new ModelSummary(
            layers, all.Sum(p => p.FlattenedLength), all.Where(p => p.RequiresGrad).Sum(p => p.FlattenedLength),
            layers.Sum(l => l.MultiplyAdds));
    }

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
