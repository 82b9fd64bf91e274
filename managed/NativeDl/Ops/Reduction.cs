namespace NativeDl;

/// <summary>What becomes of the losses of the single rows or elements.</summary>
public enum Reduction
{
    /// <summary>All of them are the output.</summary>
    None = 1,

    /// <summary>Their mean.</summary>
    Mean = 2,

    /// <summary>Their sum.</summary>
    Sum = 3,
}
