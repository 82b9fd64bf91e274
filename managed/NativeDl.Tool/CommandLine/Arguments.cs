using System.Reflection;
using CommandLine;
using CommandLine.Text;

namespace NativeDl.Tool.CommandLine;

/// <summary>The verbs, and what is said about a command line that is none.</summary>
internal static class Arguments
{
    public static Type[] Verbs { get; } =
        [typeof(TrainOptions), typeof(EvaluateOptions), typeof(PredictOptions), typeof(InfoOptions), typeof(DemoOptions)];

    private static string Version { get; } =
        typeof(Arguments).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            .Split('+')[0] ?? "";

    public static Parser MakeParser() => new(settings => settings.HelpWriter = null);

    /// <summary>
    /// Refuses an option whose value is not there: the parser would take its default, and start to work.
    /// </summary>
    public static void RequireValues(IReadOnlyList<string> arguments)
    {
        var verb = Verbs.FirstOrDefault(verb => arguments.Count > 0 && NameOf(verb) == arguments[0]);
        if (verb is null)
            return;
        var valued = verb.GetProperties().Where(property => property.PropertyType != typeof(bool))
            .Select(property => property.GetCustomAttribute<OptionAttribute>()?.LongName).ToHashSet();
        for (var i = 1; i < arguments.Count; i++)
        {
            if (!arguments[i].StartsWith("--", StringComparison.Ordinal) || !valued.Contains(arguments[i][2..]))
                continue;
            if (i + 1 == arguments.Count || arguments[i + 1].StartsWith("--", StringComparison.Ordinal))
                throw Usage($"{arguments[i]} needs a value.", arguments);
        }
    }

    /// <summary>Prints the help that was asked for, or the first error; returns the exit code.</summary>
    public static int Explain(ParserResult<object> result, IReadOnlyList<string> arguments, Terminal terminal)
    {
        var errors = result.Errors.ToArray();
        if (errors.IsVersion())
        {
            terminal.Line($"nativedl {Version}");
            return ExitCode.Success;
        }
        if (errors.IsHelp() || arguments.Count == 0)
        {
            terminal.Line(Help(result, isIndex: !errors.Any(error => error is HelpRequestedError)));
            return arguments.Count == 0 ? ExitCode.Usage : ExitCode.Success;
        }
        throw Usage(Sentence(errors[0]), arguments);
    }

    private static ToolException Usage(string sentence, IReadOnlyList<string> arguments)
    {
        var verb = Verbs.Select(NameOf).FirstOrDefault(name => name == arguments[0]);
        return new ToolException(
            $"{sentence} `nativedl {(verb is null ? "help" : $"{verb} --help")}` shows what there is.", ExitCode.Usage);
    }

    /// <summary>The verbs, or the options of one.</summary>
    private static string Help(ParserResult<object> result, bool isIndex)
    {
        var help = HelpText.AutoBuild(result, text =>
        {
            text.Heading = $"nativedl {Version}: deep learning for .NET on a native core";
            text.Copyright = "";
            text.AdditionalNewLineAfterOption = false;
            text.AutoVersion = false;
            text.AutoHelp = false;
            text.MaximumDisplayWidth = 110;
            return text;
        }, example => example, verbsIndex: isIndex);
        return help.ToString().Trim();
    }

    private static string Sentence(Error error) => error switch
    {
        NoVerbSelectedError => "Name what to do.",
        BadVerbSelectedError e => $"There is no command '{e.Token}'.",
        UnknownOptionError e => $"There is no option '{(e.Token.Length == 1 ? "-" : "--")}{e.Token}'.",
        BadFormatConversionError e => $"{Name(e)} cannot have this value: it is not a number of the kind it takes.",
        MissingValueOptionError e => $"{Name(e)} needs a value.",
        MissingRequiredOptionError { NameInfo.NameText: "" } => "Name the file of weights.",
        MissingRequiredOptionError e => $"{Name(e)} is missing.",
        RepeatedOptionError e => $"{Name(e)} is given twice.",
        NamedError e => $"{Name(e)} is not as it should be.",
        _ => "The command line is not as it should be.",
    };

    private static string Name(NamedError error) =>
        error.NameInfo.NameText.Length == 0 ? "An argument" : $"--{error.NameInfo.LongName}";

    private static string NameOf(Type verb) => verb.GetCustomAttribute<VerbAttribute>()!.Name;
}
