using System.Reflection;
using NUnit.Framework;

namespace NativeDl.Tests.Abi;

/// <summary>
/// Holds the headers, the generated bindings, the library's exports and the C compiler's layout against each other, in
/// all directions, without CppSharp. Each kind of difference is planted once, to see that it would be found.
/// </summary>
[TestFixture]
public sealed class AbiTests
{
    private static readonly AbiModel _bindings = AbiModel.OfBindings();

    private sealed record Sources(string Headers, string Layout, string Exports)
    {
        public IEnumerable<string> Differences()
        {
            var (headers, layout, exports) = (AbiModel.OfHeaders(Headers), AbiModel.OfLayout(Layout), AbiModel.OfExports(Exports));
            return AbiModel.Compare("the headers", headers.Functions, "the bindings", _bindings.Functions)
                .Concat(AbiModel.Compare("the headers", headers.Functions, "the exports", exports.Functions, namesOnly: true))
                .Concat(AbiModel.Compare("the headers", headers.Structs, "the bindings", _bindings.Structs))
                .Concat(AbiModel.Compare("the C compiler", layout.Layout, "the bindings", _bindings.Layout));
        }
    }

    private static string Setting(string key) => typeof(AbiTests).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;

    private static readonly Lazy<Sources> _sources = new(() =>
    {
        var headers = Directory.GetFiles(Setting("IncludeDirectory"), "*.h").Order(StringComparer.Ordinal);
        string Read(string file) => File.ReadAllText(Path.Combine(Setting("AbiDirectory"), file));
        // nm lists the exports where the library is ELF; elsewhere the headers stand in for them.
        var text = string.Concat(headers.Select(File.ReadAllText));
        return new(text, Read("layout.txt"),
            OperatingSystem.IsLinux() ? Read("exports.txt") : string.Join('\n', AbiModel.OfHeaders(text).Functions.Keys));
    });

    [Test]
    public void HeadersBindingsExportsAndLayout_Agree()
    {
        Assert.Multiple(() =>
        {
            Assert.That(_bindings.Functions, Has.Count.GreaterThan(30));
            Assert.That(_bindings.Structs, Has.Count.GreaterThan(5));
            Assert.That(_bindings.Layout, Has.Count.GreaterThan(80));
            Assert.That(_sources.Value.Differences(), Is.Empty,
                "after a change of a header: ./build.sh bindings, then ./build.sh build");
        });
    }

    [TestCase("headers", "NDL_API ndl_status ndl_memory_trim(void);", "", "ndl_memory_trim: in the bindings, not in the headers")]
    [TestCase("headers", "NDL_API ndl_status ndl_memory_trim(void);", "NDL_API ndl_status ndl_memory_trim(void);\nNDL_API ndl_status ndl_extra(void);",
        "ndl_extra: in the headers, not in the bindings")]
    [TestCase("headers", "ndl_memory_trim(void)", "ndl_memory_trim(int32_t deep)", "ndl_memory_trim: the headers has Status(Int32 deep)")]
    [TestCase("headers", "ndl_tensor x, ndl_tensor* y);", "ndl_tensor x, int32_t* y);", "UInt64 x, Int32* y")]
    [TestCase("headers", "uint32_t ndl_abi_version", "int32_t ndl_abi_version", "ndl_abi_version: the headers has Int32()")]
    [TestCase("headers", "uint32_t struct_size;\n  int32_t groups;", "int32_t groups;\n  uint32_t struct_size;",
        "Conv2dOptions: the headers has Int32 groups; UInt32 struct_size; Int32 stride_h")]
    [TestCase("headers", "int64_t workspace_limit;", "int32_t workspace_limit;", "ContextOptions: the headers has")]
    [TestCase("headers", "int64_t workspace_limit;", "int64_t workspace_limit; int64_t later;", "ContextOptions: the headers has")]
    [TestCase("layout", "struct ndl_conv2d_options 48", "struct ndl_conv2d_options 56", "Conv2dOptions: the C compiler has 56, the bindings has 48")]
    [TestCase("layout", "field ndl_tensor_info.count 24 8", "field ndl_tensor_info.count 32 8", "TensorInfo.count: the C compiler has 32 size 8")]
    [TestCase("layout", "item ndl_dtype.NDL_DTYPE_F16 3", "item ndl_dtype.NDL_DTYPE_F16 4", "Dtype.F16: the C compiler has 4, the bindings has 3")]
    [TestCase("layout", "item ndl_dtype.NDL_DTYPE_F16 3\n", "", "Dtype.F16: in the bindings, not in the C compiler")]
    [TestCase("exports", " ndl_relu_forward\n", " ndl_relu_forwards\n", "ndl_relu_forward: in the headers, not in the exports")]
    [TestCase("exports", " ndl_relu_forward\n", " ndl_relu_forward\n0 T _ZN3ndl6submitEv\n", "_ZN3ndl6submitEv: in the exports, not in the headers")]
    public void PlantedDifference_IsFound(string source, string old, string planted, string expected)
    {
        var sources = _sources.Value;
        string Plant(string text)
        {
            text = text.ReplaceLineEndings("\n");
            var replaced = text.Replace(old, planted);
            if (source == "exports" && !OperatingSystem.IsLinux())
                Assert.Ignore("the exports are read on Linux only");
            Assert.That(replaced == text, Is.False, "the text to plant the difference in has changed");
            return replaced;
        }

        sources = source switch
        {
            "headers" => sources with { Headers = Plant(sources.Headers) },
            "layout" => sources with { Layout = Plant(sources.Layout) },
            _ => sources with { Exports = Plant(sources.Exports) },
        };
        Assert.That(sources.Differences(), Has.Some.Contains(expected));
    }
}
