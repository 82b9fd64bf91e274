namespace NativeDl.Bindings.Generator;

/// <summary>How a name of the headers reads in C#.</summary>
internal static class CSharpName
{
    private const string Prefix = "ndl_";

    /// <summary>Of a function or a type: ndl_conv2d_forward becomes Conv2dForward.</summary>
    public static string Of(string name) => ToPascalCase(WithoutPrefix(name, Prefix));

    /// <summary>
    /// NDL_DTYPE_F32 of ndl_dtype becomes F32; NDL_OK, an item of ndl_status without that enum's prefix, becomes Ok.
    /// </summary>
    public static string OfItem(string enumName, string name) =>
        ToPascalCase(WithoutPrefix(WithoutPrefix(name, enumName + "_"), Prefix));

    private static string WithoutPrefix(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) ? name[prefix.Length..] : name;

    private static string ToPascalCase(string name)
    {
        var words = name.Split('_', StringSplitOptions.RemoveEmptyEntries);
        return string.Concat(words.Select(word => char.ToUpperInvariant(word[0]) + word[1..].ToLowerInvariant()));
    }
}
