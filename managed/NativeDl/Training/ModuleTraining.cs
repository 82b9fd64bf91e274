using System.Diagnostics;
using NativeDl.Data;
using NativeDl.Losses;
using NativeDl.Modules;

namespace NativeDl.Training;

/// <summary>Trains, evaluates and uses any module: <c>model.Fit(data, new FitOptions { Epochs = 5 })</c>.</summary>
public static class ModuleTraining
{
    /// <summary>
    /// Trains the model. It is built if it is not yet. The same data, options, seeds and weights to begin with give the
    /// same weights, whatever the number of threads.
    /// </summary>
    /// <exception cref="TrainingCanceledException">The run was cancelled. The model can be used and trained on.</exception>
    /// <exception cref="InvalidArgumentException">An option has a value that it must not have, or there are no data.</exception>
    public static History Fit(this Module module, Dataset dataset, FitOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(dataset);
        return new FitLoop(module, new DatasetBatches(dataset), options ?? new FitOptions()).Run();
    }

    /// <summary>
    /// Trains the model with tensors. As <see cref="Fit(Module, Dataset, FitOptions?)"/>; for targets that are no classes,
    /// with another loss: <c>model.Fit(x, y, new FitOptions { Loss = new MseLoss() })</c>.
    /// </summary>
    /// <param name="module">The model.</param>
    /// <param name="inputs">The inputs, [n, ...].</param>
    /// <param name="targets">The targets, [n, ...], as the loss takes them.</param>
    /// <param name="options">How it is trained.</param>
    /// <exception cref="ShapeException">There are not as many inputs as targets.</exception>
    public static History Fit(this Module module, Tensor inputs, Tensor targets, FitOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(targets);
        return new FitLoop(module, new TensorBatches(inputs, targets), options ?? new FitOptions()).Run();
    }

    /// <summary>
    /// Goes on with a run that a <see cref="Checkpoint"/> saved: loads the model and the optimizer's state, and trains the
    /// epochs that are left. With the data and options of the first run, the weights come out as if it had never stopped.
    /// </summary>
    /// <param name="module">A model with the same layers.</param>
    /// <param name="path">The checkpoint.</param>
    /// <param name="dataset">The data.</param>
    /// <param name="options">As in <see cref="Fit(Module, Dataset, FitOptions?)"/>, except that <see cref="FitOptions.Epochs"/> counts from
    /// <see cref="FitOptions.FirstEpoch"/> on, those before the checkpoint included.</param>
    /// <returns>The epochs that were left.</returns>
    /// <exception cref="IO.WeightFormatException">The file is not a valid checkpoint.</exception>
    /// <exception cref="StateDictionaryException">The model or the optimizer is another.</exception>
    public static History Resume(this Module module, string path, Dataset dataset, FitOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(dataset);
        options ??= new FitOptions();
        options.Check(dataset.Count);
        using var run = Checkpoint.Read(path);
        module.LoadStateDictionary(run.Model);
        var left = options with
        {
            FirstEpoch = run.Epoch + 1,
            Epochs = Math.Max(options.FirstEpoch + options.Epochs - (run.Epoch + 1), 0),
        };
        var loop = new FitLoop(module, new DatasetBatches(dataset), left);
        loop.Optimizer.LoadStateDictionary(run.Optimizer);
        return loop.Run();
    }

