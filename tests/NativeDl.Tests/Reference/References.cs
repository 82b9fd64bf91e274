using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>The oracles of all ops, a line each.</summary>
internal static class References
{
    public static IReadOnlyList<OpReference> All { get; } =
    [
        new Conv2dReference(),
        new MaxPool2dReference(),
        new ReluReference(),
    ];
}
