using System.Runtime.CompilerServices;

namespace NativeDl;

/// <summary>State that surrounds code and flows across await. Immutable.</summary>
internal sealed record Ambient(ExecutionOptions Options, bool Recording, TensorScope? Scope)
{
    private static readonly Ambient Default = new(ExecutionOptions.Default, Recording: true, Scope: null);
    private static readonly AsyncLocal<Ambient?> Local = new();

    // Most programs read the state far more often than they open a scope; an async local costs several times a field.
    // Never lowered: a task may outlive the scope that it was started in, and keeps its state.
    private static volatile bool _everEntered;

    public static Ambient Current
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _everEntered ? Local.Value ?? Default : Default;
    }

    public static AmbientScope Enter(Ambient state)
    {
        _everEntered = true;
        var scope = new AmbientScope(Local.Value);
        Local.Value = state;
        return scope;
    }

    public static void Restore(Ambient? state) => Local.Value = state;
}

/// <summary>Restores what was in force before, when disposed. Dispose scopes in the reverse order of their making.</summary>
public readonly struct AmbientScope : IDisposable
{
    private readonly Ambient? _previous;

    internal AmbientScope(Ambient? previous) => _previous = previous;

    /// <summary>Restores what was in force before.</summary>
    public void Dispose() => Ambient.Restore(_previous);
}
