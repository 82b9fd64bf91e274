using NativeDl.Tool.CommandLine;
using NativeDl.Tool.Models;

namespace NativeDl.Tool.Training;

/// <summary>What is to be trained, and how.</summary>
internal sealed record TrainingPlan
{
    public required ModelKind Kind { get; init; }

    public required string Output { get; init; }

    public int Epochs { get; init; } = 5;

    public int BatchSize { get; init; } = 128;

    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Find("adam");

    public double LearningRate { get; init; } = 0.001;

    public double Momentum { get; init; }

    /// <summary>Null takes the optimizer's own: 0.01 for adamw, 0 for the others.</summary>
    public double? WeightDecay { get; init; }

    public ulong Seed { get; init; } = 1;

    public int Threads { get; init; }

    /// <summary>The plan that a command line asks for, with all of its values checked.</summary>
    public static TrainingPlan Of(TrainOptions options)
    {
        Check.Common(options);
        Check.AtLeast(1, options.Epochs, "epochs");
        Check.AtLeast(1, options.BatchSize, "batch-size");
        Check.Positive(options.LearningRate, "lr");
        Check.Share(options.Momentum, "momentum");
        Check.Share(options.WeightDecay, "weight-decay");
        var kind = ModelKind.Find(options.Model);
        var optimizer = OptimizerKind.Find(options.Optimizer);
        if (options.Momentum is not null && optimizer.Name != "sgd")
            throw new ToolException($"--momentum is for sgd, not for {optimizer.Name}.", ExitCode.Usage);
        var output = options.Output ?? $"{kind.Name}.safetensors";
        Check.Writable(output, "output");
        return new TrainingPlan
        {
            Kind = kind,
            Output = output,
            Epochs = options.Epochs,
            BatchSize = options.BatchSize,
            Optimizer = optimizer,
            LearningRate = options.LearningRate ?? optimizer.LearningRate,
            Momentum = options.Momentum ?? 0,
            WeightDecay = options.WeightDecay,
            Seed = options.Seed,
            Threads = options.Threads,
        };
    }

    public Optimizers.Optimizer MakeOptimizer(IReadOnlyList<Tensor> parameters) => Optimizer.Make(parameters, this);
}
