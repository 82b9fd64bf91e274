using NativeDl.Tool.CommandLine;
using NativeDl.Tool.Models;
using Spectre.Console;

namespace NativeDl.Tool.Commands;

internal static class InfoCommand
{
    public static int Run(InfoOptions options, Terminal terminal)
    {
        var report = InfoReport.Make();
        if (options.Json)
            Json.Print(terminal, report);
        else
            Print(terminal, report);
        return ExitCode.Success;
    }

    private static void Print(Terminal terminal, InfoReport report)
    {
        var facts = new Table().HideHeaders().AddColumns("", "");
        foreach (var (name, value) in report.Machine.Where(fact => fact.Key != "cores"))
            facts.AddRow(Markup.Escape(name), Markup.Escape(value));
        facts.AddRow("cores", $"{report.Cores}, as many threads by default");
        facts.AddRow("CUDA devices", $"{report.CudaDevices}");
        facts.AddRow("memory", $"{Words.Bytes(report.Memory.AvailableBytes)} for this process, " +
            $"{Words.Bytes(report.Memory.NativeBytesInUse)} in use by tensors");
        foreach (var model in report.Models)
            facts.AddRow($"model {model.Name}", Markup.Escape(model.Description));
        terminal.Table(facts);

        var passes = new Table().AddColumns("pass", "implementations, best first", "refused here, because");
        foreach (var pass in report.Passes)
        {
            var usable = pass.Implementations.Where(i => i.Obstacle is null).Select(i => i.Name);
            var refused = pass.Implementations.Where(i => i.Obstacle is not null).Select(i => $"{i.Name}: {i.Obstacle}");
            passes.AddRow(
                Markup.Escape(pass.Name), Markup.Escape(string.Join(", ", usable)), Markup.Escape(string.Join('\n', refused)));
        }
        terminal.Table(passes);
    }
}

/// <summary>What `info --json` prints.</summary>
internal sealed record InfoReport(
    IReadOnlyDictionary<string, string> Machine, int Cores, int CudaDevices, MemoryReport Memory,
    IReadOnlyList<ModelReport> Models, IReadOnlyList<PassReport> Passes)
{
    public static InfoReport Make()
    {
        var memory = NativeMemory.Read();
        return new InfoReport(
            NativeDl.Machine.Describe().Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0], pair => pair[^1]),
            NativeDl.Machine.Cores, NativeDl.Machine.CudaDevices,
            new MemoryReport(
                GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, memory.BytesInUse, memory.BytesCached,
                memory.PeakBytesInUse),
            [.. ModelKind.All.Select(kind => new ModelReport(kind.Name, kind.Description))],
            [.. Implementations.Passes.Select(pass => new PassReport(pass, Implementations.Of(pass)))]);
    }
}

internal sealed record MemoryReport(
    long AvailableBytes, long NativeBytesInUse, long NativeBytesCached, long NativePeakBytes);

internal sealed record ModelReport(string Name, string Description);

internal sealed record PassReport(string Name, IReadOnlyList<Implementation> Implementations);
