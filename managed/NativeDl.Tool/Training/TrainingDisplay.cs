using System.Diagnostics;
using NativeDl.Training;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace NativeDl.Tool.Training;

/// <summary>Shows how training goes: bars that are redrawn on a terminal, lines elsewhere.</summary>
internal abstract class TrainingDisplay : IProgress<FitProgress>
{
    protected TrainingDisplay() => EndOfEpochs = new Listener(this);

    /// <summary>Tells the display of the ends of epochs.</summary>
    public Callback EndOfEpochs { get; }

    public abstract void Report(FitProgress progress);

    protected abstract void End(EpochResult epoch, int lastEpoch);

    /// <summary>Runs the training that takes a display.</summary>
    public static T Show<T>(Terminal terminal, Func<TrainingDisplay, T> train)
    {
        if (!terminal.IsLive)
            return train(new Lines(terminal));
        return terminal.Ansi.Progress().AutoClear(false)
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn { Width = 24 }, new PercentageColumn(), new FiguresColumn())
            .Start(context => train(new Bars(context)));
    }

    private static string Name(int epoch, int last) => $"epoch {epoch}/{last}";

    private static string Figures(double loss, IReadOnlyDictionary<string, double> metrics, double imagesPerSecond) =>
        $"loss {Words.Decimal(loss)}  accuracy {Words.Percent(metrics.GetValueOrDefault("accuracy")),8}  " +
        $"{Words.Number(imagesPerSecond),7} images/s";

    private static string Figures(FitProgress at) => Figures(at.Loss, at.Metrics, at.ImagesPerSecond);

    private static string Figures(EpochResult epoch) =>
        $"{Figures(epoch.Loss, epoch.Metrics, epoch.ImagesPerSecond)}  {Words.Time(epoch.Seconds)}";

    private sealed class Listener(TrainingDisplay display) : Callback
    {
        public override void OnEpochEnd(FitContext fit, EpochResult result) =>
            display.End(result, fit.Options.FirstEpoch + fit.Options.Epochs - 1);
    }

    /// <summary>How long the rest of a run takes, by the speed of its batches so far.</summary>
    private sealed class TimeLeft
    {
        private readonly long _start = Stopwatch.GetTimestamp();

        public string Of(FitProgress at)
        {
            var done = (double)(at.Epoch - 1) * at.Batches + at.Batch;
            var share = done / ((double)at.LastEpoch * at.Batches);
            return $"{Words.Time(Stopwatch.GetElapsedTime(_start).TotalSeconds * (1 / share - 1))} left";
        }
    }

    /// <summary>A line at the end of each epoch, and others in epochs that take long.</summary>
    private sealed class Lines(Terminal terminal) : TrainingDisplay
    {
        private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

        private readonly TimeLeft _left = new();
        private long _last = Stopwatch.GetTimestamp();

        public override void Report(FitProgress progress)
        {
            if (Stopwatch.GetElapsedTime(_last) < Interval || progress.Batch == progress.Batches)
                return;
            var share = Words.Percent((double)progress.Batch / progress.Batches, 0);
            Write($"{Name(progress.Epoch, progress.LastEpoch)}  {share,5}  {Figures(progress)}  {_left.Of(progress)}");
        }

        protected override void End(EpochResult epoch, int lastEpoch) =>
            Write($"{Name(epoch.Epoch, lastEpoch)}         {Figures(epoch)}");

        private void Write(string line)
        {
            terminal.Line(line);
            terminal.Out.Flush();
            _last = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>A bar for each epoch.</summary>
    private sealed class Bars(ProgressContext context) : TrainingDisplay
    {
        private readonly TimeLeft _left = new();
        private ProgressTask? _bar;

        public override void Report(FitProgress progress)
        {
            _bar ??= context.AddTask(Name(progress.Epoch, progress.LastEpoch), maxValue: progress.Batches);
            FiguresColumn.Set(_bar, $"{Figures(progress)}  {_left.Of(progress)}");
            _bar.Value = progress.Batch;
        }

        protected override void End(EpochResult epoch, int lastEpoch)
        {
            if (_bar is null)
                return;
            FiguresColumn.Set(_bar, Figures(epoch));
            _bar.StopTask();
            _bar = null;
        }
    }

    private sealed class FiguresColumn : ProgressColumn
    {
        private const string Key = "figures";

        protected override bool NoWrap => true;

        public static void Set(ProgressTask task, string figures) =>
            task.State.Update<FiguresText>(Key, _ => new FiguresText(figures));

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text(task.State.Get<FiguresText>(Key).Text ?? "");

        private readonly record struct FiguresText(string? Text); // the state of a task holds structures only
    }
}
