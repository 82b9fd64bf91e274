using System.Diagnostics;
using System.Globalization;

namespace NativeDl.Bench;

/// <summary>Holds the oneDNN adapter against oneDNN's own benchdnn, in turn, on eight shapes: within 5 %, or the adapter lies.</summary>
internal static class PeersCommand
{
    private const double Allowed = 1.05;
    private const string Nhwc = "variant=nhwc", Plain = "variant=plain";

    private sealed record Shape(string Workload, string Pass, string Variant, string Benchdnn);

    // benchdnn counts dilation from 0, and "axb" is NHWC.
    private static readonly Shape[] s_shapes =
    [
        new("conv2d x=16x56x56x64 weight=64x3x3x64 pad_top=1 pad_bottom=1 pad_left=1 pad_right=1", "forward", Nhwc,
            "--conv --dir=FWD_I --stag=axb --dtag=axb mb16ic64ih56oc64oh56kh3ph1"),
        new("conv2d x=16x28x28x128 weight=128x3x3x128 pad_top=1 pad_bottom=1 pad_left=1 pad_right=1", "backward_input", Nhwc,
            "--conv --dir=BWD_D --stag=axb --dtag=axb mb16ic128ih28oc128oh28kh3ph1"),
        new("conv2d x=16x14x14x256 weight=256x3x3x256 pad_top=1 pad_bottom=1 pad_left=1 pad_right=1", "backward_weight", Nhwc,
            "--conv --dir=BWD_W --stag=axb --dtag=axb mb16ic256ih14oc256oh14kh3ph1"),
        new("conv2d x=16x14x14x1024 weight=256x1x1x1024", "forward", Nhwc,
            "--conv --dir=FWD_I --stag=axb --dtag=axb mb16ic1024ih14oc256oh14kh1ph0"),
        new("gemm a=1024x1024 b=1024x1024", "forward", Plain, "--matmul --stag=ab --wtag=ab --dtag=ab 1024x1024:1024x1024"),
        new("gemm a=64x147 b=147x12544", "forward", Plain, "--matmul --stag=ab --wtag=ab --dtag=ab 64x147:147x12544"),
        new("max_pool2d x=32x112x112x64 kernel_h=3 kernel_w=3 stride_h=2 stride_w=2 pad_top=1 pad_bottom=1 pad_left=1 pad_right=1", "forward", Nhwc,
            "--pool --dir=FWD_D --alg=max --tag=axb mb32ic64ih112oh56kh3sh2ph1"),
        new("relu x=32x112x112x64", "forward", Plain, "--eltwise --dir=FWD_D --alg=relu_dst --tag=axb 32x64x112x112"),
    ];

    public static int Run(PeersOptions options, CancellationToken stop)
    {
        if (Peers.Native("onednn", out var reason) is not { } peer)
            throw new InvalidDataException($"oneDNN is not to be had: {reason}");
        using var _ = peer;
        var threads = options.Threads == 0 ? Machine.Cores : options.Threads;
        var benchdnn = options.Benchdnn ?? Path.Combine(Environment.GetEnvironmentVariable("NATIVEDL_ONEDNN_DIR") ?? "", "bin", "benchdnn");
        if (!File.Exists(benchdnn))
            throw new InvalidDataException($"no benchdnn at '{benchdnn}': name it with --benchdnn, or set NATIVEDL_ONEDNN_DIR to oneDNN's folder");
        var table = new ReportTable($"{peer.Name}: the adapter against benchdnn, least times", ["workload", "pass", "adapter ms", "benchdnn ms", "ratio", "method"], []);
        var worst = 0.0;
        foreach (var shape in s_shapes)
        {
            var workload = Workload.Parse(shape.Workload);
            peer.ExtraWord = shape.Variant;
            var prepared = peer.Prepare(workload, Inputs.Make(workload), threads)
                ?? throw new InvalidDataException($"the adapter refuses {workload}");
            var (adapter, own) = (double.MaxValue, double.MaxValue);
            for (var round = 0; round < options.Rounds; round++)
            {
                stop.ThrowIfCancellationRequested();
                var spent = 0.0;
                for (var i = 0; i < 200 && spent < options.Seconds; i++)
                {
                    var seconds = peer.Time(shape.Pass, 1);
                    (adapter, spent) = (Math.Min(adapter, seconds), spent + seconds);
                }
                own = Math.Min(own, LeastOf(benchdnn, shape.Benchdnn, threads, options.Seconds));
            }
            worst = Math.Max(worst, adapter / own);
            table.Rows.Add([workload.ToString(), shape.Pass, Text($"{adapter * 1e3:F3}"), Text($"{own * 1e3:F3}"), Text($"{adapter / own:F3}"), prepared.Passes[shape.Pass]]);
        }
        if (options.Markdown)
            Console.Write(table.ToMarkdown());
        else
            table.Print();
        Console.WriteLine(Text($"worst ratio {worst:F3}, allowed {Allowed}"));
        return worst <= Allowed ? 0 : 1;
    }

    private static double LeastOf(string benchdnn, string arguments, int threads, double seconds)
    {
        var words = arguments.Split(' ');
        var start = new ProcessStartInfo(benchdnn, ["--mode=P", words[0], "--perf-template=least=%-time%", Text($"--max-ms-per-prb={seconds * 1e3:F0}"), .. words[1..]])
        {
            RedirectStandardOutput = true,
        };
        start.Environment["OMP_NUM_THREADS"] = $"{threads}";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        var line = output.Split('\n').LastOrDefault(l => l.StartsWith("least=", StringComparison.Ordinal) && char.IsAsciiDigit(l["least=".Length]))
            ?? throw new InvalidDataException($"benchdnn {arguments} said:\n{output}");
        return double.Parse(line["least=".Length..], CultureInfo.InvariantCulture) / 1e3;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
