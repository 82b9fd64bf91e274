using NUnit.Framework;

namespace NativeDl.Tests.Docs;

/// <summary>Every C# sample in the documentation stands, line by line, in <see cref="Samples"/>, which runs it.</summary>
public sealed class DocumentationTests
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