    /// <summary>The loss and the metrics over a data set, in evaluation mode. Nothing of the model changes.</summary>
    /// <param name="module">The model.</param>
    /// <param name="dataset">The data.</param>
    /// <param name="loss"><see cref="CrossEntropyLoss"/> by default.</param>
    /// <param name="metrics">By default <see cref="Accuracy"/> where the loss is that of classes.</param>
    /// <param name="batchSize">How many examples are taken at once.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public static EvaluationResult Evaluate(
        this Module module, Dataset dataset, Loss? loss = null, IReadOnlyList<Metric>? metrics = null,
        int batchSize = 256, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(dataset);
        return Evaluate(module, new DatasetBatches(dataset), loss, metrics, batchSize, cancellation);
    }

    /// <summary>The loss and the metrics over tensors. As for a data set.</summary>
    /// <exception cref="ShapeException">There are not as many inputs as targets.</exception>
    public static EvaluationResult Evaluate(
        this Module module, Tensor inputs, Tensor targets, Loss? loss = null, IReadOnlyList<Metric>? metrics = null,
        int batchSize = 256, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(targets);
        return Evaluate(module, new TensorBatches(inputs, targets), loss, metrics, batchSize, cancellation);
    }

    internal static EvaluationResult Evaluate(
        Module module, BatchSource data, Loss? loss, IReadOnlyList<Metric>? metrics, int batchSize,
        CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        loss ??= new CrossEntropyLoss();
        var running = new RunningResult(metrics ?? FitOptions.DefaultMetrics(loss));
        var clock = Stopwatch.StartNew();
        using var mode = module.EnterMode(training: false);
        using var noGrad = Autograd.NoGrad();
        foreach (var batch in data.Epoch(0, batchSize, shuffleSeed: null, cancellation))
        {
            using (batch)
            {
                var outputs = module.Forward(batch.Inputs);
                using var value = loss.Forward(outputs, batch.Labels);
                running.Add(value, outputs, batch);
                if (Module.Forgets(module))
                    outputs.Dispose();
            }
        }
        return new EvaluationResult(running.Loss, running.Metrics(), running.Count, clock.Elapsed.TotalSeconds);
    }

    /// <summary>The outputs for many inputs, in evaluation mode, computed in batches.</summary>
    /// <param name="module">The model.</param>
    /// <param name="inputs">The inputs, [n, ...].</param>
    /// <param name="batchSize">How many inputs are taken at once.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>[n, ...]; for a classifier the logits, [n, classes].</returns>
    /// <exception cref="ShapeException">The inputs are a scalar.</exception>
    public static Tensor Predict(
        this Module module, Tensor inputs, int batchSize = 256, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        if (inputs.Rank == 0)
            throw new ShapeException("Predict: the inputs are a scalar. Give [n, ...].");
        var count = inputs.Shape[0];
        return Predict(module, count, Parts(), cancellation);

        IEnumerable<Tensor> Parts()
        {
            if (count == 0)
                yield return inputs.Slice(0, 0);
            for (long start = 0; start < count; start += batchSize)
                yield return inputs.Slice(start, Math.Min(batchSize, count - start));
        }
    }

    /// <summary>The outputs for all examples of a data set, in its order. As <see cref="Predict(Module, Tensor, int,
    /// CancellationToken)"/>.</summary>
    public static Tensor Predict(
        this Module module, Dataset dataset, int batchSize = 256, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(dataset);
        return dataset.Count == 0
            ? Predict(module, 0, [Tensor.Empty([0, .. dataset.InputShape.Dims])], cancellation)
            : Predict(module, dataset.Count, Parts(), cancellation);

        IEnumerable<Tensor> Parts()
        {
            foreach (var batch in new DataLoader(dataset, batchSize).Epoch(cancellation: cancellation))
            {
                batch.Labels.Dispose();
                yield return batch.Inputs;
            }
        }
    }

    /// <summary>The class with the greatest output, for each input.</summary>
    public static long[] PredictClasses(
        this Module module, Tensor inputs, int batchSize = 256, CancellationToken cancellation = default)
    {
        using var outputs = module.Predict(inputs, batchSize, cancellation);
        return Classes.Of(outputs);
    }

    /// <summary>The probabilities of the classes, [n, classes], for a model whose outputs are logits.</summary>
    public static Tensor PredictProbabilities(
        this Module module, Tensor inputs, int batchSize = 256, CancellationToken cancellation = default)
    {
        using var outputs = module.Predict(inputs, batchSize, cancellation);
        using var noGrad = Autograd.NoGrad();
        return Ops.Softmax(outputs);
    }

    /// <summary>Goes over the parts, which are freed, and joins their outputs.</summary>
    private static Tensor Predict(Module module, long count, IEnumerable<Tensor> parts, CancellationToken cancellation)
    {
        using var mode = module.EnterMode(training: false);
        using var noGrad = Autograd.NoGrad();
        Tensor? joined = null;
        long offset = 0;
        foreach (var part in parts)
        {
            cancellation.ThrowIfCancellationRequested();
            var outputs = module.Forward(part);
            if (outputs.Rank == 0 || outputs.Shape[0] != part.Shape[0])
            {
                throw new ShapeException(
                    $"Predict: {part.Shape[0]} inputs {part.Shape} gave outputs {outputs.Shape}. The first dimension must " +
                    "be the batch.");
            }
            joined ??= Tensor.Empty([count, .. outputs.Shape.Dims[1..]], outputs.DType, outputs.Device);
            offset += joined.CopyBytesAt(offset, outputs);
            if (Module.Forgets(module))
                outputs.Dispose();
            part.Dispose();
        }
        return joined!;
    }
}
