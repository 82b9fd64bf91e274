using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;

namespace NativeDl.Bench;

/// <summary>What a call costs around the work: relu on 16 elements from C#, and a bare P/Invoke beside it.</summary>
[MemoryDiagnoser]
public partial class Overhead
{
    private readonly Tensor _x = Tensor.FromArray(new float[16]);
    private readonly Tensor _leaf = Tensor.FromArray(new float[16]);

    /// <summary>Marks the leaf whose gradients are recorded.</summary>
    [GlobalSetup]
    public void Setup() => _leaf.RequiresGrad = true;

    /// <summary>A call into the library that returns at once.</summary>
    [Benchmark(Baseline = true)]
    public uint BarePInvoke() => ndl_abi_version();

    /// <summary>Eager, without gradients, disposed at once.</summary>
    [Benchmark]
    public void Relu16()
    {
        using var y = Ops.Relu(_x);
    }

    /// <summary>The same, left to the collector.</summary>
    [Benchmark]
    public Tensor Relu16WithoutDispose() => Ops.Relu(_x);

    /// <summary>Recorded on the tape.</summary>
    [Benchmark]
    public void Relu16Recorded()
    {
        using var y = Ops.Relu(_leaf);
    }

    [LibraryImport("libnativedl")]
    private static partial uint ndl_abi_version();
}
