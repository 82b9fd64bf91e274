using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>
/// x [n,h,w,c]; y and argmax [n,p,q,c], argmax = h*W + w of the first largest element in row order, or its place in the window.
/// </summary>
internal sealed class MaxPool2dReference : OpReference
{
    public override string Op => "max_pool2d";

    public override string[] Operands => ["x"];

    public override string[][] Homogeneous(OpCase c) => [["x"]];

    public override bool IsIndex(int output) => output == 1;

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs)
    {
        var (y, argmax) = Ops.MaxPool2dWithIndices(inputs["x"], Options(c));
        return [y, argmax];
    }

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var (y, pixels, places) = Pool(c, inputs["x"]);
        return [Expected.Of(y, terms: 0), Expected.Of(c.Flag("argmax_in_window") ? places : pixels, terms: 0)];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var (x, dy) = (inputs["x"], gradients[0]!);
        var (_, argmax, _) = Pool(c, x);
        var dx = new double[x.Data.Length];
        var (imageSize, windows, channels) = (x[1] * x[2], argmax[1] * argmax[2], x[3]);
        for (long i = 0; i < argmax.Data.Length; i++)
        {
            var n = i / (windows * channels);
            dx[(((n * imageSize) + (long)argmax.Data[i]) * channels) + (i % channels)] += dy.Data[i];
        }
        var overlap = c.Int("kernel_h", 0) * c.Int("kernel_w", 0);
        return new Dictionary<string, Expected[]> { ["x"] = [Expected.Of(new HostTensor(x.Dims, dx), overlap, dy.MaxAbs)] };
    }

    private static (HostTensor Y, HostTensor Pixels, HostTensor Places) Pool(OpCase c, HostTensor x)
    {
        var window = Window2d.Of(c, c.Int("kernel_h", 0), c.Int("kernel_w", 0));
        var (h, w, channels) = (x[1], x[2], x[3]);
        long[] dims = [x[0], window.OutputH(h), window.OutputW(w), channels];
        var y = new double[dims[0] * dims[1] * dims[2] * dims[3]];
        var (pixels, places) = (new double[y.Length], new double[y.Length]);
        for (long i = 0; i < y.Length; i++)
        {
            var (n, p, q, channel) = (i / (dims[1] * dims[2] * channels), i / (dims[2] * channels) % dims[1], i / channels % dims[2], i % channels);
            var (best, bestAt, place) = (double.NegativeInfinity, -1L, -1L);
            for (var r = 0; r < window.KernelH; r++)
            for (var s = 0; s < window.KernelW; s++)
            {
                var (row, column) = (window.Row(p, r), window.Column(q, s));
                if (row < 0 || row >= h || column < 0 || column >= w)
                    continue;
                var value = x.Data[((((n * h) + row) * w) + column) * channels + channel];
                if (bestAt < 0 || value > best || (double.IsNaN(value) && !double.IsNaN(best)))
                    (best, bestAt, place) = (value, (row * w) + column, (r * window.KernelW) + s);
            }
            (y[i], pixels[i], places[i]) = (best, bestAt, place);
        }
        return (new HostTensor(dims, y), new HostTensor(dims, pixels, DType.I32), new HostTensor(dims, places, DType.U8));
    }

    private static MaxPool2dOptions Options(OpCase c) => new()
    {
        KernelH = c.Int("kernel_h", 0),
        KernelW = c.Int("kernel_w", 0),
        StrideH = c.Int("stride_h", 0),
        StrideW = c.Int("stride_w", 0),
        PadTop = c.Int("pad_top", 0),
        PadBottom = c.Int("pad_bottom", 0),
        PadLeft = c.Int("pad_left", 0),
        PadRight = c.Int("pad_right", 0),
        DilationH = c.Int("dilation_h", 1),
        DilationW = c.Int("dilation_w", 1),
        CeilMode = c.Flag("ceil_mode"),
        ArgmaxInWindow = c.Flag("argmax_in_window"),
    };
}
