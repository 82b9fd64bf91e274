using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using NativeDl.Bindings;

namespace NativeDl.Tests.Abi;

/// <summary>
/// What one source says about the ABI, each declaration as one line of text, in C#'s words: "Status(long* dims)" for a
/// function, "4: int groups (4)" for a field, "2" for an enum item.
/// </summary>
internal sealed partial class AbiModel
{
    public SortedDictionary<string, string> Functions { get; } = new(StringComparer.Ordinal);

    /// <summary>Fields in their order, without their places: what the header alone can say.</summary>
    public SortedDictionary<string, string> Structs { get; } = new(StringComparer.Ordinal);

    /// <summary>Sizes, offsets and enum values: what only a compiler can say.</summary>
    public SortedDictionary<string, string> Layout { get; } = new(StringComparer.Ordinal);

    public static AbiModel OfHeaders(string text)
    {
        var model = new AbiModel();
        text = Comment().Replace(text, "");
        foreach (Match match in HeaderFunction().Matches(text))
        {
            var parameters = match.Groups["parameters"].Value.Split(',').Select(p => p.Trim()).Where(p => p != "void")
                .Select(p => Declaration().Match(p)).Select(p => $"{OfC(p.Groups["type"].Value)} {p.Groups["name"].Value}");
            model.Functions.Add(match.Groups["name"].Value, $"{OfC(match.Groups["type"].Value)}({string.Join(", ", parameters)})");
        }
        foreach (Match match in HeaderStruct().Matches(text))
        {
            var fields = match.Groups["body"].Value.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(f => Declaration().Match(f)).Select(f => $"{OfC(f.Groups["type"].Value)} {f.Groups["name"].Value}");
            model.Structs.Add(CName(match.Groups["name"].Value), string.Join("; ", fields));
        }
        return model;
    }

    /// <summary>From what tests/abi/write_layout.cmake had the C compiler print.</summary>
    public static AbiModel OfLayout(string text)
    {
        var model = new AbiModel();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var words = line.Split(' ');
            var name = words[1].Split('.');
            if (words[0] == "item")
                model.Layout.Add($"{CName(name[0])}.{CItem(name[0], name[1])}", words[2]);
            else
                model.Layout.Add(string.Join('.', [CName(name[0]), .. name[1..]]), string.Join(" size ", words[2..]));
        }
        return model;
    }

    /// <summary>From the output of nm.</summary>
    public static AbiModel OfExports(string text)
    {
        var model = new AbiModel();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            model.Functions.Add(line.Split(' ')[^1], "");
        return model;
    }

    public static AbiModel OfBindings()
    {
        var model = new AbiModel();
        foreach (var method in typeof(NativeMethods.__Internal).GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public))
        {
            if (method.GetCustomAttribute<DllImportAttribute>() is not { } import)
                continue;
            var parameters = method.GetParameters().Select(p => $"{OfType(p.ParameterType)} {p.Name}");
            model.Functions.Add(import.EntryPoint!, $"{OfType(method.ReturnType)}({string.Join(", ", parameters)})");
            if (CName(import.EntryPoint!) != method.Name)
                model.Functions[import.EntryPoint!] += $" is named {method.Name}";
        }
        foreach (var type in typeof(NativeMethods).Assembly.GetTypes().Where(t => t.Namespace == "NativeDl.Bindings"))
        {
            if (type.IsEnum && type != typeof(Constants))
            {
                model.Layout.Add(type.Name, $"{Marshal.SizeOf(Enum.GetUnderlyingType(type))}");
                foreach (var value in Enum.GetValues(type))
                    model.Layout.Add($"{type.Name}.{value}", $"{Convert.ToInt64(value)}");
            }
            else if (type.IsValueType && type.GetNestedType("__Internal") is { } layout)
            {
                var fields = layout.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public);
                model.Structs.Add($"{type.Name}", string.Join("; ", fields.Select(f => $"{OfType(f.FieldType)} {f.Name}")));
                model.Layout.Add(type.Name, $"{Marshal.SizeOf(layout)}");
                foreach (var field in fields)
                    model.Layout.Add($"{type.Name}.{field.Name}", $"{Marshal.OffsetOf(layout, field.Name)} size {SizeOf(field.FieldType)}");
            }
        }
        return model;
    }

    /// <summary>All that one says and the other does not, both ways.</summary>
    public static IEnumerable<string> Compare(
        string nameA, IDictionary<string, string> a, string nameB, IDictionary<string, string> b, bool namesOnly = false) =>
        a.Keys.Except(b.Keys).Select(key => $"{key}: in {nameA}, not in {nameB}")
            .Concat(b.Keys.Except(a.Keys).Select(key => $"{key}: in {nameB}, not in {nameA}"))
            .Concat(a.Keys.Intersect(b.Keys).Where(key => !namesOnly && a[key] != b[key])
                .Select(key => $"{key}: {nameA} has {a[key]}, {nameB} has {b[key]}"));

    private static int SizeOf(Type type) => Marshal.SizeOf(type.IsEnum ? Enum.GetUnderlyingType(type) : type);

    private static string OfType(Type type) =>
        type.IsPointer ? OfType(type.GetElementType()!) + "*" : type == typeof(nint) ? "IntPtr" : type.Name;

    // A pointer to a struct or to void is an IntPtr in the bindings; a handle is a number.
    private static string OfC(string type)
    {
        var name = type.Replace("const", "").Replace("*", "").Trim();
        var plain = name switch
        {
            "char" => "SByte",
            "int32_t" => "Int32",
            "uint32_t" => "UInt32",
            "int64_t" => "Int64",
            "uint64_t" or "ndl_tensor" or "ndl_context" or "ndl_lease" => "UInt64",
            "float" => "Single",
            "double" => "Double",
            _ => null,
        };
        if (type.Contains('*'))
            return plain is null ? "IntPtr" : plain + "*";
        return plain ?? (name == "void" ? "Void" : CName(name));
    }

    private static string CName(string name) => Pascal(name["ndl_".Length..]);

    private static string CItem(string type, string item)
    {
        var prefix = type + "_";
        return Pascal(item.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) ? item[prefix.Length..] : item["ndl_".Length..]);
    }

    private static string Pascal(string name) =>
        string.Concat(name.Split('_').Select(word => char.ToUpperInvariant(word[0]) + word[1..].ToLowerInvariant()));

    [GeneratedRegex(@"/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"^NDL_API\s+(?<type>\w+)\s+(?<name>\w+)\s*\((?<parameters>[^)]*)\)\s*;", RegexOptions.Multiline)]
    private static partial Regex HeaderFunction();

    [GeneratedRegex(@"typedef\s+struct\s+\w+\s*\{(?<body>[^}]*)\}\s*(?<name>\w+)\s*;")]
    private static partial Regex HeaderStruct();

    [GeneratedRegex(@"^(?<type>.*?[\s*])(?<name>\w+)$", RegexOptions.Singleline)]
    private static partial Regex Declaration();
}
