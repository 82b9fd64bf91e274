using NativeDl.Data;

namespace NativeDl.Training;

/// <summary>The loss and the metrics over the batches so far.</summary>
internal sealed class RunningResult
{
    private readonly IReadOnlyList<Metric> _metrics;
    private double _sum;

    public RunningResult(IReadOnlyList<Metric> metrics)
    {
        _metrics = metrics;
        foreach (var metric in metrics)
            metric.Reset();
    }

    public int Count { get; private set; }

    public double Loss => _sum / Count;

    /// <summary>Takes a batch in, and returns its loss.</summary>
    public double Add(Tensor loss, Tensor outputs, Batch batch)
    {
        var value = loss.DType == DType.F64 ? loss.Item<double>() : loss.Item<float>();
        _sum += value * batch.Count;
        Count += batch.Count;
        foreach (var metric in _metrics)
            metric.Add(outputs, batch.Labels);
        return value;
    }

    public IReadOnlyDictionary<string, double> Metrics()
    {
        OrderedDictionary<string, double> values = [];
        foreach (var metric in _metrics)
            values[metric.Name] = metric.Value;
        return values;
    }
}
