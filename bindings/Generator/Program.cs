using System.Text.RegularExpressions;
using CppSharp;
using NativeDl.Bindings.Generator;

if (args is not ["--root", var root])
{
    Console.Error.WriteLine("usage: NativeDl.Bindings.Generator --root <repository>");
    return 2;
}

var includeDirectory = Path.GetFullPath(Path.Combine(root, "native", "include"));
var output = Path.GetFullPath(Path.Combine(root, "bindings", "Generated", "NativeDl.g.cs"));

var library = new NativeDlLibrary(includeDirectory);
if (!ConsoleDriver.Run(library) || library.Code is not { } code)
{
    Console.Error.WriteLine("error: the headers could not be parsed; see the messages above");
    return 1;
}

// Everything here serves the hand-written layer in NativeDl.dll and nobody else.
code = Regex.Replace(code, "^    public ", "    internal ", RegexOptions.Multiline);

var problems = OutputCheck.FindProblems(includeDirectory, code).ToList();
foreach (var problem in problems)
    Console.Error.WriteLine($"error: {problem}");
if (problems.Count > 0)
    return 1;

File.WriteAllText(output, code);
Console.WriteLine($"wrote {output}");
return 0;
