namespace NativeDl.Bench;

/// <summary>Errors of convolutions and products against sums in float64 over a seeded sample of the output.</summary>
internal static class Accuracy
{
    private const int SampleSize = 256;

    /// <summary>Greatest error over the root mean square of the exact values, by contestant; empty for other ops.</summary>
    public static Dictionary<string, double> Errors(
        Workload w, string pass, IReadOnlyDictionary<string, Values> inputs,
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, float[]>> outputs)
    {
        var (output, element) = (w.Op, pass) switch
        {
            ("gemm", "forward") => ("y", Gemm(w, inputs)),
            ("conv2d", "forward") => ("y", new Conv(w, inputs).Forward),
            ("conv2d", "backward_input") => ("dx", new Conv(w, inputs).BackwardInput),
            ("conv2d", "backward_weight") => ("dweight", new Conv(w, inputs).BackwardWeight),
            _ => ("", (Func<long, double>?)null),
        };
        var given = outputs.Where(o => o.Value.ContainsKey(output)).ToDictionary(o => o.Key, o => o.Value[output]);
        if (element is null || given.Count == 0 || given.Values.First().Length == 0)
            return [];
        var random = new Random(2);
        var at = Enumerable.Range(0, SampleSize).Select(_ => random.NextInt64(given.Values.First().Length)).ToArray();
        var exact = at.AsParallel().AsOrdered().Select(element).ToArray();
        var rms = Math.Sqrt(exact.Average(v => v * v));
        return given.ToDictionary(g => g.Key, g => at.Select((i, n) => Math.Abs(g.Value[i] - exact[n])).Max() / Math.Max(rms, double.Epsilon));
    }

    private static double Activate(Workload w, double value) => w.Activation == Activation.Relu ? Math.Max(value, 0) : value;

    private static Func<long, double> Gemm(Workload w, IReadOnlyDictionary<string, Values> inputs)
    {
        var (a, b, bias) = (inputs["a"].Data, inputs["b"].Data, inputs.GetValueOrDefault("bias")?.Data);
        var (ta, tb) = (w.Int("transpose_a", 0) != 0, w.Int("transpose_b", 0) != 0);
        var (ca, cb) = (w.Shape("a")[1], w.Shape("b")[1]);
        var (k, n) = (ta ? w.Shape("a")[0] : ca, tb ? w.Shape("b")[0] : cb);
        return i =>
        {
            var (row, col) = (i / n, i % n);
            var sum = bias is null ? 0.0 : bias[col];
            for (long p = 0; p < k; p++)
                sum += (double)a[ta ? p * ca + row : row * ca + p] * b[tb ? col * cb + p : p * cb + col];
            return Activate(w, sum);
        };
    }

    private sealed class Conv(Workload w, IReadOnlyDictionary<string, Values> inputs)
    {
        private readonly float[] _x = inputs["x"].Data, _weight = inputs["weight"].Data, _dy = inputs["dy"].Data;
        private readonly long[] _in = inputs["x"].Shape, _kernel = inputs["weight"].Shape, _out = inputs["dy"].Shape;
        private readonly int _sh = w.Int("stride_h", 1), _sw = w.Int("stride_w", 1), _dh = w.Int("dilation_h", 1), _dw = w.Int("dilation_w", 1);
        private readonly int _top = w.Int("pad_top", 0), _left = w.Int("pad_left", 0), _groups = w.Int("groups", 1);

        public double Forward(long i)
        {
            var (n, p, q, k) = Split(i, _out);
            var first = k / (_kernel[0] / _groups) * _kernel[3];
            var sum = inputs.TryGetValue("bias", out var bias) ? bias.Data[k] : 0.0;
            for (long r = 0; r < _kernel[1]; r++)
            for (long s = 0; s < _kernel[2]; s++)
            {
                if (X(n, p * _sh + r * _dh - _top, q * _sw + s * _dw - _left) is not { } x)
                    continue;
                for (long c = 0; c < _kernel[3]; c++)
                    sum += (double)_x[x + first + c] * _weight[Weight(k, r, s) + c];
            }
            return Activate(w, sum);
        }

        public double BackwardInput(long i)
        {
            var (n, h, col, c) = Split(i, _in);
            var perGroup = _kernel[0] / _groups;
            var (first, within) = (c / _kernel[3] * perGroup, c % _kernel[3]);
            var sum = 0.0;
            for (long r = 0; r < _kernel[1]; r++)
            for (long s = 0; s < _kernel[2]; s++)
            {
                var (down, right) = (h + _top - r * _dh, col + _left - s * _dw);
                if (down < 0 || right < 0 || down % _sh != 0 || right % _sw != 0 || down / _sh >= _out[1] || right / _sw >= _out[2])
                    continue;
                for (var k = first; k < first + perGroup; k++)
                    sum += (double)_dy[((n * _out[1] + down / _sh) * _out[2] + right / _sw) * _out[3] + k] * _weight[Weight(k, r, s) + within];
            }
            return sum;
        }

        public double BackwardWeight(long i)
        {
            var (k, r, s, c) = Split(i, _kernel);
            var from = k / (_kernel[0] / _groups) * _kernel[3] + c;
            var sum = 0.0;
            for (long n = 0; n < _out[0]; n++)
            for (long p = 0; p < _out[1]; p++)
            for (long q = 0; q < _out[2]; q++)
            {
                if (X(n, p * _sh + r * _dh - _top, q * _sw + s * _dw - _left) is { } x)
                    sum += (double)_x[x + from] * _dy[((n * _out[1] + p) * _out[2] + q) * _out[3] + k];
            }
            return sum;
        }

        private static (long, long, long, long) Split(long i, long[] shape) =>
            (i / (shape[1] * shape[2] * shape[3]), i / (shape[2] * shape[3]) % shape[1], i / shape[3] % shape[2], i % shape[3]);

        private long Weight(long k, long r, long s) => ((k * _kernel[1] + r) * _kernel[2] + s) * _kernel[3];

        private long? X(long n, long h, long col) =>
            h < 0 || h >= _in[1] || col < 0 || col >= _in[2] ? null : ((n * _in[1] + h) * _in[2] + col) * _in[3];
    }
}
