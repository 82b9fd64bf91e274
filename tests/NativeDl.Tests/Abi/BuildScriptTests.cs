using System.Reflection;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace NativeDl.Tests.Abi;

/// <summary>build.sh and build.ps1 offer the same verbs in the same words.</summary>
[TestFixture]
public sealed partial class BuildScriptTests
{
    private static string Script(string name) => File.ReadAllText(Path.Combine(
        typeof(BuildScriptTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepoRoot").Value!,
        name)).ReplaceLineEndings("\n");

    [Test]
    public void BothScripts_HaveTheSameVerbs()
    {
        var shell = ShellVerb().Matches(Script("build.sh")[Script("build.sh").IndexOf("case $verb in", StringComparison.Ordinal)..])
            .Select(m => m.Groups[1].Value);
        var powerShell = PowerShellVerb().Matches(Script("build.ps1")[Script("build.ps1").IndexOf("switch ($verb)", StringComparison.Ordinal)..])
            .Select(m => m.Groups[1].Value);
        Assert.That(shell, Is.EqualTo(powerShell).And.EqualTo(
            (string[])["setup", "build", "test", "demo", "bench", "bindings", "nativedl", "clean"]));
    }

    [Test]
    public void BothScripts_DescribeTheirVerbsAlike()
    {
        static string[] Usage(string script) => Regex.Match(script, @"VERB\n\n((?:  .*\n)+)").Groups[1].Value.Split('\n');
        Assert.That(Usage(Script("build.sh")), Is.EqualTo(Usage(Script("build.ps1"))).And.Length.EqualTo(9));
    }

    [GeneratedRegex(@"^  (\w+)\)", RegexOptions.Multiline)]
    private static partial Regex ShellVerb();

    [GeneratedRegex(@"^    '(\w+)' \{", RegexOptions.Multiline)]
    private static partial Regex PowerShellVerb();
}
