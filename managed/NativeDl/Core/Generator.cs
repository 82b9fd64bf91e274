namespace NativeDl;

/// <summary>
/// Where random numbers come from: seeds for initial weights, and the numbers of random ops and dropout, which are the
/// same on every machine, whatever the number of threads (normal ones but for rounding). Ambient, as <see cref="ExecutionOptions"/>:
/// <code>
/// using var _ = Generator.Use(seed: 42);   // from here on the same weights in every run
/// </code>
/// Without one in force the process has a generator of its own, whose seed is 0: a program that draws in the same order
/// gives the same numbers in every run. Several threads may draw; which of them gets which seed is then up to them.
/// </summary>
public sealed class Generator
{
    private const ulong Weyl = 0x9E3779B97F4A7C15;

    private static readonly Generator Process = new(0);
    private static readonly AsyncLocal<Generator?> Local = new();

    private ulong _drawn;
    private Tensor? _state;
    private long _offset; // where there is no state

    /// <summary>A generator that has drawn nothing yet.</summary>
    public Generator(ulong seed) => Seed = seed;

    /// <summary>The generator in force here.</summary>
    public static Generator Current => Local.Value ?? Process;

    /// <summary>What it was made with.</summary>
    public ulong Seed { get; }

    /// <summary>How many seeds were drawn; set it to go back to an earlier state.</summary>
    public ulong Drawn
    {
        get => Volatile.Read(ref _drawn);
        set => Volatile.Write(ref _drawn, value);
    }

    /// <summary>How many blocks of numbers the random ops drew, 16 for every 64 words that they began; set it to go back to an
    /// earlier state. With <see cref="Seed"/> and <see cref="Drawn"/> it is all of the state.</summary>
    public long Offset
    {
        get
        {
            lock (Gate)
                return OffsetUnderGate();
        }
        set
        {
            lock (Gate)
                SetOffset(value);
        }
    }

    /// <summary>Held while the state tensor is in use.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>The state that random ops read and advance, I64 [2]: seed and offset. It moves to the device that needs it.
    /// Used under <see cref="Gate"/>.</summary>
    internal Tensor StateOn(Device device)
    {
        if (_state is null || _state.Device != device)
        {
            var offset = OffsetUnderGate();
            _state?.Dispose();
            using var outside = TensorScope.Suspend(); // the state outlives the scope that draws first
            _state = Tensor.FromSpan([(long)Seed, offset], [2], device);
        }
        return _state;
    }

    /// <summary>Goes to a place, given by any number, from which the draws are the same each time.</summary>
    internal void MoveTo(ulong place)
    {
        lock (Gate)
            SetOffset((long)place);
        Drawn = place;
    }

    /// <summary>Frees the memory of the state, which stays what it is.</summary>
    internal void ReleaseState()
    {
        lock (Gate)
        {
            _offset = OffsetUnderGate();
            _state?.Dispose();
            _state = null;
        }
    }

    private void SetOffset(long offset)
    {
        _offset = offset;
        _state?.CopyFrom<long>([(long)Seed, offset]);
    }

    private long OffsetUnderGate() => _state?.ToArray<long>()[1] ?? _offset;

    /// <summary>Puts a generator in force until the scope that is returned is disposed.</summary>
    public static GeneratorScope Use(Generator generator)
    {
        ArgumentNullException.ThrowIfNull(generator);
        var scope = new GeneratorScope(Local.Value);
        Local.Value = generator;
        return scope;
    }

    /// <summary>Puts a new generator of this seed in force until the scope that is returned is disposed.</summary>
    public static GeneratorScope Use(ulong seed) => Use(new Generator(seed));

    /// <summary>The next seed: a hash of <see cref="Seed"/> and of how many came before.</summary>
    public ulong NextSeed() => Mix(Mix(Seed + Weyl) ^ (Interlocked.Increment(ref _drawn) * Weyl));

    /// <summary>A seed that belongs to two numbers, such as an epoch and a batch.</summary>
    internal static ulong Derive(ulong seed, ulong first, ulong second) =>
        Mix(Mix(Mix(seed + Weyl) ^ (first * Weyl)) + (second * Weyl));

    internal static void Restore(Generator? generator) => Local.Value = generator;

    // The finalizer of SplitMix64.
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

/// <summary>Restores the generator that was in force before, when disposed.</summary>
public readonly struct GeneratorScope : IDisposable
{
    private readonly Generator? _previous;

    internal GeneratorScope(Generator? previous) => _previous = previous;

    /// <summary>Restores the generator that was in force before.</summary>
    public void Dispose() => Generator.Restore(_previous);
}
