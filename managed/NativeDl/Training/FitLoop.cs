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
    private readonly IReadOnlyList<Metric> _metrics;
    private readonly BatchSource _training;
    private readonly BatchSource? _validation;
    private readonly IReadOnlyList<Tensor> _parameters;
    private readonly FitContext _fit;
    private readonly Generator _generator;
    private readonly LearningRateScheduler? _scheduler;

    public FitLoop(Module module, BatchSource data, FitOptions options)
    {
        options.Check(data.Count);
        (_module, _options, _metrics, _training) = (module, options, options.Metrics, data);
        _generator = new Generator(options.Seed);
        _validation = options.ValidationData is { } validation ? new DatasetBatches(validation) : null;
        if (options.ValidationSplit > 0)
            (_training, _validation) = data.Split(options.ValidationSplit, options.Seed);
        if (_training.Count == 0 || _validation is { Count: 0 })
        {
            throw new InvalidArgumentException(
                $"Fit: ValidationSplit {options.ValidationSplit} leaves {_training.Count} examples to train and " +
                $"{_validation!.Count} to validate with. There must be one of each.");
        }
        if (!module.IsBuilt)
            _training.Build(module);
        _parameters = module.Parameters();
        _fit = new FitContext(module, options.Optimizer(_parameters), options, _training.BatchCount(options.BatchSize));
        if (options.Schedule is { } schedule)
            _scheduler = new LearningRateScheduler(_fit.Optimizer, schedule);
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
        var running = new RunningResult(_metrics);
        ulong? shuffle = _options.Shuffle ? _options.Seed : null;
        var clock = Stopwatch.StartNew();
        foreach (var batch in _training.Epoch(epoch - 1, _options.BatchSize, shuffle, _options.Cancellation))
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
        var validation = _validation is null ? null : ModuleTraining.Evaluate(
            _module, _validation, _options.Loss, _metrics, _options.BatchSize, _options.Cancellation);
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
        if (_options.MaxGradientNorm is { } most)
            Gradients.ClipNorm(_parameters, most).Dispose();
        // Counted from the first epoch of all runs, so that one that goes on has the rates of the whole.
        if (_scheduler is not null)
            _scheduler.StepCount = ((long)(_fit.Epoch - 1) * _fit.Batches) + _fit.Batch - 1;
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
