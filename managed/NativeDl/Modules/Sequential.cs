using System.Collections;
using System.Runtime.InteropServices;

namespace NativeDl.Modules;

/// <summary>
/// Modules one after the other, numbered unless they are given names:
/// <code>
/// var model = new Sequential
/// {
///     new Conv2d(32, kernel: 3, activation: Activation.Relu),
///     new MaxPool2d(2),
///     new Flatten(),
///     { "classes", new Linear(10) },
/// };
/// </code>
/// Memory of what passes between two layers of this library is freed as soon as no gradient needs it. Layers that one
/// fused op computes, such as <see cref="Conv2d"/> and the <see cref="MaxPool2d"/> behind it, run as that op
/// (<see cref="ExecutionOptions.Fuse"/>).
/// </summary>
public sealed class Sequential : Module, IReadOnlyList<Module>
{
    private readonly List<Module> _layers = [];

    /// <summary>Makes a model without layers, to be added.</summary>
    public Sequential() { }

    /// <summary>Makes a model of these layers.</summary>
    public Sequential(params ReadOnlySpan<Module> layers)
    {
        foreach (var layer in layers)
            Add(layer);
    }

    /// <summary>The number of layers.</summary>
    public int Count => _layers.Count;

    /// <summary>One layer.</summary>
    public Module this[int index] => _layers[index];

    private protected override bool KeepsNothing => _layers.TrueForAll(Forgets);

    /// <summary>Adds a layer, named by its number.</summary>
    public void Add(Module layer) => Add($"{_layers.Count}", layer);

    /// <summary>Adds a layer under a name of its own.</summary>
    /// <exception cref="ModuleException">The name is empty, has a dot, or is taken.</exception>
    public void Add(string name, Module layer) => _layers.Add(Register(name, layer));

    /// <summary>The output of the last layer.</summary>
    public override Tensor Forward(Tensor x)
    {
        var current = x;
        var owned = false; // whether nobody but this loop has seen the current tensor
        for (var at = 0; at < _layers.Count; at++)
        {
            var traced = LayerTrace.Current?.Count ?? 0;
            Tensor next;
            try
            {
                if (Fusion.Run(CollectionsMarshal.AsSpan(_layers)[at..], current) is { } fused)
                {
                    next = fused.Y;
                    at += fused.Layers - 1;
                }
                else
                {
                    next = _layers[at].Forward(current);
                }
            }
            catch
            {
                if (owned)
                    current.Dispose();
                throw;
            }
            var layer = _layers[at];
            LayerTrace.Current?.AddIfSilent(layer, current, next, traced);
            var forgets = Forgets(layer);
            if (next != current)
            {
                // The tape holds memory of its own; this object is not needed for gradients.
                if (owned && forgets)
                    current.Dispose();
                owned = forgets && next != x;
            }
            else
            {
                owned &= forgets;
            }
            current = next;
        }
        return current;
    }

    /// <summary>Goes through the layers.</summary>
    public IEnumerator<Module> GetEnumerator() => _layers.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
