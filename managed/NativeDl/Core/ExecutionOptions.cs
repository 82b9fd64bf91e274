using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace NativeDl;

/// <summary>What rounding an implementation may trade for speed.</summary>
public enum Precision
{
    /// <summary>No method with more rounding error than the direct sum, nor one that makes NaN of infinities.</summary>
    Strict = 1,

    /// <summary>Methods with about twice the rounding error of the direct sum, such as Winograd's, are allowed; of f32 on AMX, six products of bf16 parts.</summary>
    Standard = 2,

    /// <summary>Products of reduced precision are allowed.</summary>
    Fast = 3,
}

/// <summary>
/// How ops are run: threads, precision, determinism, and implementations by name. Immutable, and ambient:
/// <code>
/// using (ExecutionOptions.Use(ExecutionOptions.Current with { Threads = 1 }))
///     y = model.Forward(x);
/// </code>
/// The choice flows across <c>await</c> and into tasks started inside. Keep and reuse an instance that is used often:
/// the native contexts hang on it.
/// </summary>
public sealed record ExecutionOptions
{
    private ContextPool? _cpuPool;
    private ConcurrentDictionary<Device, ContextPool>? _otherPools;

    /// <summary>Options with the default values.</summary>
    public ExecutionOptions() { }

    // The contexts belong to the options they were made with; `with` must not take them along.
    private ExecutionOptions(ExecutionOptions original)
    {
        Threads = original.Threads;
        Precision = original.Precision;
        Deterministic = original.Deterministic;
        Fuse = original.Fuse;
        WorkspaceLimit = original.WorkspaceLimit;
        Implementations = original.Implementations;
    }

    /// <summary>All cores, standard precision, deterministic.</summary>
    public static ExecutionOptions Default { get; } = new();

    /// <summary>The options in force here.</summary>
    public static ExecutionOptions Current
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Ambient.Current.Options;
    }

    /// <summary>Threads of one CPU call; 0 for all cores that the process may use.</summary>
    public int Threads { get; init; }

    /// <summary>What rounding an implementation may trade for speed.</summary>
    public Precision Precision { get; init; } = Precision.Standard;

    /// <summary>Whether only implementations that give the same bits in every run may be chosen.</summary>
    public bool Deterministic { get; init; } = true;

    /// <summary>
    /// Whether <see cref="Modules.Sequential"/> runs layers in a row as one fused op where the library has one
    /// (<see cref="NativeDl.Implementations.FusedOps"/>). Layers whose op has an implementation fixed by name are not fused.
    /// </summary>
    public bool Fuse { get; init; } = true;

    /// <summary>Bytes of workspace an implementation may ask for; 0 for no limit.</summary>
    public long WorkspaceLimit { get; init; }

    /// <summary>
    /// Implementations fixed by name, for each pass: "conv2d_forward" to "cpu:ref". Names that do not exist are an
    /// <see cref="InvalidArgumentException"/> of the next op; a problem that the named one refuses is an
    /// <see cref="UnsupportedException"/>. <see cref="NativeDl.Implementations"/> lists them.
    /// </summary>
    public ImmutableDictionary<string, string> Implementations { get; init; } =
        ImmutableDictionary<string, string>.Empty;

    /// <summary>These options with one more implementation fixed by name.</summary>
    public ExecutionOptions WithImplementation(string pass, string implementation) =>
        this with { Implementations = Implementations.SetItem(pass, implementation) };

    /// <summary>Puts the options in force until the scope that is returned is disposed.</summary>
    public static AmbientScope Use(ExecutionOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Ambient.Enter(Ambient.Current with { Options = options });
    }

    /// <inheritdoc/>
    public bool Equals(ExecutionOptions? other) =>
        ReferenceEquals(this, other) ||
        (other is not null && Threads == other.Threads && Precision == other.Precision &&
         Deterministic == other.Deterministic && Fuse == other.Fuse && WorkspaceLimit == other.WorkspaceLimit &&
         Implementations.Count == other.Implementations.Count && !Implementations.Except(other.Implementations).Any());

    /// <inheritdoc/>
    public override int GetHashCode() =>
        HashCode.Combine(Threads, Precision, Deterministic, Fuse, WorkspaceLimit, Implementations.Count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ContextPool PoolFor(Device device) =>
        device.Type == DeviceType.Cpu && _cpuPool is { } pool ? pool : FindPool(device);

    private ContextPool FindPool(Device device)
    {
        if (device.Type == DeviceType.Cpu)
        {
            Interlocked.CompareExchange(ref _cpuPool, new ContextPool(this, device), null);
            return _cpuPool;
        }
        Interlocked.CompareExchange(ref _otherPools, new(), null);
        return _otherPools.GetOrAdd(device, static (d, options) => new ContextPool(options, d), this);
    }
}
