using System.Runtime.CompilerServices;
using NativeDl.Bindings;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

/// <summary>
/// Native contexts of one set of options on one device. A context serves one call at a time; a call rents one for
/// its length, without a lock. Each thread begins its search at its own slot, so that it meets its last context.
/// </summary>
internal sealed unsafe class ContextPool(ExecutionOptions options, Device device)
{
    private const int SlotCount = 64;
    private const int Stride = 8; // a cache line per slot

    private readonly ulong[] _slots = new ulong[SlotCount * Stride];

    ~ContextPool()
    {
        foreach (var context in _slots)
            Abi.ContextDestroy(context);
    }

    private static int HomeSlot
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (Environment.CurrentManagedThreadId & (SlotCount - 1)) * Stride;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Rent()
    {
        var context = Interlocked.Exchange(ref _slots[HomeSlot], 0);
        return context != 0 ? context : RentElsewhere();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Return(ulong context)
    {
        if (Interlocked.CompareExchange(ref _slots[HomeSlot], context, 0) != 0)
            ReturnElsewhere(context);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong RentElsewhere()
    {
        for (var slot = 0; slot < _slots.Length; slot += Stride)
        {
            if (Volatile.Read(ref _slots[slot]) == 0)
                continue;
            var context = Interlocked.Exchange(ref _slots[slot], 0);
            if (context != 0)
                return context;
        }
        return Create();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReturnElsewhere(ulong context)
    {
        for (var slot = 0; slot < _slots.Length; slot += Stride)
        {
            if (Interlocked.CompareExchange(ref _slots[slot], context, 0) == 0)
                return;
        }
        Abi.ContextDestroy(context);
    }

    private ulong Create()
    {
        ContextOptions.__Internal native = default;
        native.struct_size = (uint)sizeof(ContextOptions.__Internal);
        native.device_type = device.NativeType;
        native.device_index = device.Index;
        native.threads = options.Threads;
        native.precision = (Bindings.Precision)options.Precision;
        native.determinism = options.Deterministic ? Determinism.Required : Determinism.Relaxed;
        native.workspace_limit = options.WorkspaceLimit;

        ulong context = 0;
        NativeStatus.Check(Abi.ContextCreate((nint)(&native), &context));
        try
        {
            foreach (var (pass, implementation) in options.Implementations)
            {
                fixed (byte* passText = NativeText.ToUtf8(pass), implementationText = NativeText.ToUtf8(implementation))
                {
                    NativeStatus.Check(Abi.ContextSetImplementation(
                        context, (sbyte*)passText, (sbyte*)implementationText));
                }
            }
        }
        catch
        {
            Abi.ContextDestroy(context);
            throw;
        }
        return context;
    }
}
