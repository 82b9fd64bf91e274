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
        var path = Find(name);
        if (path is null)
            Assert.Ignore($"No {name} in the shared test data ({Root ?? "set NATIVEDL_TEST_DATA to its folder"}).");
        return path;
    }

    /// <summary>A folder or file of it; null where it is absent.</summary>
    public static string? Find(string name)
    {
        var path = Root is null ? null : Path.Combine(Root, name);
        return Path.Exists(path) ? path : null;
    }

    private static string? Root => Environment.GetEnvironmentVariable("NATIVEDL_TEST_DATA") ?? Search();

    private static string? Search()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var path = Path.Combine(at.FullName, "shared", "data");
            if (Directory.Exists(path))
                return path;
        }
        return null;
    }
}
