namespace NativeDl;

/// <summary>
/// The gradient rule of one recorded op: from the gradient of its output to those of its inputs, in their order;
/// null where <paramref name="need"/> is false or where the gradient is zero everywhere.
/// </summary>
/// <param name="dy">The gradient of the output, freed after the rule returns.</param>
/// <param name="saved">What the op saved, freed after the rule returns.</param>
/// <param name="need">Which inputs need a gradient.</param>
/// <param name="state">What else the rule has to know: shapes, options; never a tensor.</param>
/// <returns>One gradient per input, each of its input's shape and dtype. They belong to the tape; returning
/// <paramref name="dy"/> itself, more than once too, is allowed.</returns>
public delegate Tensor?[] GradientRule<in TState>(
    Tensor dy, SavedTensors saved, ReadOnlySpan<bool> need, TState state);

/// <summary>
/// The define-by-run tape. An op computes its output, then records how its gradient is found:
/// <code>
/// var y = Native.ReluForward(x);
/// return Tape.Record("relu", y, inputs: [x], saved: [y], state: 0, static (dy, saved, need, _) =>
///     [Native.ReluBackward(saved[0], dy)]);
/// </code>
/// The rule is a static lambda, so that it captures no tensor. What it needs is in <c>saved</c>, which the tape holds by
/// native references of its own, with the versions of the time; the tensor objects may be disposed or collected.
/// </summary>
public static class Tape
{
    /// <summary>
    /// Remembers how the gradients of <paramref name="inputs"/> follow from that of <paramref name="y"/>. Does nothing
    /// where no input requires a gradient, or under <see cref="Autograd.NoGrad"/>.
    /// </summary>
    /// <param name="op">The op's name, for errors: "conv2d".</param>
    /// <param name="y">The op's output, a tensor that the op made itself.</param>
    /// <param name="inputs">The inputs that have gradients; null where an optional one is absent.</param>
    /// <param name="saved">Tensors that the rule reads, inputs and outputs; null where one is absent.</param>
    /// <param name="state">What else the rule has to know; a tuple of shapes and options, never a tensor.</param>
    /// <param name="rule">The gradient rule, a static lambda.</param>
    /// <param name="activation">The activation fused behind the op. Its gradient is taken before the rule is called,
    /// from y, which the tape then saves too; the rule is that of the op without activation.</param>
    /// <returns><paramref name="y"/>.</returns>
    public static Tensor Record<TState>(
        string op, Tensor y, ReadOnlySpan<Tensor?> inputs, ReadOnlySpan<Tensor?> saved, TState state,
        GradientRule<TState> rule, Activation activation = Activation.None)
    {
        if (IsRecording(inputs))
            y.GradientTarget = new GradientNode<TState>(op, y, inputs, saved, state, rule, activation);
        return y;
    }

    /// <summary>
    /// Whether <see cref="Record"/> would remember anything for these inputs. Ops ask it before they make something
    /// that only a gradient rule needs, such as an argmax.
    /// </summary>
    public static bool IsRecording(params ReadOnlySpan<Tensor?> inputs)
    {
        foreach (var input in inputs)
        {
            if (input is { RequiresGrad: true })
                return Ambient.Current.Recording;
        }
        return false;
    }
}
