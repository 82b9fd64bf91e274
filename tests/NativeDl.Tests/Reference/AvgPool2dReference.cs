using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>x [n,h,w,c]; y [n,p,q,c].</summary>
internal sealed class AvgPool2dReference : OpReference
{
    public override string Op => "avg_pool2d";

    public override string[] Operands => ["x"];

    public override string[][] Homogeneous(OpCase c) => [["x"]];

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) => [Ops.AvgPool2d(inputs["x"], new AvgPool2dOptions
    {
        KernelH = c.Int("kernel_h", 0),
        KernelW = c.Int("kernel_w", 0),
        StrideH = c.Int("stride_h", 0),
        StrideW = c.Int("stride_w", 0),
        PadTop = c.Int("pad_top", 0),
        PadBottom = c.Int("pad_bottom", 0),
        PadLeft = c.Int("pad_left", 0),
        PadRight = c.Int("pad_right", 0),
        CeilMode = c.Flag("ceil_mode"),
        CountIncludePad = c.Int("count_include_pad", 1) == 1,
        DivisorOverride = c.Int("divisor_override", 0),
    })];

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var x = inputs["x"];
        var dims = OutputDims(c, x.Dims);
        var y = new double[dims.Aggregate(1L, (product, dim) => product * dim)];
        ForTaps(c, x.Dims, (from, to, weight) => y[to] += weight * x.Data[from]);
        return [Expected.Of(new HostTensor(dims, y), Window(c).KernelH * Window(c).KernelW, x.MaxAbs)];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var (x, dy) = (inputs["x"], gradients[0]!);
        var dx = new double[x.Data.Length];
        ForTaps(c, x.Dims, (from, to, weight) => dx[from] += weight * dy.Data[to]);
        return new Dictionary<string, Expected[]>
        {
            ["x"] = [Expected.Of(new HostTensor(x.Dims, dx), Window(c).KernelH * Window(c).KernelW, dy.MaxAbs)],
        };
    }

    private static Window2d Window(OpCase c) => Window2d.Of(c, c.Int("kernel_h", 0), c.Int("kernel_w", 0));

    private static long[] OutputDims(OpCase c, long[] x) => [x[0], Window(c).OutputH(x[1]), Window(c).OutputW(x[2]), x[3]];

    // Each element of x with each element of y that it counts in, and its weight there.
    private static void ForTaps(OpCase c, long[] x, Action<long, long, double> tap)
    {
        var window = Window(c);
        var (n, h, w, channels) = (x[0], x[1], x[2], x[3]);
        var y = OutputDims(c, x);
        for (long image = 0; image < n; image++)
        for (long p = 0; p < y[1]; p++)
        for (long q = 0; q < y[2]; q++)
        {
            var rows = Enumerable.Range(0, window.KernelH).Select(r => window.Row(p, r)).ToArray();
            var columns = Enumerable.Range(0, window.KernelW).Select(s => window.Column(q, s)).ToArray();
            var (insideRows, insideColumns) = (rows.Where(r => r >= 0 && r < h).ToArray(), columns.Where(s => s >= 0 && s < w).ToArray());
            var size = c.Int("divisor_override", 0) is > 0 and var divisor ? divisor
                : c.Int("count_include_pad", 1) == 0 ? insideRows.Length * insideColumns.Length
                : rows.Count(r => r < h + window.PadBottom) * columns.Count(s => s < w + window.PadRight);
            foreach (var row in insideRows)
            foreach (var column in insideColumns)
            {
                for (long channel = 0; channel < channels; channel++)
                    tap((((image * h) + row) * w + column) * channels + channel, (((image * y[1]) + p) * y[2] + q) * channels + channel, 1.0 / size);
            }
        }
    }
}
