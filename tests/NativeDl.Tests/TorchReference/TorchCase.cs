using System.Text.Json;
using NUnit.Framework;

namespace NativeDl.Tests.TorchReference;

/// <summary>How an array of PyTorch's becomes one of ours.</summary>
public enum Layout
{
    /// <summary>The same order.</summary>
    Same,

    /// <summary>The second dimension, if there is one, becomes the last: NCHW to NHWC, OIHW weights to [out, kh, kw, in].</summary>
    Nhwc,
}

/// <summary>One case of the reference data, and the comparison with it.</summary>
public sealed class TorchCase(JsonElement entry, string folder, DType dtype)
{
    private readonly Dictionary<string, NdArray> _arrays = Npz.Read(Path.Combine(folder, entry.GetProperty("file").GetString()!));

    public JsonElement Entry => entry;

    public string Op { get; } = entry.GetProperty("op").GetString()!;

    /// <summary>F32, or F64 in which the reference kernels run.</summary>
    public DType DType { get; } = dtype;

    public bool Has(string key) => _arrays.ContainsKey(key);

    public NdArray Array(string key) => _arrays[key];

    public IEnumerable<string> Keys(string prefix) =>
        _arrays.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal)).Select(k => k[prefix.Length..]).Order(StringComparer.Ordinal);

    /// <summary>An attribute, or the fallback where the case has none or null.</summary>
    public T Attribute<T>(string name, T fallback)
    {
        if (!entry.GetProperty("attrs").TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
            return fallback;
        object converted = fallback switch
        {
            bool => value.GetBoolean(),
            int => value.GetInt32(),
            long => value.GetInt64(),
            float => value.GetSingle(),
            double => value.GetDouble(),
            string => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText(),
            double[] => value.EnumerateArray().Select(v => v.GetDouble()).ToArray(),
            int[] => value.EnumerateArray().Select(v => v.GetInt32()).ToArray(),
            _ => throw new NotSupportedException(typeof(T).Name),
        };
        return (T)converted;
    }

    public bool IsText(string name) => entry.GetProperty("attrs").TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String;

    public bool IsNull(string name) => entry.GetProperty("attrs").TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Null;

    public string[] Differentiated => [.. entry.GetProperty("diff").EnumerateArray().Select(v => v.GetString()!)];

    /// <summary>Input as a tensor of this case's dtype; null where the case has none.</summary>
    public Tensor? Input(string name, Layout layout = Layout.Same)
    {
        if (!_arrays.TryGetValue("in." + name, out var array))
            return null;
        var tensor = ToTensor(array, layout);
        tensor.RequiresGrad = Differentiated.Contains(name);
        return tensor;
    }

    public Tensor Labels(string name)
    {
        var array = _arrays["in." + name];
        return Tensor.FromSpan<long>(System.Array.ConvertAll(array.Values, v => (long)v), array.Shape);
    }

    public Tensor ToTensor(NdArray array, Layout layout = Layout.Same)
    {
        var (values, shape) = layout == Layout.Nhwc ? ChannelsLast(array) : (array.Values, array.Shape);
        return DType == DType.F64
            ? Tensor.FromSpan<double>(values, shape)
            : Tensor.FromSpan<float>(System.Array.ConvertAll(values, v => (float)v), shape);
    }

    /// <summary>Compares y with out.y, takes gy.y backward, and compares the inputs' gradients.</summary>
    public void Check(Tensor y, Layout layout, params (string Name, Tensor? Tensor, Layout Layout)[] inputs)
    {
        Compare("out.y", y, layout);
        if (!Has("gy.y"))
            return;
        using var gradient = ToTensor(_arrays["gy.y"], layout);
        y.Backward(gradient);
        foreach (var (name, tensor, inputLayout) in inputs)
        {
            if (tensor is null || !Has("grad." + name))
                continue;
            Assert.That(tensor.Grad, Is.Not.Null, $"{name} has no gradient");
            Compare("grad." + name, tensor.Grad!, inputLayout);
        }
    }

    /// <summary>Compares a tensor with an expected array; the tolerance is the case's own.</summary>
    public void Compare(string key, Tensor actual, Layout layout = Layout.Same)
    {
        var expected = _arrays[key];
        var (values, shape) = layout == Layout.Nhwc ? ChannelsLast(expected) : (expected.Values, expected.Shape);
        Assert.That(actual.Shape.ToArray(), Is.EqualTo(shape), $"{key}: shape");
        Compare(key, actual.ToDoubles(), values);
    }

    public void Compare(string key, double[] actual, double[] expected, double? tolerance = null)
    {
        var scale = expected.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max();
        var limit = tolerance ?? Tolerance(key, scale);
        for (var i = 0; i < expected.Length; i++)
        {
            var (a, b) = (actual[i], expected[i]);
            if (a.Equals(b) || (double.IsNaN(a) && double.IsNaN(b)))
                continue;
            if (!(Math.Abs(a - b) <= limit))
                Assert.Fail($"{key}[{i}] is {a:R}, PyTorch has {b:R}; allowed {limit:E2} at scale {scale:G3}");
        }
    }

    /// <summary>
    /// How far a float32 loss may lie from the float64 one at this step of a trajectory: a small multiple of what
    /// PyTorch's own float32 run stays within up to there.
    /// </summary>
    public double AllowedDrift(int step)
    {
        foreach (var (limit, text) in s_driftLimits)
        {
            if (step < entry.GetProperty("f32_drift").GetProperty(text).GetInt32())
                return 8 * limit;
        }
        return double.PositiveInfinity; // chaotic from there on
    }

    private static readonly (double Limit, string Text)[] s_driftLimits = [(1e-6, "1e-6"), (1e-5, "1e-5"), (1e-4, "1e-4"), (1e-3, "1e-3")];

    // F32: eight times PyTorch's own error, or a few roundings at the array's scale; F64: roundings of a double.
    private double Tolerance(string key, double scale)
    {
        if (DType == DType.F64)
            return 1e-11 * Math.Max(scale, 1);
        var error = entry.GetProperty("f32").TryGetProperty(key, out var pair) ? pair[0].GetDouble() : 0;
        return Math.Max(8 * error, 2e-6 * Math.Max(scale, 1e-3));
    }

    private static (double[] Values, long[] Shape) ChannelsLast(NdArray array) => array.Shape.Length < 3
        ? (array.Values, array.Shape)
        : Permute(array, [0, .. Enumerable.Range(2, array.Shape.Length - 2), 1]);

    public static (double[] Values, long[] Shape) Permute(NdArray array, int[] axes)
    {
        var shape = axes.Select(a => array.Shape[a]).ToArray();
        var strides = new long[array.Shape.Length];
        for (long i = array.Shape.Length - 1, step = 1; i >= 0; step *= array.Shape[i], i--)
            strides[i] = step;
        var values = new double[array.Values.Length];
        var index = new long[shape.Length];
        for (var i = 0; i < values.Length; i++)
        {
            long source = 0;
            for (var d = 0; d < index.Length; d++)
                source += index[d] * strides[axes[d]];
            values[i] = array.Values[source];
            for (var d = shape.Length - 1; d >= 0 && ++index[d] == shape[d]; d--)
                index[d] = 0;
        }
        return (values, shape);
    }
}

internal static class TensorDoubles
{
    public static double[] ToDoubles(this Tensor tensor) => tensor.DType switch
    {
        DType.F64 => tensor.ToArray<double>(),
        DType.F32 => System.Array.ConvertAll(tensor.ToArray<float>(), v => (double)v),
        DType.I64 => System.Array.ConvertAll(tensor.ToArray<long>(), v => (double)v),
        DType.I32 => System.Array.ConvertAll(tensor.ToArray<int>(), v => (double)v),
        _ => throw new NotSupportedException(tensor.DType.ToString()),
    };
}
