using Spectre.Console;

namespace NativeDl.Tool;

/// <summary>Where output goes: results to one writer, errors and what accompanies JSON to the other.</summary>
/// <param name="Out">Standard output.</param>
/// <param name="Error">Standard error.</param>
/// <param name="IsLive">Whether standard output is a terminal on which lines can be redrawn.</param>
internal sealed record Terminal(TextWriter Out, TextWriter Error, bool IsLive = false)
{
    private const int WidthOfFiles = 120;

    public static Terminal OfProcess() => new(
        Console.Out, Console.Error,
        !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb");

    /// <summary>Where words for people go: beside the JSON where that is asked for.</summary>
    public Terminal Beside(bool json) => json ? this with { Out = Error, IsLive = false } : this;

    /// <summary>Spectre's console on the output: with colours and redrawing on a terminal, plain lines elsewhere.</summary>
    public IAnsiConsole Ansi => field ??= MakeConsole();

    public void Line(string text = "") => Out.WriteLine(text);

    public void Table(Table table)
    {
        table.Border(IsLive ? TableBorder.Rounded : TableBorder.Simple);
        Ansi.Write(table);
    }

    private IAnsiConsole MakeConsole()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = IsLive ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = IsLive ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = IsLive ? InteractionSupport.Detect : InteractionSupport.No,
            Out = new AnsiConsoleOutput(Out),
        });
        if (!IsLive)
            console.Profile.Width = WidthOfFiles;
        return console;
    }
}
