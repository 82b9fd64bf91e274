using NativeDl.Data;
using NativeDl.Losses;
using NativeDl.Modules;
using NativeDl.Optimizers;
using NativeDl.Tests.Data;
using NativeDl.Training;
using NUnit.Framework;

namespace NativeDl.Tests.Training;

public sealed class FitTests
{
    private static readonly FitOptions Options = new()
    {
        Epochs = 4, BatchSize = 16, Optimizer = parameters => new Adam(parameters, 0.02),
    };

    /// <summary>Points of three classes around three corners.</summary>
    private static ArrayDataset Points(int count = 96)
    {
        var random = new CounterRandom(1, 2);
        var (inputs, labels) = (new float[2 * count], new long[count]);
        for (var i = 0; i < count; i++)
        {
            labels[i] = i % 3;
            inputs[2 * i] = (labels[i] == 1 ? 2 : 0) + random.Uniform(-0.5f, 0.5f);
            inputs[(2 * i) + 1] = (labels[i] == 2 ? 2 : 0) + random.Uniform(-0.5f, 0.5f);
        }
        return new ArrayDataset(inputs, labels, [2]);
    }

    private static Sequential Model() => [new Linear(8, activation: Activation.Relu), new Linear(3)];

    private static Sequential Built(ulong seed = 1)
    {
        using var generator = Generator.Use(seed);
        var model = Model();
        model.Build([2]);
        return model;
    }

    private static float[] Weights(Module module) =>
        [.. module.NamedParameters().SelectMany(p => p.Parameter.ToArray<float>())];

    /// <summary>Writes down what it is told.</summary>
    private sealed class Diary : Callback
    {
        public List<string> Lines { get; } = [];

        public Action<FitContext>? AfterBatch { get; init; }

        public override void OnFitBegin(FitContext fit) => Lines.Add("begin");

        public override void OnEpochBegin(FitContext fit) => Lines.Add($"epoch {fit.Epoch}");

        public override void OnBatchEnd(FitContext fit)
        {
            Assert.That(fit.Module.Parameters().Select(p => p.Grad), Is.All.Not.Null);
            Lines.Add($"batch {fit.Batch}/{fit.Batches}");
            AfterBatch?.Invoke(fit);
        }

        public override void OnEpochEnd(FitContext fit, EpochResult result) => Lines.Add($"end {result.Epoch}");

        public override void OnFitEnd(FitContext fit) => Lines.Add("end");
    }

    private sealed class Reporter(Action<FitProgress> report) : IProgress<FitProgress>
    {
        public void Report(FitProgress value) => report(value);
    }

    [Test]
    public void Fit_Learns_AndTellsOfIt()
    {
        var model = Built();
        var reports = new List<FitProgress>();
        var history = model.Fit(Points(), Options with
        {
            Epochs = 10, ValidationSplit = 0.25, Progress = new Reporter(reports.Add),
        });
        Assert.That(history, Has.Count.EqualTo(10));
        Assert.That(history.Select(e => e.Epoch), Is.EqualTo(Enumerable.Range(1, 10)));
        Assert.That(history[^1].Loss, Is.LessThan(history[0].Loss / 2));
        Assert.That(history[^1].Metrics["accuracy"], Is.GreaterThan(0.95));
        Assert.That(history[^1].ValidationLoss, Is.LessThan(history[0].ValidationLoss!.Value));
        Assert.That(history[^1].ValidationMetrics["accuracy"], Is.GreaterThan(0.95));
        Assert.That(history, Is.All.Matches<EpochResult>(e => e is { Seconds: > 0, ImagesPerSecond: > 0, LearningRate: 0.02 }));
        Assert.That(history.StoppedEarly, Is.False);
        Assert.That(history.ToString().Split('\n'), Has.Length.EqualTo(10));
        Assert.That(reports, Has.Count.EqualTo(10 * 5)); // 72 examples to train with
        Assert.That(reports[^1] is { Epoch: 10, LastEpoch: 10, Batch: 5, Batches: 5 });
        Assert.That(reports[^1].Loss, Is.EqualTo(history[^1].Loss));
        Assert.That(model.Parameters().Select(p => p.Grad), Is.All.Null, "the run frees its gradients");
    }

