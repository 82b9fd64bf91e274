using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>The oracles of all ops, a line each.</summary>
internal static class References
{
    public static IReadOnlyList<OpReference> All { get; } =
    [
        new AdadeltaReference(),
        new AdamReference(),
        .. ArithmeticReference.All,
        new AvgPool2dReference(),
        new BatchNorm2dInferenceReference(),
        new BatchNorm2dReference(),
        new BroadcastToReference(),
        new CastReference(),
        new ClipGradientsReference(),
        new ConcatReference(),
        new Conv2dMaxPool2dReference(),
        new Conv2dReference(),
        new CopyReference(),
        new CrossEntropyReference(),
        new DropoutReference(),
        new FillReference(),
        new GemmReference(),
        new GlobalAvgPool2dReference(),
        new GradientNormReference(),
        new LinearReference(),
        new MaxPool2dReference(),
        new MseLossReference(),
        new NormalReference(),
        new PadReference(),
        new PermuteReference(),
        .. ReduceReference.All,
        new ReluReference(),
        new SgdReference(),
        new SliceReference(),
        new SoftmaxReference(log: false),
        new SoftmaxReference(log: true),
        .. UnaryReference.All,
        new UniformReference(),
    ];
}
