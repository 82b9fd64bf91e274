using System.Text.RegularExpressions;

namespace NativeDl.Bindings.Generator;

/// <summary>
/// Compares the generated code with the text of the headers, because CppSharp leaves out what it cannot express
/// without saying so.
/// </summary>
internal static partial class OutputCheck
{
    public static IEnumerable<string> FindProblems(string includeDirectory, string code)
    {
        var headers = string.Concat(Directory.EnumerateFiles(includeDirectory, "*.h", SearchOption.AllDirectories)
            .Select(File.ReadAllText));
        headers = Comment().Replace(headers, "");

        var functions = HeaderFunction().Matches(headers).ToDictionary(Name, ParameterCount);
        var imports = Import().Matches(code).ToDictionary(
            match => match.Groups["entry"].Value, match => (Name: Name(match), Count: ParameterCount(match)));
        foreach (var (name, count) in functions)
        {
            if (!imports.TryGetValue(name, out var import))
                yield return $"the function {name} is missing in the generated code";
            else if (import != (CSharpName.Of(name), count))
                yield return $"the function {name} has {count} parameters, the generated {import.Name} {import.Count}";
        }

        foreach (var name in imports.Keys.Except(functions.Keys))
            yield return $"the generated code imports {name}, which no NDL_API line of the headers declares";

        var types = HeaderType().Matches(headers);
        foreach (Match type in types)
        {
            var name = Name(type);
            var isEnum = type.Groups["kind"].Value == "enum";
            var expected = HeaderMember().Matches(type.Groups["body"].Value).Select(Name)
                .Select(member => isEnum ? CSharpName.OfItem(name, member) : member).ToList();
            var declaration = isEnum
                ? $@"^    internal enum {CSharpName.Of(name)}\b.*\n    \{{(?<body>[^}}]*)\}}"
                : $@"^    internal unsafe partial struct {CSharpName.Of(name)}\n"
                    + @"    \{\s*\[StructLayout.*\s+public partial struct __Internal\s+\{(?<body>[^}]*)\}";
            var body = Regex.Match(code, declaration, RegexOptions.Multiline).Groups["body"].Value;
            var actual = GeneratedMember().Matches(body).Select(Name).ToList();
            if (!expected.SequenceEqual(actual))
            {
                yield return $"the members of {name} are ({string.Join(", ", expected)}), "
                    + $"those in the generated code ({string.Join(", ", actual)})";
            }
        }

        if (functions.Count == 0 || types.Count == 0)
            yield return $"no functions or no types were found in the headers under {includeDirectory}";
        // Strings and bools would be marshalled, a global variable looked up when a class is first used.
        foreach (var word in (string[])["CppSharp.Runtime", "MarshalAs", "bool ", "__Symbols"])
        {
            if (code.Contains(word, StringComparison.Ordinal))
                yield return $"the generated code contains '{word}': a header uses what the bindings do not support";
        }
    }

    private static string Name(Match match) => match.Groups["name"].Value;

    private static int ParameterCount(Match match)
    {
        var parameters = match.Groups["parameters"].Value.Trim();
        return parameters is "" or "void" ? 0 : parameters.Count(c => c == ',') + 1;
    }

    [GeneratedRegex(@"/\*.*?\*/|//.*?$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"^NDL_API\b[^;()]*?\b(?<name>\w+)\s*\((?<parameters>[^)]*)\)", RegexOptions.Multiline)]
    private static partial Regex HeaderFunction();

    [GeneratedRegex("""EntryPoint = "(?<entry>\w+)".*\n.*\bextern \S+ (?<name>\w+)\((?<parameters>.*)\)""")]
    private static partial Regex Import();

    [GeneratedRegex(@"^typedef\s+(?<kind>struct|enum)\b[^{;]*\{(?<body>[^}]*)\}\s*(?<name>\w+)\s*;",
        RegexOptions.Multiline)]
    private static partial Regex HeaderType();

    // "int32_t name;", "int64_t name[8];", "NAME = 1," or "NAME" at the end.
    [GeneratedRegex(@"(?<name>\w+)\s*(\[\w+\]\s*;|;|=[^,]*,?|,|$)")]
    private static partial Regex HeaderMember();

    // "internal int name;", "internal fixed long name[8];", "Name = 1,".
    [GeneratedRegex(@"@?(?<name>\w+)(\[\d+\])?( = -?\d+|;)")]
    private static partial Regex GeneratedMember();
}