    [Test]
    public void Fit_BuildsModel_AndKeepsModes()
    {
        var model = Model();
        model[1].Eval();
        model.Fit(Points(), Options with { Epochs = 1 });
        Assert.That(model.IsBuilt, Is.True);
        Assert.That(model.IsTraining, Is.True);
        Assert.That(model[1].IsTraining, Is.False);
    }

    [Test]
    public void Fit_SameSeeds_SameBits_OnAnyNumberOfThreads()
    {
        var once = Run(1, 5);
        Assert.That(Run(1, 5), Is.EqualTo(once));
        Assert.That(Run(2, 5), Is.EqualTo(once));
        Assert.That(Run(1, 6), Is.Not.EqualTo(once));

        static float[] Run(int threads, ulong seed)
        {
            using var options = ExecutionOptions.Use(ExecutionOptions.Current with { Threads = threads });
            var model = Built();
            model.Fit(Points(), Options with { Seed = seed });
            return Weights(model);
        }
    }

    [Test]
    public void Fit_Tensors_LearnsALine()
    {
        using var generator = Generator.Use(1);
        using var inputs = Tensor.RandomUniform([64, 2]);
        var values = inputs.ToArray<float>();
        var targets = Tensor.FromArray(
            Enumerable.Range(0, 64).Select(i => (3 * values[2 * i]) - values[(2 * i) + 1] + 0.5f).ToArray(), [64, 1]);
        var model = new Linear(1);
        var history = model.Fit(inputs, targets, new FitOptions
        {
            Epochs = 100, BatchSize = 10, Loss = new MseLoss(), Optimizer = p => new Adam(p, 0.05), ValidationSplit = 0.25,
        });
        Assert.That(history[^1].ValidationLoss, Is.LessThan(1e-3));
        Assert.That(history[^1].Metrics, Is.Empty);
        Assert.That(model.Weight!.ToArray<float>(), Is.EqualTo(new float[] { 3, -1 }).Within(0.1));
        Assert.That(model.Evaluate(inputs, targets, new MseLoss()).Loss, Is.LessThan(1e-3));
        Assert.Throws<ShapeException>(() => model.Fit(inputs, targets[0..3]));
    }

    [Test]
    public void Steps_InsideScopes_KeepTheOptimizersState()
    {
        var model = Built();
        Adam? optimizer = null;
        for (var step = 0; step < 3; step++)
        {
            using var scope = TensorScope.Enter();
            optimizer ??= new Adam(model.Parameters());
            var loss = new CrossEntropyLoss().Forward(model.Forward(Tensor.Ones([2, 2])), Tensor.FromArray(new long[] { 0, 2 }));
            loss.Backward();
            optimizer.Step();
            optimizer.ZeroGrad();
        }
        Assert.That(optimizer!.StateDictionary().Values, Is.All.Property(nameof(Tensor.IsDisposed)).False);
        Assert.That(optimizer.StateDictionary()["state.0.step"].Item<long>(), Is.EqualTo(3));
    }

    [Test]
    public void Fit_MaxGradientNorm_Clips()
    {
        var norms = new List<float>();
        var diary = new Diary
        {
            AfterBatch = fit => norms.Add(Gradients.Norm(fit.Module.Parameters().Select(p => p.Grad!)).Item<float>()),
        };
        Built().Fit(Points(), Options with { MaxGradientNorm = 0.01, Callbacks = [diary] });
        Assert.That(norms, Is.All.LessThanOrEqualTo(0.01f + 1e-6f));
    }

    [Test]
    public void Fit_CallsBackInOrder()
    {
        var diary = new Diary();
        Built().Fit(Points(32), Options with { Epochs = 2, Callbacks = [diary] });
        Assert.That(diary.Lines, Is.EqualTo(new[]
        {
            "begin", "epoch 1", "batch 1/2", "batch 2/2", "end 1", "epoch 2", "batch 1/2", "batch 2/2", "end 2", "end",
        }));
    }

    [Test]
    public void Fit_Stop_EndsAfterTheBatch()
    {
        var diary = new Diary { AfterBatch = fit => { if (fit is { Epoch: 2, Batch: 1 }) fit.Stop(); } };
        var history = Built().Fit(Points(32), Options with { Callbacks = [diary] });
        Assert.That(history, Has.Count.EqualTo(1));
        Assert.That(history.StoppedEarly, Is.True);
        Assert.That(diary.Lines[^2..], Is.EqualTo(new[] { "batch 1/2", "end" }));
    }

