namespace NativeDl.Modules;

/// <summary>
/// Layers in a row that one fused op computes. The native library declares which ops make up a fused one
/// (<see cref="Implementations.FusedOps"/>); here stands which op a layer is, and how layers become the fused op's call.
/// </summary>
internal static class Fusion
{
    /// <summary>Runs the layers of a chain as its fused op; null where their settings are not what that op takes.</summary>
    private delegate Tensor? Runner(ReadOnlySpan<Module> layers, Tensor x);

    private static readonly Dictionary<string, Runner> Runners = new()
    {
        ["conv2d_max_pool2d"] = static (layers, x) => ((Conv2d)layers[0]).ForwardPooled(x, (MaxPool2d)layers[1]),
    };

    // Longest first: of two chains that begin alike, the one that saves more.
    private static readonly (string[] Ops, Runner Run)[] Chains =
    [
        .. Implementations.FusedOps
            .Where(fused => Runners.ContainsKey(fused.Key))
            .OrderByDescending(fused => fused.Value.Count)
            .Select(fused => (fused.Value.ToArray(), Runners[fused.Key])),
    ];

    /// <summary>The fused ops that have a runner here.</summary>
    internal static IEnumerable<string> Known => Runners.Keys;

    /// <summary>
    /// Runs as many of the layers as begin with a fused op's chain. Null where there is none, where a summary wants every
    /// layer's output, and where an implementation of one of the chain's ops is fixed by name.
    /// </summary>
    public static (Tensor Y, int Layers)? Run(ReadOnlySpan<Module> layers, Tensor x)
    {
        var options = ExecutionOptions.Current;
        if (LayerTrace.Current is not null || !options.Fuse)
            return null;
        foreach (var (ops, run) in Chains)
        {
            if (!BeginsWith(layers, ops) || Fixes(options, ops))
                continue;
            if (run(layers[..ops.Length], x) is { } y)
                return (y, ops.Length);
        }
        return null;
    }

    private static bool BeginsWith(ReadOnlySpan<Module> layers, string[] ops)
    {
        if (layers.Length < ops.Length)
            return false;
        for (var i = 0; i < ops.Length; i++)
        {
            if (OpOf(layers[i]) != ops[i])
                return false;
        }
        return true;
    }

    private static string? OpOf(Module layer) => layer switch
    {
        Conv2d => "conv2d",
        MaxPool2d => "max_pool2d",
        _ => null,
    };

    private static bool Fixes(ExecutionOptions options, string[] ops)
    {
        foreach (var (pass, _) in options.Implementations)
        {
            foreach (var op in ops)
            {
                if (pass == $"{op}_forward" || pass.StartsWith($"{op}_backward", StringComparison.Ordinal))
                    return true;
            }
        }
        return false;
    }
}
