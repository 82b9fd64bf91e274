using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>The positions of a window that moves over an image, for the oracles of convolution and pooling.</summary>
internal sealed record Window2d(
    int KernelH, int KernelW, int StrideH, int StrideW, int PadTop, int PadBottom, int PadLeft, int PadRight,
    int DilationH, int DilationW, bool CeilMode = false)
{
    public static Window2d Of(OpCase c, int kernelH, int kernelW) => new(
        kernelH, kernelW, c.Int("stride_h", 1), c.Int("stride_w", 1), c.Int("pad_top", 0), c.Int("pad_bottom", 0),
        c.Int("pad_left", 0), c.Int("pad_right", 0), c.Int("dilation_h", 1), c.Int("dilation_w", 1),
        c.Flag("ceil_mode"));

    public long OutputH(long h) => Output(h, KernelH, StrideH, PadTop, PadBottom, DilationH);

    public long OutputW(long w) => Output(w, KernelW, StrideW, PadLeft, PadRight, DilationW);

    /// <summary>The image's row under the window's row r at output row p; may lie outside.</summary>
    public long Row(long p, int r) => (p * StrideH) + (r * DilationH) - PadTop;

    /// <summary>The image's column under the window's column s at output column q; may lie outside.</summary>
    public long Column(long q, int s) => (q * StrideW) + (s * DilationW) - PadLeft;

    private long Output(long size, int kernel, int stride, int before, int after, int dilation)
    {
        var room = size + before + after - (dilation * (kernel - 1)) - 1;
        var positions = (room / stride) + 1;
        // Rounded up, unless the last window would start past the image and its leading padding.
        if (CeilMode && room % stride != 0 && positions * stride < size + before)
            positions++;
        return positions;
    }
}
