using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeDl.Bindings;

namespace NativeDl;

/// <summary>Finds the native library, once, and refuses one that was built for another ABI.</summary>
internal static unsafe class NativeLoader
{
    private const string LibraryName = "nativedl";

    // With its prefix on every system: nativedl.dll would be NativeDl.dll, the managed assembly, where case does not count.
    private const string FileName = "libnativedl";
    private const string PathVariable = "NATIVEDL_LIBRARY";

    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "The resolver must stand before the first native call.")]
    internal static void Register() =>
        NativeLibrary.SetDllImportResolver(typeof(NativeLoader).Assembly, Resolve);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (name != LibraryName)
            return 0;
        var (library, origin) = Load(assembly, searchPath);
        if (!NativeLibrary.TryGetExport(library, "ndl_abi_version", out var version))
            throw new NativeLibraryException($"{origin} is not the NativeDl library: it has no ndl_abi_version.");
        var found = ((delegate* unmanaged[Cdecl]<uint>)version)();
        if (found != (uint)Constants.AbiVersion)
        {
            throw new NativeLibraryException(
                $"{origin} has ABI version {found}, and this NativeDl assembly needs {(uint)Constants.AbiVersion}. " +
                "Use the native library that belongs to this version of the package.");
        }
        return library;
    }

    private static (nint Library, string Origin) Load(Assembly assembly, DllImportSearchPath? searchPath)
    {
        var path = Environment.GetEnvironmentVariable(PathVariable);
        if (string.IsNullOrEmpty(path))
        {
            if (NativeLibrary.TryLoad(FileName, assembly, searchPath, out var library))
                return (library, $"The native library '{FileName}'");
            throw new NativeLibraryException(
                $"The native library '{FileName}' was not found beside the application or on the library path. " +
                $"Install the runtime package of this platform, or let {PathVariable} name the file.");
        }
        try
        {
            return (NativeLibrary.Load(path), path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new NativeLibraryException($"{PathVariable} names {path}, which could not be loaded: {e.Message}", e);
        }
    }
}
