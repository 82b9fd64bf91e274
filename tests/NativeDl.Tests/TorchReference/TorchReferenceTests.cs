using System.Text.Json;
using NativeDl.Tests.Data;
using NUnit.Framework;

namespace NativeDl.Tests.TorchReference;

/// <summary>
/// Every case of the reference data made with PyTorch in float64, for the families that the library has, in F32 and in
/// F64. A family is a line of <see cref="Families"/>; cases of others are counted in <see cref="Coverage"/>.
/// </summary>
public sealed class TorchReferenceTests
{
    private static readonly string? s_folder = SharedData.Find("torch-ref");

    private static readonly JsonDocument? s_index =
        s_folder is null ? null : JsonDocument.Parse(File.ReadAllBytes(Path.Combine(s_folder, "index.json")));

    private static string Name(JsonElement entry) => $"{entry.GetProperty("family").GetString()}/{entry.GetProperty("name").GetString()}";

    private static IEnumerable<TestCaseData> Cases()
    {
        if (s_index is null)
        {
            yield return new TestCaseData("absent", DType.F32).SetArgDisplayNames("the reference data are not here");
            yield break;
        }
        foreach (var entry in s_index!.RootElement.GetProperty("cases").EnumerateArray())
        {
            if (!Families.Supports(entry))
                continue;
            var name = Name(entry);
            yield return new TestCaseData(name, DType.F32).SetArgDisplayNames(name, "F32");
            if (Families.InDouble(entry))
                yield return new TestCaseData(name, DType.F64).SetArgDisplayNames(name, "F64");
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void Agrees(string name, DType dtype)
    {
        SharedData.Require("torch-ref");
        var entry = s_index!.RootElement.GetProperty("cases").EnumerateArray().First(e => Name(e) == name);
        Families.Run(entry, new TorchCase(entry, s_folder!, dtype));
    }

    [Test]
    public void Coverage()
    {
        SharedData.Require("torch-ref");
        var families = s_index!.RootElement.GetProperty("cases").EnumerateArray()
            .GroupBy(e => e.GetProperty("family").GetString()!)
            .Select(g => (Family: g.Key, Run: g.Count(Families.Supports), All: g.Count()));
        foreach (var (family, run, all) in families)
            TestContext.Out.WriteLine($"{family}: {run} of {all} run");
        Assert.That(families.Where(f => Families.Complete.Contains(f.Family) && f.Run < f.All), Is.Empty);
    }
}
