using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>The oracles of all ops, a line each.</summary>
internal static class References
{
    public static IReadOnlyList<OpReference> All { get; } =
    [
        new AdadeltaReference(),
        new AdamReference(),
        new AvgPool2dReference(),
        new BatchNorm2dInferenceReference(),
        new BatchNorm2dReference(),
        new Conv2dReference(),
        new CrossEntropyReference(),
        new GemmReference(),
        new GlobalAvgPool2dReference(),
        new LinearReference(),
        new MaxPool2dReference(),
        new ReluReference(),
        new SgdReference(),
    ];
}