    [Test]
    public void Fit_Cancelled_LeavesModelUsable_AndLastWholeEpochSaved()
    {
        using var scratch = new ScratchFolder();
        using var source = new CancellationTokenSource();
        var model = Built();
        var path = Path.Combine(scratch.Path, "epoch-{epoch}.safetensors");
        var afterFirst = Array.Empty<float>();
        var diary = new Diary
        {
            AfterBatch = fit =>
            {
                if (fit is { Epoch: 2, Batch: 1 })
                    source.Cancel();
                if (fit is { Epoch: 1, Batch: 2 })
                    afterFirst = Weights(fit.Module);
            },
        };
        var error = Assert.Throws<TrainingCanceledException>(() => model.Fit(Points(32), Options with
        {
            Callbacks = [diary, new ModelCheckpoint(path)], Cancellation = source.Token,
        }))!;
        Assert.That(error.History, Has.Count.EqualTo(1));
        Assert.That(error.CancellationToken, Is.EqualTo(source.Token));
        Assert.That(diary.Lines[^1], Is.EqualTo("end"));
        Assert.That(model.Parameters().Select(p => p.Grad), Is.All.Null);

        var last = Model();
        last.Load(path.Replace("{epoch}", "1"));
        Assert.That(Weights(last), Is.EqualTo(afterFirst));
        Assert.That(Weights(model), Is.Not.EqualTo(afterFirst), "one batch further");
        Assert.That(() => model.Fit(Points(32), Options with { Epochs = 1 }), Throws.Nothing);
    }

    [Test]
    public void Fit_CancelledBefore_TrainsNothing()
    {
        var model = Built();
        var before = Weights(model);
        Assert.Throws<TrainingCanceledException>(
            () => model.Fit(Points(), Options with { Cancellation = new CancellationToken(canceled: true) }));
        Assert.That(Weights(model), Is.EqualTo(before));
    }

    [Test]
    public void Fit_GoneOnWith_TakesTheSameOrder()
    {
        var (whole, halves) = (Built(), Built());
        // Plain gradient descent has no state: the weights are all there is to go on with.
        var options = Options with { Optimizer = p => new Sgd(p, 0.1) };
        whole.Fit(Points(), options with { Epochs = 4 });
        halves.Fit(Points(), options with { Epochs = 2 });
        halves.Fit(Points(), options with { Epochs = 2, FirstEpoch = 3 });
        Assert.That(Weights(halves), Is.EqualTo(Weights(whole)));
    }

    [Test]
    public void Fit_Dropout_FollowsTheSeed_AlsoWhenGoneOnWith()
    {
        var options = Options with { Optimizer = p => new Sgd(p, 0.1), Seed = 3 };
        var whole = Dropping();
        whole.Fit(Points(), options with { Epochs = 4 });
        var halves = Dropping();
        halves.Fit(Points(), options with { Epochs = 2 });
        _ = Tensor.RandomUniform([100]); // draws elsewhere change nothing
        halves.Fit(Points(), options with { Epochs = 2, FirstEpoch = 3 });
        Assert.That(Weights(halves), Is.EqualTo(Weights(whole)));
        var other = Dropping();
        other.Fit(Points(), options with { Epochs = 4, Shuffle = false });
        Assert.That(Weights(other), Is.Not.EqualTo(Weights(whole)));

        static Sequential Dropping()
        {
            using var generator = Generator.Use(1);
            Sequential model = [new Linear(16, activation: Activation.Relu), new Dropout(0.5), new Linear(3)];
            model.Build([2]);
            return model;
        }
    }

    [Test]
    public void EarlyStopping_Stops_AndRestoresTheBest()
    {
        var model = Built();
        List<float[]> weights = [];
        var diary = new Diary { AfterBatch = fit => { if (fit.Batch == fit.Batches) weights.Add(Weights(fit.Module)); } };
        var stopping = new EarlyStopping(patience: 2, Goal.Highest(e => e.Epoch == 3 ? 1 : 0), restoreBest: true);
        var history = model.Fit(Points(), Options with { Epochs = 50, Callbacks = [diary, stopping] });
        Assert.That(history, Has.Count.EqualTo(5));
        Assert.That(history.StoppedEarly, Is.True);
        Assert.That(stopping.BestEpoch, Is.EqualTo(3));
        Assert.That(Weights(model), Is.EqualTo(weights[2]));
    }

