using System.Text.RegularExpressions;
using NUnit.Framework;

namespace NativeDl.Tests.Docs;

/// <summary>
/// Every C# sample in the documentation stands, line by line, in <see cref="Samples"/>, which runs it; links lead
/// somewhere; the table of environment variables is complete. (The C sample is compiled and run by ctest.)
/// </summary>
public sealed partial class DocumentationTests
{
    private static readonly string s_root = FindRoot();

    private static IEnumerable<string> Documents() =>
        Directory.EnumerateFiles(s_root, "*.md").Concat(Directory.EnumerateFiles(Path.Combine(s_root, "docs"), "*.md", SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(s_root, path)).Order(StringComparer.Ordinal);

    [TestCaseSource(nameof(Documents))]
    public void SamplesAreRun(string document)
    {
        var code = Directory.EnumerateFiles(Path.Combine(s_root, "tests", "NativeDl.Tests", "Docs"), "*.cs")
            .Select(file => $"\n{string.Join('\n', Significant(File.ReadLines(file)))}\n").ToArray();
        foreach (var sample in Blocks(File.ReadAllLines(Path.Combine(s_root, document))))
        {
            var text = $"\n{string.Join('\n', Significant(sample))}\n";
            Assert.That(code.Any(c => c.Contains(text, StringComparison.Ordinal)), Is.True,
                $"{document} has a sample that no method of tests/NativeDl.Tests/Docs holds:\n{string.Join('\n', sample)}");
        }
    }

    [TestCaseSource(nameof(Documents))]
    public void LinksLeadToFiles(string document)
    {
        var folder = Path.GetDirectoryName(Path.Combine(s_root, document))!;
        var targets = Link().Matches(File.ReadAllText(Path.Combine(s_root, document))).Select(m => m.Groups[1].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal));
        Assert.That(targets.Where(target => !Path.Exists(Path.Combine(folder, target))), Is.Empty);
    }

    [Test]
    public void EnvironmentVariablesAreListed()
    {
        var listed = TableRow().Matches(File.ReadAllText(Path.Combine(s_root, "docs", "environment.md"))).Select(m => m.Groups[1].Value);
        var read = ((string[])["native", "managed", "tests", "bindings"])
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(s_root, folder), "*.*", SearchOption.AllDirectories))
            .Where(path => SourceFile().IsMatch(path) && !BuildFolder().IsMatch(Path.GetRelativePath(s_root, path)))
            .SelectMany(path => Variable().Matches(File.ReadAllText(path))).Select(m => m.Groups[1].Value).Distinct();
        Assert.That(listed, Is.EquivalentTo(read));
    }

    [GeneratedRegex(@"\]\(([^)#\s]+)(#[^)]*)?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^\| `(\w+)`", RegexOptions.Multiline)]
    private static partial Regex TableRow();

    // As a string in the code, or as a property in an MSBuild file: other names with this prefix are include guards.
    [GeneratedRegex(@"(?:""|\$\()(NATIVEDL_[A-Z_]+)(?=""|\))")]
    private static partial Regex Variable();

    [GeneratedRegex(@"\.(cs|cpp|hpp|c|csproj|props|targets)$")]
    private static partial Regex SourceFile();

    [GeneratedRegex(@"(^|[/\\])(bin|obj)[/\\]")]
    private static partial Regex BuildFolder();

    private static IEnumerable<List<string>> Blocks(IEnumerable<string> lines)
    {
        List<string>? block = null;
        foreach (var line in lines)
        {
            if (block is null)
            {
                if (line.TrimEnd() == "```csharp")
                    block = [];
            }
            else if (line.TrimEnd() == "```")
            {
                yield return block;
                block = null;
            }
            else
            {
                block.Add(line);
            }
        }
    }

    // Indentation, blank lines and using directives differ between a page and a test class.
    private static IEnumerable<string> Significant(IEnumerable<string> lines) => lines.Select(l => l.Trim())
        .Where(l => l.Length > 0 && !(l.StartsWith("using ", StringComparison.Ordinal) && l.EndsWith(';') && !l.Contains('=', StringComparison.Ordinal)));

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "NativeDl.sln")))
                return folder.FullName;
        }
        throw new DirectoryNotFoundException($"No NativeDl.sln above {AppContext.BaseDirectory}.");
    }
}
