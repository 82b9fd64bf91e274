using NativeDl.Tests.Reference;
using NUnit.Framework;

namespace NativeDl.Tests.Driver;

/// <summary>
/// Every pass of every op, on every implementation by its name, on every row of the op's table, against the oracle:
/// <c>conv2d_forward cpu:ref x=2x7x5x3 weight=5x3x3x3</c>.
/// </summary>
public sealed class OpCases
{
    // Beside the collector's storm a row takes a second: one in eight of each pass and implementation then.
    private static readonly int Step = Fixtures.BesideStorm ? 8 : 1;

    private static readonly bool RequireGpu = Environment.GetEnvironmentVariable("NATIVEDL_REQUIRE_GPU") == "1";

    public static IEnumerable<TestCaseData> Rows()
    {
        foreach (var reference in References.All)
        {
            var table = OpCase.ReadTable(reference.Op);
            foreach (var pass in PassesOf(reference.Op))
            {
                foreach (var implementation in Implementations.Of(pass))
                {
                    // The reference loops would take seconds on each of the largest rows, which show nothing new of them.
                    foreach (var row in table.Where(row => reference.RunsPass(row, pass) &&
                        (implementation.Name != "cpu:ref" || reference.Flop(row) <= Oracle.SampledFlop))
                        .Where((_, index) => index % Step == 0))
                    {
                        yield return new TestCaseData(reference.Op, pass, implementation.Name, row.Row)
                            .SetName($"{pass} {implementation.Name} {row.Row}")
                            .SetCategory(reference.Op);
                    }
                }
            }
        }
    }

    /// <summary>
    /// The rows of tests/cases/large, one after the other, since each takes much memory; not on the reference, which takes
    /// minutes there.
    /// </summary>
    public static IEnumerable<TestCaseData> LargeRows()
    {
        if (Environment.GetEnvironmentVariable("NATIVEDL_TEST_LARGE") != "1")
        {
            yield return new TestCaseData("", "", "", "").SetName("large rows").Ignore("NATIVEDL_TEST_LARGE=1 runs them");
            yield break;
        }
        foreach (var reference in References.All)
        {
            foreach (var row in OpCase.ReadLargeTable(reference.Op))
            {
                foreach (var pass in PassesOf(reference.Op).Where(pass => reference.RunsPass(row, pass)))
                {
                    foreach (var implementation in Implementations.Of(pass).Where(i => i.Name != "cpu:ref"))
                    {
                        yield return new TestCaseData(reference.Op, pass, implementation.Name, row.Row)
                            .SetName($"large {pass} {implementation.Name} {row.Row}")
                            .SetCategory(reference.Op);
                    }
                }
            }
        }
    }

    [TestCaseSource(nameof(Rows))]
    public void Matches(string op, string pass, string implementation, string row)
    {
        if (Implementations.Of(pass).Single(i => i.Name == implementation).Obstacle is { } obstacle)
        {
            if (RequireGpu && !implementation.StartsWith("cpu", StringComparison.Ordinal))
                Assert.Fail($"NATIVEDL_REQUIRE_GPU=1, and this machine cannot run {implementation}: {obstacle}");
            Assert.Ignore(obstacle);
        }
        string? refusal = null;
        try
        {
            CaseRunner.Check(References.All.Single(r => r.Op == op), OpCase.Parse(op, row), pass, implementation);
        }
        catch (UnsupportedException e)
        {
            refusal = e.Message;
        }
        if (RejectedTable.Note(pass, implementation, row, refusal) is { } difference)
            Assert.Fail(difference);
    }

    [TestCaseSource(nameof(LargeRows))]
    public void LargeMatches(string op, string pass, string implementation, string row)
    {
        if (Implementations.Of(pass).Single(i => i.Name == implementation).Obstacle is { } obstacle)
            Assert.Ignore(obstacle);
        Oracle.KeepOnly(op, row);
        try
        {
            CaseRunner.Check(References.All.Single(r => r.Op == op), OpCase.Parse(op, row), pass, implementation);
        }
        catch (UnsupportedException e)
        {
            Assert.Ignore(e.Message);
        }
    }

    /// <summary>The passes of an op that the op's own name begins; "max" has no pass of "max_pool2d".</summary>
    private static IEnumerable<string> PassesOf(string op) => Implementations.Passes.Where(pass =>
        pass == $"{op}_forward" || pass == $"{op}_backward" || pass.StartsWith($"{op}_backward_", StringComparison.Ordinal));

    [Test]
    public void EveryPass_BelongsToAnOpWithAReference()
    {
        var known = References.All.SelectMany(reference => PassesOf(reference.Op));
        Assert.That(Implementations.Passes.Except(known), Is.Empty, "passes without an oracle and a case table");
    }

    [Test]
    public void EveryTable_BelongsToAReference()
    {
        var tables = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "cases"), "*.cases")
            .Select(path => Path.GetFileNameWithoutExtension(path));
        Assert.That(tables, Is.EquivalentTo(References.All.Select(reference => reference.Op)));
    }

    [Test]
    public void EveryList_EndsWithTheReference()
    {
        foreach (var pass in Implementations.Passes)
            Assert.That(Implementations.Of(pass)[^1], Is.EqualTo(new Implementation("cpu:ref", null)), pass);
    }
}
