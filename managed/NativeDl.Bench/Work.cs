namespace NativeDl.Bench;

/// <summary>What a pass must do at least: multiply-adds of the direct method, counted as two, and bytes to and from its operands.</summary>
/// <param name="Flop">Of the direct method, without the taps that meet padding.</param>
/// <param name="Read">Bytes.</param>
/// <param name="Written">Bytes.</param>
/// <param name="LeastFlop">Of the method with the fewest multiply-adds: F(4x4) of Winograd where it applies, by phases at stride 2.</param>
/// <param name="Bf16">Whether the products are of bf16, which some processors multiply faster.</param>
internal sealed record Work(double Flop, double Read, double Written, double LeastFlop, bool Bf16 = false)
{
    public static Work Of(Workload w, string pass, IReadOnlyDictionary<string, Values> inputs)
    {
        if (w.Op.StartsWith("tutorial", StringComparison.Ordinal))
            return new Work(0, 0, 0, 0);
        var y = Bytes("dy");
        var given = w.Operands.Keys.Where(name => name is not ("running_mean" or "running_var" or "num_batches")).Sum(Bytes);
        return (w.Op, pass) switch
        {
            ("conv2d", "forward") => Conv(given, y),
            ("conv2d", "backward_input") => Conv(y + Bytes("weight"), Bytes("x")),
            ("conv2d", _) => Conv(y + Bytes("x"), Bytes("weight")),
            ("gemm", _) => Gemm(given, y),
            // The gradient of a pool or a relu is read with what the forward pass kept: an index, the output.
            ("max_pool2d", "forward") => new Work(0, given, y, 0),
            ("max_pool2d", _) => new Work(0, y, Bytes("x"), 0),
            ("avg_pool2d" or "global_avg_pool2d", "backward") => new Work(0, y, Bytes("x"), 0),
            ("cross_entropy", "backward") => new Work(0, given, Bytes("logits"), 0),
            ("cast", _) => new Work(0, given, y / 4 * (w.Options["dtype"] is "bf16" or "f16" ? 2 : 4), 0),
            ("batch_norm2d", "backward") => new Work(0, Bytes("x") + y, Bytes("x"), 0),
            ("relu", "backward") => new Work(0, 2 * y, Bytes("x"), 0),
            _ => new Work(0, given, y, 0),
        };

        double Bytes(string name) => inputs.TryGetValue(name, out var values)
            ? (double)values.Data.Length * (w.TypeOf(name) is "bf16" or "f16" ? 2 : 4) : 0;

        Work Gemm(double read, double written)
        {
            var flop = 2.0 * inputs["dy"].Data.Length * (w.Int("transpose_a", 0) != 0 ? w.Shape("a")[0] : w.Shape("a")[1]);
            return new Work(flop, read, written, flop, w.TypeOf("a") is "bf16");
        }

        Work Conv(double read, double written)
        {
            var (taps, outputs) = (w.Shape("weight"), inputs["dy"].Shape);
            // Output positions and taps of an axis that meet inside the image.
            double Inside(int axis, string side, string before) => Enumerable.Range(0, (int)outputs[axis]).Sum(p => Enumerable.Range(0, (int)taps[axis])
                .Select(r => p * w.Int("stride_" + side, 1) + r * w.Int("dilation_" + side, 1) - w.Int(before, 0))
                .Count(at => at >= 0 && at < w.Shape("x")[axis]));
            var each = 2.0 * outputs[0] * outputs[3] * taps[3];
            bool Square(int stride, int least, int most) => w.Int("stride_h", 1) == stride && w.Int("stride_w", 1) == stride &&
                taps[1] >= least && taps[1] <= most && taps[2] >= least && taps[2] <= most;
            // Products of Winograd's method for each output and pair of channels.
            var winograd = Square(1, 3, 3) ? 9.0 / 4 : Square(2, 5, 8) ? 11 : double.PositiveInfinity;
            var flop = each * Inside(1, "h", "pad_top") * Inside(2, "w", "pad_left");
            return new Work(flop, read, written, Math.Min(flop, each * outputs[1] * outputs[2] * winograd), w.TypeOf("x") is "bf16");
        }
    }
}
