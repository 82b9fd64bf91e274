using NUnit.Framework;

namespace NativeDl.Tests.Data;

/// <summary>
/// Real data that is not part of the repository: the folder that NATIVEDL_TEST_DATA names, or "shared/data" beside
/// a folder above the tests.
/// </summary>
internal static class SharedData
{
    /// <summary>A folder or file of it; the test is skipped where it is absent.</summary>
    public static string Require(string name)
    {
        var root = Environment.GetEnvironmentVariable("NATIVEDL_TEST_DATA") ?? Search();
        var path = root is null ? null : Path.Combine(root, name);
        if (!Path.Exists(path))
            Assert.Ignore($"No {name} in the shared test data ({root ?? "set NATIVEDL_TEST_DATA to its folder"}).");
        return path!;
    }

    private static string? Search()
    {
        for (var at = new DirectoryInfo(TestContext.CurrentContext.TestDirectory); at is not null; at = at.Parent)
        {
            var path = Path.Combine(at.FullName, "shared", "data");
            if (Directory.Exists(path))
                return path;
        }
        return null;
    }
}
