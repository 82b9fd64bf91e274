using System.Collections.ObjectModel;
using System.Diagnostics;
using NativeDl.Data;
using NativeDl.Modules;
using NativeDl.Optimizers;

namespace NativeDl.Training;

/// <summary>One training run. Frees what only it has seen, so that memory stays flat without the collector.</summary>
internal sealed class FitLoop
{
    private readonly Module _module;
    private readonly FitOptions _options;
    private readonly DataLoader _loader;
    private readonly Dataset? _validation;
    private readonly IReadOnlyList<Tensor> _parameters;
    private readonly FitContext _fit;
    private readonly Generator _generator;

    public FitLoop(Module module, Dataset dataset, FitOptions options)
    {
        (_module, _options) = (module, options);
        _generator = new Generator(options.Seed);
        _validation = options.ValidationData;
        if (options.ValidationSplit > 0)
            (dataset, _validation) = dataset.Split(options.ValidationSplit, options.Seed);
        if (dataset.Count == 0 || _validation is { Count: 0 })
        {
            throw new InvalidArgumentException(
                $"Fit: ValidationSplit {options.ValidationSplit} leaves {dataset.Count} examples to train and " +
                $"{_validation!.Count} to validate with. There must be one of each.");
        }
        _loader = new DataLoader(dataset, options.BatchSize) { ShuffleSeed = options.Shuffle ? options.Seed : null };
        if (!module.IsBuilt)
            module.Build(dataset.InputShape);
        _parameters = module.Parameters();
        _fit = new FitContext(module, options.Optimizer(_parameters), options, _loader.BatchCount);
    }

    public Optimizer Optimizer => _fit.Optimizer;

    private int LastEpoch => _options.FirstEpoch + _options.Epochs - 1;

    public History Run()
    {
        using var mode = _module.EnterMode(training: true);
        using var recording = Autograd.Record();
        using var generator = Generator.Use(_generator);
        Tell(callback => callback.OnFitBegin(_fit));
        try
        {
            for (var epoch = _options.FirstEpoch; epoch <= LastEpoch && !_fit.IsStopping; epoch++)
                RunEpoch(epoch);
        }
        catch (OperationCanceledException) when (_options.Cancellation.IsCancellationRequested)
        {
            Tell(callback => callback.OnFitEnd(_fit));
            throw new TrainingCanceledException(_fit.History, _options.Cancellation);
        }
        finally
        {
            ReleaseGradients();
            _generator.ReleaseState();
        }
        _fit.History.StoppedEarly = _fit.IsStopping && _fit.Epoch < LastEpoch;
        Tell(callback => callback.OnFitEnd(_fit));
        return _fit.History;
    }

    private void RunEpoch(int epoch)
    {
        (_fit.Epoch, _fit.Batch) = (epoch, 0);
        Tell(callback => callback.OnEpochBegin(_fit));
        var running = new RunningResult(_options.Metrics);
        var clock = Stopwatch.StartNew();
        foreach (var batch in _loader.Epoch(epoch - 1, cancellation: _options.Cancellation))
        {
            using (batch)
            {
                _options.Cancellation.ThrowIfCancellationRequested();
                _fit.Batch++;
                Step(batch, running);
            }
            clock.Stop();
            Tell(callback => callback.OnBatchEnd(_fit));
            _options.Progress?.Report(new FitProgress(
                epoch, LastEpoch, _fit.Batch, _fit.Batches, running.Loss, running.Metrics(), PerSecond(running, clock)));
            clock.Start();
            if (_fit.IsStopping && _fit.Batch < _fit.Batches)
                return;
        }
        clock.Stop();

        var metrics = running.Metrics();
        var validation = _validation is null ? null : _module.Evaluate(
            _validation, _options.Loss, _options.Metrics, _options.BatchSize, _options.Cancellation);
        var result = new EpochResult(
            epoch, running.Loss, metrics, validation?.Loss, validation?.Metrics ?? ReadOnlyDictionary<string, double>.Empty,
            _fit.Optimizer.LearningRate, clock.Elapsed.TotalSeconds, PerSecond(running, clock));
        _fit.History.Add(result);
        Tell(callback => callback.OnEpochEnd(_fit, result));
    }

    private void Step(Batch batch, RunningResult running)
    {
        // A place of its own for each step: a run that goes on from an epoch drops out what the whole run would have.
        _generator.MoveTo(Generator.Derive(_options.Seed, (ulong)_fit.Epoch, (ulong)_fit.Batch));
        ReleaseGradients();
        var outputs = _module.Forward(batch.Inputs);
        using var loss = _options.Loss.Forward(outputs, batch.Labels);
        loss.Backward();
        _fit.Optimizer.Step();
        _fit.BatchLoss = running.Add(loss, outputs, batch);
        if (Module.Forgets(_module))
            outputs.Dispose();
    }

    /// <summary>Frees the gradients, except those that code outside the library has.</summary>
    private void ReleaseGradients()
    {
        foreach (var parameter in _parameters)
            parameter.ReleaseGrad();
    }

    private static double PerSecond(RunningResult running, Stopwatch clock) =>
        running.Count / Math.Max(clock.Elapsed.TotalSeconds, 1e-9);

    private void Tell(Action<Callback> what)
    {
        foreach (var callback in _options.Callbacks)
            what(callback);
    }
}
