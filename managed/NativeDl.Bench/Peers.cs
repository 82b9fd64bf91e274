using System.Diagnostics;
using System.Reflection;

namespace NativeDl.Bench;

/// <summary>Finds and starts the peers that are installed.</summary>
internal static class Peers
{
    /// <summary>The names that --peers takes.</summary>
    public static readonly string[] Known = ["onednn", "openblas", "torch"];

    /// <summary>Where the build left the programs of tests/peers.</summary>
    public static string Folder { get; } = Path.GetFullPath(Metadata("PeersDirectory"));

    /// <summary>The root of the repository that the bench was built in.</summary>
    public static string Root { get; } = Path.GetFullPath(Metadata("RepoRoot"));

    /// <summary>Starts those named, and tells why one is missing.</summary>
    public static List<PeerContestant> Start(IEnumerable<string> names, string python, Action<string> tell)
    {
        var peers = new List<PeerContestant>();
        foreach (var name in names)
        {
            if (!Known.Contains(name))
                throw new InvalidDataException($"there is no peer '{name}'; there are: {string.Join(", ", Known)}");
            if ((name == "torch" ? Torch(python, out var reason) : Native(name, out reason)) is { } peer)
                peers.Add(peer);
            else
                tell($"without {name}: {reason}");
        }
        return peers;
    }

    public static PeerContestant? Native(string name, out string reason)
    {
        var program = Path.Combine(Folder, name + "_peer");
        if (File.Exists(program))
            return PeerContestant.TryStart(new ProcessStartInfo(program), name, out reason);
        reason = $"it was not built; docs/benchmarks/README.md says how ({program})";
        return null;
    }

    /// <summary>The words of each line that a program of the folder prints for so many threads; null where it was not built.</summary>
    public static List<string[]>? Ask(string program, int threads)
    {
        var path = Path.Combine(Folder, program);
        if (!File.Exists(path))
            return null;
        using var process = Process.Start(new ProcessStartInfo(path, [$"{threads}"]) { RedirectStandardOutput = true })!;
        var lines = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();
        return process.ExitCode == 0 ? [.. lines.Select(line => line.Split(' '))]
            : throw new InvalidDataException($"{path} ended with {process.ExitCode}");
    }

    private static PeerContestant? Torch(string python, out string reason)
    {
        var start = new ProcessStartInfo(python, [Path.Combine(AppContext.BaseDirectory, "peers", "torch_peer.py")]);
        TuneTorch(start);
        return PeerContestant.TryStart(start, "PyTorch", out reason);
    }

    /// <summary>PyTorch at its best: one pool of threads, and memory that is kept rather than mapped anew for each tensor.</summary>
    public static void TuneTorch(ProcessStartInfo start)
    {
        start.Environment["OPENBLAS_NUM_THREADS"] = "1";
        start.Environment["MALLOC_MMAP_MAX_"] = "0";
        start.Environment["MALLOC_TRIM_THRESHOLD_"] = "4294967296";
        start.Environment.Remove("OPENBLAS_CORETYPE");
        start.Environment.Remove("OPENBLAS_L2_SIZE");
    }

    private static string Metadata(string key) =>
        typeof(Peers).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;
}
