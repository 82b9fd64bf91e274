using NativeDl.Optimizers;

namespace NativeDl.Tool.Training;

/// <summary>An optimizer that the tool can make by name.</summary>
/// <param name="Name">What it is called on the command line.</param>
/// <param name="LearningRate">The learning rate that is taken where none is given.</param>
/// <param name="Make">Makes it. Constants that the plan has no word for are the library's, which are PyTorch's: the
/// epsilon of Adam is 1e-8, where Keras has 1e-7.</param>
internal sealed record OptimizerKind(
    string Name, double LearningRate, Func<IReadOnlyList<Tensor>, TrainingPlan, Optimizer> Make)
{
    public static IReadOnlyList<OptimizerKind> All { get; } =
    [
        new("adam", 0.001, (parameters, plan) =>
            new Adam(parameters, plan.LearningRate, new AdamOptions { WeightDecay = plan.WeightDecay })),
        new("adamw", 0.001, (parameters, plan) =>
            new AdamW(parameters, plan.LearningRate, new AdamOptions { WeightDecay = plan.WeightDecay })),
        new("sgd", 0.01, (parameters, plan) => new Sgd(
            parameters, plan.LearningRate,
            new SgdOptions { Momentum = plan.Momentum, WeightDecay = plan.WeightDecay ?? 0 })),
        new("adadelta", 1, (parameters, plan) => new Adadelta(
            parameters, plan.LearningRate, new AdadeltaOptions { WeightDecay = plan.WeightDecay ?? 0 })),
    ];

    public static OptimizerKind Find(string name) =>
        All.FirstOrDefault(kind => kind.Name == name) ?? throw new ToolException(
            $"There is no optimizer '{name}'. Optimizers are {string.Join(", ", All.Select(kind => kind.Name))}.",
            ExitCode.Usage);
}