    [Test]
    public void ModelCheckpoint_OnlyBest_SavesThose()
    {
        using var scratch = new ScratchFolder();
        var path = Path.Combine(scratch.Path, "{epoch}");
        Built().Fit(Points(), Options with
        {
            Callbacks = [new ModelCheckpoint(path, Goal.Lowest(e => e.Epoch == 3 ? -1 : e.Epoch))],
        });
        Assert.That(Directory.GetFiles(scratch.Path).Select(Path.GetFileName), Is.EquivalentTo(new[] { "1", "3" }));
    }

    [Test]
    public void LearningRateSchedule_SetsTheRate()
    {
        var history = Built().Fit(Points(), Options with { Callbacks = [new LearningRateSchedule(epoch => 0.1 / epoch)] });
        Assert.That(history.Select(e => e.LearningRate), Is.EqualTo(new[] { 0.1, 0.05, 0.1 / 3, 0.025 }));
    }

    [Test]
    public void Fit_BadOptions_AreTyped()
    {
        var model = Built();
        var points = Points();
        Refused(points, Options with { Epochs = -1 });
        Refused(points, Options with { BatchSize = 0 });
        Refused(points, Options with { FirstEpoch = 0 });
        Refused(points, Options with { ValidationSplit = 1 });
        Refused(points.Slice(0, 1), Options with { ValidationSplit = 0.9 });
        Refused(points.Slice(0, 0), Options);
        Refused(points, Options with { ValidationSplit = 0.1, ValidationData = points });

        void Refused(Dataset data, FitOptions options) =>
            Assert.Throws<InvalidArgumentException>(() => model.Fit(data, options));
    }

    [Test]
    public void EvaluateAndPredict_Agree([Values(1, 7, 96, 1000)] int batchSize)
    {
        var model = Built();
        var points = Points();
        model.Fit(points, Options);
        var before = Weights(model);
        var result = model.Evaluate(points, batchSize: batchSize);
        using var outputs = model.Predict(points, batchSize);
        Assert.That(outputs.Shape, Is.EqualTo(new Shape(96, 3)));

        using var inputs = Tensor.Empty([96, 2]);
        var labels = new long[96];
        using (var map = inputs.MapWrite<float>())
            points.Fill([.. Enumerable.Range(0, 96)], map.Span, labels);
        Assert.That(model.Predict(inputs, batchSize).ToArray<float>(), Is.EqualTo(outputs.ToArray<float>()));
        var right = model.PredictClasses(inputs, batchSize).Zip(labels).Count(pair => pair.First == pair.Second);
        Assert.That(result.Metrics["accuracy"], Is.EqualTo(right / 96.0));
        using var loss = new CrossEntropyLoss().Forward(outputs, Tensor.FromArray(labels));
        Assert.That(result.Loss, Is.EqualTo(loss.Item<float>()).Within(1e-5));
        Assert.That(result.Count, Is.EqualTo(96));
        Assert.That(Weights(model), Is.EqualTo(before));
        using var probabilities = model.PredictProbabilities(inputs, batchSize);
        Assert.That(probabilities.ToArray<float>().Sum(), Is.EqualTo(96).Within(1e-3));
        Assert.That(model.Predict(inputs[0..0]).Shape, Is.EqualTo(new Shape(0, 3)));
    }

    [Test]
    public void Fit_FreesEverything_WithoutTheCollector()
    {
        var model = Built();
        var options = Options with { Optimizer = p => new Sgd(p, 0.1) };
        model.Fit(Points(), options);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = NativeMemory.Read();
        if (!GC.TryStartNoGCRegion(100 << 20))
            Assert.Ignore("the collector cannot be held off here");
        try
        {
            model.Fit(Points(), options with { Epochs = 20 });
            // What a new optimizer has is not the run's to free: here its learning rate.
            Assert.That(NativeMemory.Read().LiveTensors, Is.LessThanOrEqualTo(before.LiveTensors + 1));
        }
        finally
        {
            if (System.Runtime.GCSettings.LatencyMode == System.Runtime.GCLatencyMode.NoGCRegion)
                GC.EndNoGCRegion();
        }
    }
}
