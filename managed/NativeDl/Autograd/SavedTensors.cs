namespace NativeDl;

/// <summary>
/// The saved tensors of a recorded op, as its rule sees them: numbered as they were given to <see cref="Tape.Record"/>.
/// </summary>
public readonly ref struct SavedTensors
{
    private readonly GradientNode _node;

    internal SavedTensors(GradientNode node) => _node = node;

    /// <summary>A saved tensor.</summary>
    /// <exception cref="AutogradException">Its memory was written to since it was saved, or none was saved.</exception>
    public Tensor this[int index] => OrNull(index) ?? throw new AutogradException(
        $"The rule of {_node.Op} asked for saved tensor {index}, which is absent.");

    /// <summary>A saved tensor, or null where none was saved.</summary>
    /// <exception cref="AutogradException">Its memory was written to since it was saved.</exception>
    public Tensor? OrNull(int index) => _node.Unpack(index);
}
