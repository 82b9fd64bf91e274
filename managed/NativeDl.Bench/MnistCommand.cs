using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace NativeDl.Bench;

/// <summary>MNIST's training by `nativedl train` and by PyTorch (tests/peers/torch_mnist.py), whole processes in pairs.</summary>
internal static class MnistCommand
{
    public static int Run(MnistOptions options, CancellationToken stop)
    {
        var threads = options.Threads == 0 ? Machine.Cores : options.Threads;
        var tool = options.Tool ?? Path.Combine(Peers.Root, "managed", "NativeDl.Tool", "bin", "Release", "net10.0", "nativedl");
        if (!File.Exists(tool))
            throw new InvalidDataException($"there is no nativedl at {tool}: build the solution, or name it with --tool");
        var folder = Directory.CreateTempSubdirectory("nativedl-bench-").FullName;
        var table = new ReportTable($"MNIST, {options.Epochs} epochs, whole processes, {threads} threads",
            ["pair", "", "NativeDl s", "PyTorch s", "x", "accuracy, NativeDl / PyTorch"], []);
        var (ours, theirs) = (new List<double>(), new List<double>());
        try
        {
            for (var pair = 1; pair <= options.Pairs; pair++)
            {
                var native = new ProcessStartInfo(tool,
                [
                    "train", "--data", options.Data, "--epochs", $"{options.Epochs}", "--batch-size", "128", "--optimizer", "adam", "--lr", "0.001",
                    "--seed", $"{pair}", "--threads", $"{threads}", "--output", Path.Combine(folder, "model.safetensors"), "--json",
                ]);
                var (seconds, text) = Time(native, stop);
                ours.Add(seconds);
                var accuracy = Accuracy(text, "testAccuracy", "test_accuracy");
                var torch = new ProcessStartInfo(options.Python,
                [
                    Path.Combine(AppContext.BaseDirectory, "peers", "torch_mnist.py"), "--data", options.Data, "--epochs", $"{options.Epochs}",
                    "--seed", $"{pair}", "--threads", $"{threads}",
                ]);
                Peers.TuneTorch(torch);
                (seconds, text) = Time(torch, stop);
                theirs.Add(seconds);
                table.Rows.Add([$"{pair}", "", Text($"{ours[^1]:F2}"), Text($"{theirs[^1]:F2}"), Text($"{theirs[^1] / ours[^1]:F2}"), $"{accuracy} / {Accuracy(text, "test_accuracy")}"]);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        if (options.Markdown)
            Console.Write(table.ToMarkdown());
        else
            table.Print();
        var (us, them) = (Sample.Of(ours).By(options.Statistic), Sample.Of(theirs).By(options.Statistic));
        Console.WriteLine(Text($"NativeDl {us:F2} s, PyTorch {them:F2} s, x {them / us:F2} (must 3, aim 4)"));
        return 0;
    }

    private static (double Seconds, string Output) Time(ProcessStartInfo start, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        start.RedirectStandardOutput = true;
        var begin = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        using var kill = stop.Register(process.Kill);
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        stop.ThrowIfCancellationRequested();
        return process.ExitCode == 0
            ? (Stopwatch.GetElapsedTime(begin).TotalSeconds, output)
            : throw new InvalidDataException($"{start.FileName} ended with {process.ExitCode}: {output}");
    }

    private static string Accuracy(string output, params string[] names)
    {
        using var json = JsonDocument.Parse(output);
        foreach (var name in names)
        {
            if (json.RootElement.TryGetProperty(name, out var value))
                return Text($"{100 * value.GetDouble():F2} %");
        }
        return "?";
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
