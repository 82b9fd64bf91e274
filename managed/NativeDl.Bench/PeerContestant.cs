using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace NativeDl.Bench;

/// <summary>A peer in a process of its own, spoken to in lines of words (tests/peers/peer.hpp has the protocol).</summary>
internal sealed class PeerContestant : IContestant
{
    private readonly Process _process;
    private readonly string _program;
    private readonly string _folder = Directory.CreateTempSubdirectory("nativedl-bench-").FullName;

    private PeerContestant(Process process, string program)
    {
        (_process, _program) = (process, program);
        Directory.CreateDirectory(Path.Combine(_folder, "inputs"));
        Directory.CreateDirectory(Path.Combine(_folder, "outputs"));
    }

    public string Name { get; private set; } = "";

    /// <summary>A word more for the peer's choice of a method: oneDNN's "variant=nhwc".</summary>
    public string ExtraWord { get; set; } = "";

    /// <summary>Starts a peer; null, with the reason, where it cannot run.</summary>
    public static PeerContestant? TryStart(ProcessStartInfo start, string program, out string reason)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        var errors = new StringBuilder();
        PeerContestant? peer = null;
        try
        {
            var process = Process.Start(start)!;
            peer = new PeerContestant(process, program);
            process.ErrorDataReceived += (_, e) =>
            {
                if (!string.IsNullOrEmpty(e.Data))
                    errors.AppendLine(e.Data);
            };
            process.BeginErrorReadLine();
            peer.Name = peer.Ask("hello", "name");
            reason = "";
            return peer;
        }
        catch (Exception e) when (e is Win32Exception or IOException or InvalidDataException)
        {
            peer?.Dispose();
            var said = errors.ToString().TrimEnd().Split('\n')[^1];
            reason = $"{program} does not run: {(said.Length > 0 ? said : e.Message)}";
            return null;
        }
    }

    public Prepared? Prepare(Workload workload, IReadOnlyDictionary<string, Values> inputs, int threads)
    {
        var words = new StringBuilder($"prepare {workload.Op} threads={threads} inputs={_folder}/inputs outputs={_folder}/outputs");
        foreach (var (name, values) in inputs)
        {
            File.WriteAllBytes(Path.Combine(_folder, "inputs", name), MemoryMarshal.AsBytes<float>(values.Data));
            words.Append(' ').Append(name).Append('=').Append(new OperandSpec(values.Shape, workload.TypeOf(name), ""));
        }
        foreach (var (name, value) in workload.Options)
            words.Append(' ').Append(name).Append('=').Append(value);
        if (ExtraWord.Length > 0)
            words.Append(' ').Append(ExtraWord);

        Clear("outputs");
        var answer = Ask(words.ToString());
        Clear("inputs");
        if (answer.StartsWith("refused", StringComparison.Ordinal))
            return null;
        if (!answer.StartsWith("ready ", StringComparison.Ordinal))
            throw new InvalidDataException($"{_program} answered '{answer}' to prepare");
        var passes = answer["ready ".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .ToDictionary(word => word.Split('=')[0], word => word[(word.IndexOf('=', StringComparison.Ordinal) + 1)..]);
        var outputs = Directory.EnumerateFiles(Path.Combine(_folder, "outputs")).ToDictionary(
            file => Path.GetFileName(file), file => MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(file)).ToArray());
        Clear("outputs");
        return new Prepared(passes, outputs);
    }

    public double Time(string pass, int iterations) =>
        double.Parse(Ask($"time {pass} {iterations}", "seconds"), CultureInfo.InvariantCulture);

    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
            if (!_process.WaitForExit(3000))
                _process.Kill();
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // It has ended already.
        }
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Clear(string sub)
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(_folder, sub)))
            File.Delete(file);
    }

    private string Ask(string request, string expected)
    {
        var answer = Ask(request);
        return answer.StartsWith(expected + " ", StringComparison.Ordinal)
            ? answer[(expected.Length + 1)..]
            : throw new InvalidDataException($"{_program} answered '{answer}' to '{request}'");
    }

    private string Ask(string request)
    {
        _process.StandardInput.WriteLine(request);
        _process.StandardInput.Flush();
        return _process.StandardOutput.ReadLine() ?? throw new IOException($"{_program} ended without an answer to '{request}'");
    }
}
