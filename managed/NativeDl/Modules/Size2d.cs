namespace NativeDl.Modules;

/// <summary>Two lengths, along rows and columns: <c>3</c> for both, or <c>(3, 5)</c>.</summary>
/// <param name="H">Along the height.</param>
/// <param name="W">Along the width.</param>
public readonly record struct Size2d(int H, int W)
{
    /// <summary>The same length both ways.</summary>
    public static implicit operator Size2d(int size) => new(size, size);

    /// <summary>Height and width.</summary>
    public static implicit operator Size2d((int H, int W) size) => new(size.H, size.W);

    /// <summary>"3x3".</summary>
    public override string ToString() => $"{H}x{W}";
}
