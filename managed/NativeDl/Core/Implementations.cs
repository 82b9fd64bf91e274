using NativeDl.Bindings;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

/// <summary>One way to compute a pass: "cpu:ref".</summary>
/// <param name="Name">Its name, as <see cref="ExecutionOptions.WithImplementation"/> takes it.</param>
/// <param name="Obstacle">Why this machine cannot run it at all; null where it can.</param>
public sealed record Implementation(string Name, string? Obstacle);

/// <summary>The passes of the library's ops, such as "conv2d_backward_weight", and their implementations.</summary>
public static class Implementations
{
    /// <summary>The names of all passes.</summary>
    public static IReadOnlyList<string> Passes { get; } = Native.Passes();

    /// <summary>Fused ops by name, and the chain of ops that each equals: "conv2d_max_pool2d" is "conv2d", "max_pool2d".</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> FusedOps { get; } = Native.FusedOps(Passes);

    /// <summary>The implementations of a pass, best first, the reference last.</summary>
    /// <exception cref="InvalidArgumentException">There is no such pass.</exception>
    public static IReadOnlyList<Implementation> Of(string pass)
    {
        for (var i = 0; i < Passes.Count; i++)
        {
            if (Passes[i] == pass)
                return Native.ImplementationsOf(i);
        }
        throw new InvalidArgumentException($"There is no pass '{pass}'. Implementations.Passes lists them.");
    }
}

internal static unsafe partial class Native
{
    public static string[] Passes()
    {
        int count;
        NativeStatus.Check(Abi.PassCount(&count));
        var names = new string[count];
        for (var pass = 0; pass < count; pass++)
        {
            var number = pass;
            names[pass] = NativeText.Read((buffer, capacity, length) => Abi.PassName(number, buffer, capacity, length));
        }
        return names;
    }

    public static Dictionary<string, IReadOnlyList<string>> FusedOps(IReadOnlyList<string> passes)
    {
        const string Forward = "_forward";
        var fused = new Dictionary<string, IReadOnlyList<string>>();
        for (var pass = 0; pass < passes.Count; pass++)
        {
            var number = pass;
            var chain = NativeText.Read((buffer, capacity, length) => Abi.PassChain(number, buffer, capacity, length));
            if (chain.Length > 0 && passes[pass].EndsWith(Forward, StringComparison.Ordinal))
                fused.Add(passes[pass][..^Forward.Length], chain.Split(' '));
        }
        return fused;
    }

    public static Implementation[] ImplementationsOf(int pass)
    {
        int count;
        NativeStatus.Check(Abi.ImplementationCount(pass, &count));
        var implementations = new Implementation[count];
        for (var i = 0; i < count; i++)
        {
            var number = i;
            var name = NativeText.Read((buffer, capacity, length) =>
                Abi.ImplementationName(pass, number, buffer, capacity, length));
            var obstacle = NativeText.Read((buffer, capacity, length) =>
                Abi.ImplementationObstacle(pass, number, buffer, capacity, length));
            implementations[i] = new Implementation(name, obstacle.Length == 0 ? null : obstacle);
        }
        return implementations;
    }
}
