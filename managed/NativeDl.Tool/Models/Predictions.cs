using NativeDl.Data;

namespace NativeDl.Tool.Models;

/// <summary>What a model makes of images.</summary>
internal sealed class Predictions
{
    private readonly float[] _probabilities;
    private readonly int[] _predicted;

    private Predictions(TrainedModel model, Gallery gallery, float[] probabilities, int[] predicted, double loss, double seconds)
    {
        Model = model;
        Gallery = gallery;
        _probabilities = probabilities;
        _predicted = predicted;
        Loss = loss;
        Seconds = seconds;
        if (gallery.HasLabels)
            Confusion = Confuse(gallery.Images.Labels, predicted, model.ClassNames.Count);
    }

    public TrainedModel Model { get; }

    public Gallery Gallery { get; }

    public int Count => _predicted.Length;

    /// <summary>The mean cross entropy; 0 without labels.</summary>
    public double Loss { get; }

    public double Seconds { get; }

    public double ImagesPerSecond => Seconds > 0 ? Count / Seconds : 0;

    /// <summary>How often images of a class (row) were taken for one (column); null without labels.</summary>
    public int[,]? Confusion { get; }

    public int Mistakes => Confusion is null ? 0 : Enumerable.Range(0, Count).Count(IsMistake);

    /// <summary>The share of images that are right, from 0 to 1.</summary>
    public double Accuracy => Count == 0 ? 0 : 1 - (double)Mistakes / Count;

    /// <summary>The class of the highest probability.</summary>
    public int Predicted(int index) => _predicted[index];

    public int? Label(int index) => Gallery.HasLabels ? Gallery.Images.Labels[index] : null;

    public bool IsMistake(int index) => Gallery.HasLabels && Gallery.Images.Labels[index] != _predicted[index];

    public ReadOnlySpan<float> Probabilities(int index) =>
        _probabilities.AsSpan(index * Model.ClassNames.Count, Model.ClassNames.Count);

    public float Confidence(int index) => Probabilities(index)[_predicted[index]];

    /// <summary>The classes of the highest probabilities, highest first.</summary>
    public IEnumerable<(int Class, float Probability)> Surest(int index, int count) =>
        Probabilities(index).ToArray().Select((probability, number) => (number, probability))
            .OrderByDescending(best => best.probability).Take(count);

    public string ClassName(int number) => Model.ClassNames[number];

    /// <summary>Runs the model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="gallery">Images of its size.</param>
    /// <param name="batchSize">How many are computed together.</param>
    /// <param name="stop">Ends it.</param>
    public static Predictions Make(TrainedModel model, Gallery gallery, int batchSize, CancellationToken stop)
    {
        model.Require(gallery.Images, gallery.Name);
        var classes = model.ClassNames.Count;
        var count = gallery.Images.Count;
        var probabilities = new float[(long)count * classes];
        var predicted = new int[count];
        double loss = 0;
        var done = 0;
        var started = TimeProvider.System.GetTimestamp();
        model.Module.Eval();
        using var noGrad = Autograd.NoGrad();
        foreach (var batch in new DataLoader(model.Inputs(gallery.Images), batchSize).Epoch(cancellation: stop))
        {
            using (batch)
            {
                using var y = model.Module.Forward(batch.Inputs);
                using var logits = y.Map<float>();
                for (var i = 0; i < batch.Count; i++, done++)
                {
                    var row = probabilities.AsSpan(done * classes, classes);
                    logits.Span.Slice(i * classes, classes).CopyTo(row);
                    predicted[done] = row.IndexOfMaxOrFirst();
                    loss += Softmax(row, gallery.Images.Labels[done]);
                }
            }
        }
        var seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        return new Predictions(
            model, gallery, probabilities, predicted, gallery.HasLabels ? loss / Math.Max(1, count) : 0, seconds);
    }

    /// <summary>Makes logits probabilities, and returns the cross entropy of a label.</summary>
    private static double Softmax(Span<float> row, int label)
    {
        double max = row[row.IndexOfMaxOrFirst()], sum = 0, logit = row[label];
        foreach (var value in row)
            sum += Math.Exp(value - max);
        foreach (ref var value in row)
            value = (float)(Math.Exp(value - max) / sum);
        return Math.Log(sum) + max - logit;
    }

    private static int[,] Confuse(ReadOnlySpan<int> labels, int[] predicted, int classes)
    {
        var counts = new int[classes, classes];
        for (var i = 0; i < predicted.Length; i++)
            counts[labels[i], predicted[i]]++;
        return counts;
    }
}

internal static class SpanMax
{
    /// <summary>Where the greatest value is; the first of equals, and 0 where nothing compares, as with NaN.</summary>
    public static int IndexOfMaxOrFirst(this ReadOnlySpan<float> values)
    {
        var best = 0;
        for (var i = 1; i < values.Length; i++)
        {
            if (values[i] > values[best])
                best = i;
        }
        return best;
    }

    public static int IndexOfMaxOrFirst(this Span<float> values) => IndexOfMaxOrFirst((ReadOnlySpan<float>)values);
}
