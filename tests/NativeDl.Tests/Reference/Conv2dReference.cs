using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>x [n,h,w,c], weight [k,r,s,c/groups], bias [k], residual [n,p,q,k]; y [n,p,q,k].</summary>
internal sealed class Conv2dReference : OpReference
{
    public override string Op => "conv2d";

    public override string[] Operands => ["x", "weight", "bias", "residual"];

    public override double Flop(OpCase c)
    {
        var g = new Geometry(c);
        return 2.0 * g.N * g.P * g.Q * g.K * g.R * g.S * g.GroupC;
    }

    public override string[][] Homogeneous(OpCase c) => [["x", "bias", "residual"], ["weight", "bias", "residual"]];

    public override bool RunsPass(OpCase c, string pass) => pass != "conv2d_backward_bias" || c.Has("bias");

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs) =>
        [Ops.Conv2d(inputs["x"], inputs["weight"], inputs.Optional("bias"), Options(c), inputs.Optional("residual"))];

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var g = new Geometry(c);
        var (x, weight, bias, residual) = (inputs["x"], inputs["weight"], inputs.Optional("bias"), inputs.Optional("residual"));
        var activation = c.Item("activation", Activation.None);
        return
        [
            new Expected([g.N, g.P, g.Q, g.K], (row, y) =>
            {
                var (n, p, q) = (row / (g.P * g.Q), row / g.Q % g.P, row % g.Q);
                for (var k = 0; k < y.Length; k++)
                    y[k] = (bias?.Data[k] ?? 0) + (residual?.Data[(row * y.Length) + k] ?? 0);
                foreach (var (r, s, pixel) in g.Taps(n, p, q))
                {
                    for (var k = 0; k < y.Length; k++)
                    {
                        var from = x.Data.AsSpan(pixel + (k / g.GroupK * g.GroupC), g.GroupC);
                        var by = weight.Data.AsSpan(((k * g.R + r) * g.S + s) * g.GroupC, g.GroupC);
                        var sum = 0.0;
                        for (var i = 0; i < from.Length; i++)
                            sum += from[i] * by[i];
                        y[k] += sum;
                    }
                }
                foreach (ref var value in y)
                    value = Activate(activation, value);
            }, g.R * g.S * g.GroupC, new[] { x.MaxAbs * weight.MaxAbs, bias?.MaxAbs ?? 0, residual?.MaxAbs ?? 0 }.Max()),
        ];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var g = new Geometry(c);
        var (x, weight) = (inputs["x"], inputs["weight"]);
        var dy = ThroughActivation(c, outputs[0], gradients[0]!);
        return new Dictionary<string, Expected[]>
        {
            ["x"] = [InputGradient(g, x, weight, dy)],
            ["weight"] = [WeightGradient(g, x, weight, dy)],
            ["bias"] = [BiasGradient(g, dy)],
            ["residual"] = [Expected.Of(dy, 0)],
        };
    }

    private static Expected InputGradient(Geometry g, HostTensor x, HostTensor weight, HostTensor dy) =>
        new(x.Dims, (row, dx) =>
        {
            var (n, h, w) = (row / (g.H * g.W), row / g.W % g.H, row % g.W);
            dx.Clear();
            for (var r = 0; r < g.R; r++)
            for (var s = 0; s < g.S; s++)
            {
                // The only output position that reads this pixel through the tap (r, s), if there is one.
                var (down, right) = (h + g.Window.PadTop - (r * g.Window.DilationH), w + g.Window.PadLeft - (s * g.Window.DilationW));
                var (p, q) = (down / g.Window.StrideH, right / g.Window.StrideW);
                if (down < 0 || right < 0 || down % g.Window.StrideH != 0 || right % g.Window.StrideW != 0 || p >= g.P || q >= g.Q)
                    continue;
                for (var k = 0; k < g.K; k++)
                {
                    var factor = dy.Data[(((n * g.P) + p) * g.Q + q) * g.K + k];
                    var by = weight.Data.AsSpan(((k * g.R + r) * g.S + s) * g.GroupC, g.GroupC);
                    var to = dx.Slice((int)(k / g.GroupK * g.GroupC), g.GroupC);
                    for (var i = 0; i < to.Length; i++)
                        to[i] += factor * by[i];
                }
            }
        }, g.R * g.S * g.GroupK, dy.MaxAbs * weight.MaxAbs);

    private static Expected WeightGradient(Geometry g, HostTensor x, HostTensor weight, HostTensor dy) =>
        new(weight.Dims, (row, dw) =>
        {
            var (k, r, s) = (row / (g.R * g.S), (int)(row / g.S % g.R), (int)(row % g.S));
            dw.Clear();
            for (long n = 0; n < g.N; n++)
            for (long p = 0; p < g.P; p++)
            for (long q = 0; q < g.Q; q++)
            {
                if (g.Pixel(n, g.Window.Row(p, r), g.Window.Column(q, s)) is not { } pixel)
                    continue;
                var factor = dy.Data[(((n * g.P) + p) * g.Q + q) * g.K + k];
                var from = x.Data.AsSpan(pixel + (int)(k / g.GroupK * g.GroupC), g.GroupC);
                for (var i = 0; i < dw.Length; i++)
                    dw[i] += factor * from[i];
            }
        }, g.N * g.P * g.Q, dy.MaxAbs * x.MaxAbs);

    private static Expected BiasGradient(Geometry g, HostTensor dy)
    {
        var db = new double[g.K];
        for (var i = 0; i < dy.Data.Length; i++)
            db[i % g.K] += dy.Data[i];
        return Expected.Of(new HostTensor([g.K], db), g.N * g.P * g.Q, dy.MaxAbs);
    }

    internal static Conv2dOptions Options(OpCase c) => new()
    {
        Groups = c.Int("groups", 1),
        StrideH = c.Int("stride_h", 1),
        StrideW = c.Int("stride_w", 1),
        PadTop = c.Int("pad_top", 0),
        PadBottom = c.Int("pad_bottom", 0),
        PadLeft = c.Int("pad_left", 0),
        PadRight = c.Int("pad_right", 0),
        DilationH = c.Int("dilation_h", 1),
        DilationW = c.Int("dilation_w", 1),
        Activation = c.Item("activation", Activation.None),
    };

    private sealed class Geometry
    {
        public Geometry(OpCase c)
        {
            var (x, weight) = (c.Operand("x")[0].Dims, c.Operand("weight")[0].Dims);
            (N, H, W, C) = (x[0], x[1], x[2], x[3]);
            (K, R, S, GroupC) = ((int)weight[0], (int)weight[1], (int)weight[2], (int)weight[3]);
            GroupK = K / c.Int("groups", 1);
            Window = Window2d.Of(c, R, S);
            (P, Q) = (Window.OutputH(H), Window.OutputW(W));
        }

        public long N { get; }
        public long H { get; }
        public long W { get; }
        public long C { get; }
        public int K { get; }
        public int R { get; }
        public int S { get; }
        public int GroupC { get; }
        public int GroupK { get; }
        public long P { get; }
        public long Q { get; }
        public Window2d Window { get; }

        /// <summary>Where a pixel's channels begin in x; null outside the image.</summary>
        public int? Pixel(long n, long h, long w) =>
            h < 0 || h >= H || w < 0 || w >= W ? null : (int)((((n * H) + h) * W + w) * C);

        /// <summary>The kernel's positions that lie inside the image, with their pixels.</summary>
        public IEnumerable<(int R, int S, int Pixel)> Taps(long n, long p, long q)
        {
            for (var r = 0; r < R; r++)
            for (var s = 0; s < S; s++)
            {
                if (Pixel(n, Window.Row(p, r), Window.Column(q, s)) is { } pixel)
                    yield return (r, s, pixel);
            }
        }
    }
}
