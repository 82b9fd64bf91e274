namespace NativeDl.Optimizers;

/// <summary>What is done to all gradients together, between Backward and the optimizer's step.</summary>
public static class Gradients
{
    /// <summary>The root of the sum of all elements' squares: a scalar of the tensors' dtype; 0 for no tensors.</summary>
    /// <exception cref="DTypeException">The tensors are not all F32 or all F64.</exception>
    public static Tensor Norm(IEnumerable<Tensor> gradients)
    {
        Tensor[] list = [.. gradients];
        return list.Length == 0 ? Tensor.Scalar(0f) : Native.GradientNormForward(list);
    }

    /// <summary>
    /// Scales the gradients of these parameters in place by one factor, so that their norm is at most
    /// <paramref name="maxNorm"/>; parameters without a gradient do not count. A norm that is NaN or infinite makes
    /// them NaN or zero: look at what is returned.
    /// </summary>
    /// <returns>The norm before, a scalar. Nothing waits for it.</returns>
    /// <exception cref="InvalidArgumentException">A negative maxNorm.</exception>
    /// <exception cref="DTypeException">The gradients are not all F32 or all F64.</exception>
    public static Tensor ClipNorm(IEnumerable<Tensor> parameters, double maxNorm)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        Tensor[] gradients = [.. parameters.Select(p => p.HeldGrad).OfType<Tensor>().Where(g => !g.IsDisposed)];
        var norm = Norm(gradients);
        Clip(gradients, norm, maxNorm);
        return norm;
    }

    /// <summary>Scales tensors in place by min(1, maxNorm / (norm + 1e-6)).</summary>
    internal static void Clip(Tensor[] gradients, Tensor norm, double maxNorm)
    {
        Native.ClipGradientsForward(gradients, norm, maxNorm);
        foreach (var gradient in gradients)
            LastWriters.Note(gradient, nameof(ClipNorm));
    }
}
