using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NativeDl.Bench;

/// <summary>PyTorch in a process of its own, spoken to in lines of JSON (tests/peers/torch_peer.py).</summary>
internal sealed class TorchContestant : IContestant
{
    private readonly Process _process;
    private readonly string _folder = Directory.CreateTempSubdirectory("nativedl-bench-").FullName;

    private TorchContestant(Process process) => _process = process;

    public string Name { get; private set; } = "PyTorch";

    /// <summary>Starts the peer; null, with the reason, where Python or PyTorch is not installed.</summary>
    public static TorchContestant? TryStart(string python, out string reason)
    {
        var start = new ProcessStartInfo(python, [Path.Combine(AppContext.BaseDirectory, "peers", "torch_peer.py")])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        // PyTorch at its best: one pool of threads, and memory that is kept rather than mapped anew for each tensor.
        start.Environment["OPENBLAS_NUM_THREADS"] = "1";
        start.Environment["MALLOC_MMAP_MAX_"] = "0";
        start.Environment["MALLOC_TRIM_THRESHOLD_"] = "4294967296";
        start.Environment.Remove("OPENBLAS_CORETYPE");
        start.Environment.Remove("OPENBLAS_L2_SIZE");
        try
        {
            var process = Process.Start(start)!;
            var peer = new TorchContestant(process);
            process.ErrorDataReceived += static (_, e) =>
            {
                if (!string.IsNullOrEmpty(e.Data) && !e.Data.Contains("Warning", StringComparison.Ordinal))
                    Console.Error.WriteLine("torch_peer: " + e.Data);
            };
            process.BeginErrorReadLine();
            peer.Name = peer.Ask(new JsonObject { ["do"] = "hello" })["name"]!.GetValue<string>();
            reason = "";
            return peer;
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or IOException)
        {
            reason = $"{python} could not run PyTorch: {e.Message}";
            return null;
        }
    }

    public Outputs? Prepare(Workload workload, IReadOnlyDictionary<string, (float[] Values, long[] Shape)> inputs, int threads)
    {
        var arrays = new JsonObject();
        foreach (var (name, (values, shape)) in inputs)
        {
            var path = Path.Combine(_folder, name);
            File.WriteAllBytes(path, MemoryMarshal.AsBytes<float>(values));
            arrays[name] = new JsonObject { ["file"] = path, ["shape"] = new JsonArray([.. shape.Select(d => JsonValue.Create(d))]) };
        }
        var options = new JsonObject();
        foreach (var (name, value) in workload.Options)
            options[name] = value;
        var answer = Ask(new JsonObject { ["do"] = "prepare", ["op"] = workload.Op, ["options"] = options, ["inputs"] = arrays, ["threads"] = threads });
        if (answer["refused"] is not null)
            return null;
        var outputs = new Outputs();
        foreach (var (name, spec) in answer["outputs"]!.AsObject())
            outputs[name] = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(spec!["file"]!.GetValue<string>())).ToArray();
        return outputs;
    }

    public double Time(string pass, int iterations) =>
        Ask(new JsonObject { ["do"] = "time", ["pass"] = pass, ["iterations"] = iterations })["seconds"]!.GetValue<double>();

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(5000))
            _process.Kill();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private JsonNode Ask(JsonObject request)
    {
        _process.StandardInput.WriteLine(request.ToJsonString());
        _process.StandardInput.Flush();
        var line = _process.StandardOutput.ReadLine() ?? throw new IOException("the peer ended without an answer (is PyTorch installed?)");
        return JsonNode.Parse(line)!;
    }
}
