using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>
/// The oracle of conv2d, then the largest element of each window of z; x [n,h,w,c], weight [k,r,s,c], bias [k];
/// y and argmax [n,p,q,k], argmax = row * pool_w + column in the window, of the first largest element; 255 where relu
/// leaves no gradient.
/// </summary>
internal sealed class Conv2dMaxPool2dReference : OpReference
{
    private const double NoGradient = 255;

    private readonly Conv2dReference _conv2d = new();

    public override string Op => "conv2d_max_pool2d";

    public override string[] Operands => ["x", "weight", "bias"];

    public override double Flop(OpCase c) => _conv2d.Flop(c);

    public override string[][] Homogeneous(OpCase c) => _conv2d.Homogeneous(c);

    public override bool RunsPass(OpCase c, string pass) => pass != "conv2d_max_pool2d_backward_bias" || c.Has("bias");

    public override bool BackwardReadsOutputs(OpCase c) => true;

    public override bool IsIndex(int output) => output == 1;

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs)
    {
        var (y, argmax) = Ops.Conv2dMaxPool2dWithIndices(inputs["x"], inputs["weight"], inputs.Optional("bias"), new Conv2dMaxPool2dOptions
        {
            Conv2d = Conv2dReference.Options(c),
            PoolH = c.Int("pool_h", 0),
            PoolW = c.Int("pool_w", 0),
        });
        return [y, argmax];
    }

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var conv = _conv2d.Forward(c, inputs)[0];
        var z = conv.All();
        var pool = new Windows(c, z.Dims);
        var y = new double[pool.Count];
        var argmax = new double[pool.Count];
        for (long i = 0; i < y.Length; i++)
        {
            y[i] = z.Data[pool.Place(i, 0)];
            for (var element = 1; element < pool.Size; element++)
            {
                if (z.Data[pool.Place(i, element)] is var value && value > y[i])
                    (y[i], argmax[i]) = (value, element);
            }
        }
        var relu = c.Item("activation", Activation.None) == Activation.Relu;
        for (long i = 0; relu && i < y.Length; i++)
            argmax[i] = y[i] > 0 ? argmax[i] : NoGradient;
        var rounding = 5e-7 * (4 + (4 * Math.Sqrt(conv.Terms))) * conv.Magnitude;
        return
        [
            Expected.Of(new HostTensor(pool.Dims, y), conv.Terms, conv.Magnitude),
            Expected.Of(new HostTensor(pool.Dims, argmax, DType.U8), terms: 0) with
            {
                Accepts = (i, element) => element == NoGradient
                    ? relu && y[i] < rounding
                    : element < pool.Size && y[i] - z.Data[pool.Place(i, (int)element)] < rounding,
            },
        ];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients)
    {
        var dims = _conv2d.Forward(c, inputs)[0].Dims;
        var pool = new Windows(c, dims);
        var dy = gradients[0]!;
        var dz = new double[dims.Aggregate(1L, (product, dim) => product * dim)];
        for (long i = 0; i < dy.Data.Length; i++)
        {
            if (outputs[1].Data[i] is var element and not NoGradient)
                dz[pool.Place(i, (int)element)] = dy.Data[i];
        }
        var active = new HostTensor(dims, Array.ConvertAll(dz, _ => 1.0)); // the activation is behind us
        return _conv2d.Backward(c, inputs, [active], [new HostTensor(dims, dz)]);
    }

    /// <summary>Windows side by side over z [n, rows, columns, k].</summary>
    private sealed class Windows(OpCase c, long[] z)
    {
        private readonly int _h = c.Int("pool_h", 0);
        private readonly int _w = c.Int("pool_w", 0);

        public int Size => _h * _w;

        public long[] Dims => [z[0], z[1] / _h, z[2] / _w, z[3]];

        public long Count => Dims.Aggregate(1L, (product, dim) => product * dim);

        /// <summary>Where in z an element of window i lies.</summary>
        public long Place(long i, int element)
        {
            var (p, q, k) = (z[1] / _h, z[2] / _w, z[3]);
            var (n, row, column) = (i / (p * q * k), (i / (q * k) % p * _h) + (element / _w), (i / k % q * _w) + (element % _w));
            return ((((n * z[1]) + row) * z[2]) + column) * k + (i % k);
        }
    }
}
