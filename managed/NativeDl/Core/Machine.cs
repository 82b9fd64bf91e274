using NativeDl.Bindings;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

/// <summary>The machine, as the native library sees it.</summary>
public static unsafe class Machine
{
    /// <summary>Cores that this process may use.</summary>
    public static int Cores => Info().cores;

    /// <summary>CUDA devices that can be used.</summary>
    public static int CudaDevices => Info().cuda_devices;

    /// <summary>Library version, processor and instruction set in use, one "key: value" a line.</summary>
    public static string Describe() => NativeText.Read(Abi.MachineDescribe);

    private static MachineInfo.__Internal Info()
    {
        MachineInfo.__Internal info = default;
        info.struct_size = (uint)sizeof(MachineInfo.__Internal);
        NativeStatus.Check(Abi.MachineGetInfo((nint)(&info)));
        return info;
    }
}

/// <summary>Statistics of the native CPU memory of this process, at one moment.</summary>
/// <param name="BytesInUse">Held by live tensors, derived data and workspaces.</param>
/// <param name="BytesCached">Free blocks kept for reuse.</param>
/// <param name="PeakBytesInUse">Greatest bytes in use since the start or the last reset.</param>
/// <param name="SystemAllocations">Blocks ever asked from the system; constant in a steady loop.</param>
/// <param name="LiveTensors">Tensor handles and leases not yet given back.</param>
/// <param name="DerivedBytes">Of the bytes in use: packed or transformed weights.</param>
public sealed unsafe record NativeMemory(
    long BytesInUse, long BytesCached, long PeakBytesInUse, long SystemAllocations, long LiveTensors, long DerivedBytes)
{
    /// <summary>The statistics now. Handles that finalizers left are freed first.</summary>
    public static NativeMemory Read()
    {
        Reclaimer.Drain();
        MemoryInfo.__Internal info = default;
        info.struct_size = (uint)sizeof(MemoryInfo.__Internal);
        NativeStatus.Check(Abi.MemoryGetInfo((nint)(&info)));
        return new NativeMemory(
            info.bytes_in_use, info.bytes_cached, info.peak_bytes_in_use, info.system_allocations, info.live_tensors,
            info.derived_bytes);
    }

    /// <summary>Gives free blocks back to the system.</summary>
    public static void Trim() => NativeStatus.Check(Abi.MemoryTrim());

    /// <summary>Sets <see cref="PeakBytesInUse"/> to the bytes in use now.</summary>
    public static void ResetPeak() => NativeStatus.Check(Abi.MemoryResetPeak());
}
