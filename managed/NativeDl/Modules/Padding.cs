namespace NativeDl.Modules;

/// <summary>
/// What is put around an image before a window moves over it: <see cref="Valid"/>, <see cref="Same"/>, <c>1</c> on all
/// sides, or each side of its own.
/// </summary>
public readonly record struct Padding
{
    /// <summary>So many rows above and below, columns left and right.</summary>
    /// <exception cref="InvalidArgumentException">One is negative.</exception>
    public Padding(int top, int bottom, int left, int right)
    {
        if (top < 0 || bottom < 0 || left < 0 || right < 0)
            throw new InvalidArgumentException($"Padding {(top, bottom, left, right)}: no side may be negative.");
        (Top, Bottom, Left, Right) = (top, bottom, left, right);
    }

    /// <summary>None: every window lies inside the image. The default value.</summary>
    public static Padding Valid => default;

    /// <summary>
    /// As much as makes the output ceil(input / stride) high and wide; if odd, the greater half is below and right, as in
    /// Keras.
    /// </summary>
    public static Padding Same => new() { IsSame = true };

    /// <summary>Whether it is <see cref="Same"/>, whose sides follow from the image.</summary>
    public bool IsSame { get; private init; }

    /// <summary>Rows above.</summary>
    public int Top { get; }

    /// <summary>Rows below.</summary>
    public int Bottom { get; }

    /// <summary>Columns left.</summary>
    public int Left { get; }

    /// <summary>Columns right.</summary>
    public int Right { get; }

    /// <summary>The same on all sides.</summary>
    public static implicit operator Padding(int side) => new(side, side, side, side);

    /// <summary>"valid", "same", "1", or the four sides.</summary>
    public override string ToString() =>
        IsSame ? "same"
        : this == default ? "valid"
        : Top == Bottom && Top == Left && Top == Right ? $"{Top}"
        : $"({Top}, {Bottom}, {Left}, {Right})";

    /// <summary>The four sides for images of this shape, [n, h, w, c].</summary>
    internal Padding For(Shape x, Size2d kernel, Size2d stride, Size2d dilation)
    {
        if (!IsSame || x.Rank != 4 || stride.H < 1 || stride.W < 1)
            return this with { IsSame = false }; // the op refuses what is wrong
        var h = Total(x[1], kernel.H, stride.H, dilation.H);
        var w = Total(x[2], kernel.W, stride.W, dilation.W);
        return new Padding(h / 2, h - (h / 2), w / 2, w - (w / 2));
    }

    private static int Total(long size, int kernel, int stride, int dilation)
    {
        var outputs = (size + stride - 1) / stride;
        return (int)Math.Max(((outputs - 1) * stride) + ((long)dilation * (kernel - 1)) + 1 - size, 0);
    }
}
