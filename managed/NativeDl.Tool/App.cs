using CommandLine;
using NativeDl.Tool.CommandLine;
using NativeDl.Tool.Commands;

namespace NativeDl.Tool;

/// <summary>The program without the process: tests run it too.</summary>
internal static class App
{
    /// <summary>Runs a command line and returns the exit code.</summary>
    public static int Run(IReadOnlyList<string> arguments, Terminal terminal, CancellationToken stop = default)
    {
        try
        {
            Arguments.RequireValues(arguments);
            using var parser = Arguments.MakeParser();
            var parsed = parser.ParseArguments(arguments, Arguments.Verbs);
            return parsed.MapResult(
                options => Run(options, terminal, stop),
                _ => Arguments.Explain(parsed, arguments, terminal));
        }
        catch (ToolException e)
        {
            return Fail(e.Message, e.ExitCode);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Fail("Stopped.", ExitCode.Stopped);
        }
        catch (Exception e) when (e is NativeDlException and not InternalErrorException
            or IOException or UnauthorizedAccessException)
        {
            return Fail(e.Message, ExitCode.Failure);
        }

        int Fail(string message, int code)
        {
            terminal.Error.WriteLine($"nativedl: {message}");
            return code;
        }
    }

    private static int Run(object options, Terminal terminal, CancellationToken stop) => options switch
    {
        TrainOptions train => TrainCommand.Run(train, terminal, stop),
        EvaluateOptions evaluate => EvaluateCommand.Run(evaluate, terminal, stop),
        PredictOptions predict => PredictCommand.Run(predict, terminal, stop),
        InfoOptions info => InfoCommand.Run(info, terminal),
        DemoOptions demo => DemoCommand.Run(demo, terminal, stop),
        _ => throw new InvalidOperationException($"No command for {options.GetType()}."),
    };
}
