namespace NativeDl.Data;

/// <summary>Examples to be taken together.</summary>
/// <param name="Inputs">f32, [n, height, width, channels] for images.</param>
/// <param name="Labels">i64, [n].</param>
public sealed record Batch(Tensor Inputs, Tensor Labels) : IDisposable
{
    /// <summary>The number of examples.</summary>
    public int Count => (int)Labels.FlattenedLength;

    /// <summary>Frees both tensors now; nobody has to.</summary>
    public void Dispose()
    {
        Inputs.Dispose();
        Labels.Dispose();
    }
}
