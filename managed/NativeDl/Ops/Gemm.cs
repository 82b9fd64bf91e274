using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

/// <summary>How <see cref="Ops.Gemm"/> reads its operands: <c>new GemmOptions { TransposeB = true }</c>.</summary>
public sealed record GemmOptions
{
    /// <summary>Both operands as they lie, factors of 1, no activation.</summary>
    public static GemmOptions Default { get; } = new();

    /// <summary>a is given as [..., k, m].</summary>
    public bool TransposeA { get; init; }

    /// <summary>b is given as [..., n, k].</summary>
    public bool TransposeB { get; init; }

    /// <summary>The factor of the product.</summary>
    public float Alpha { get; init; } = 1;

    /// <summary>The factor of c, where it is given; under 0 its values are not read.</summary>
    public float Beta { get; init; } = 1;

    /// <summary>Whether c, bias and the result are F32 where a and b are BF16.</summary>
    public bool OutputF32 { get; init; }

    /// <summary>Activation of the output.</summary>
    public Activation Activation { get; init; } = Activation.None;

    internal unsafe Bindings.GemmOptions.__Internal ToNative() => new()
    {
        struct_size = (uint)sizeof(Bindings.GemmOptions.__Internal),
        transpose_a = TransposeA ? 1 : 0,
        transpose_b = TransposeB ? 1 : 0,
        activation = (Bindings.Activation)Activation,
        alpha = Alpha,
        beta = Beta,
        output_f32 = OutputF32 ? 1 : 0,
    };
}

public static partial class Ops
{
    /// <summary>
    /// Products of matrices: y[m, n] = activation(alpha * sum of a[m, k] * b[k, n] over k + beta * c[m, n] + bias[n]).
    /// a [..., m, k], b [..., k, n], each the other way round where it is transposed, c [..., m, n], bias [n]; returns
    /// [..., m, n]. The leading dimensions are those of a batch of products, and equal; an a or b of rank 2 is that of the
    /// whole batch. F32, BF16 (with sums in F32), F64, all the same but for <see cref="GemmOptions.OutputF32"/>. A residual
    /// is c with the factors of 1 that are the default. On the CPU a b of rank 2 that comes a second time unchanged is packed for
    /// good, in about as many bytes again, which live as long as its memory.
    /// </summary>
    /// <exception cref="ShapeException">a or b has less than two dimensions, their leading dimensions differ, the columns of
    /// a are not as many as the rows of b, or c or bias does not fit.</exception>
    /// <exception cref="DTypeException">The operands' types differ, or are not among these.</exception>
    public static Tensor Gemm(Tensor a, Tensor b, Tensor? bias = null, Tensor? c = null, GemmOptions? options = null)
    {
        var o = options ?? GemmOptions.Default;
        var y = Native.GemmForward(a, b, c, bias, o);
        return Tape.Record(
            "gemm", y, inputs: [a, b, c, bias], saved: [b.RequiresGrad ? a : null, a.RequiresGrad ? b : null],
            state: (Options: o, A: a.Shape, B: b.Shape),
            static (dy, saved, need, of) =>
            [
                !need[0] ? null
                    : of.Options.TransposeA ? Product(saved[1], dy, of.Options.TransposeB, true, of.Options.Alpha, of.A)
                    : Product(dy, saved[1], false, !of.Options.TransposeB, of.Options.Alpha, of.A),
                !need[1] ? null
                    : of.Options.TransposeB ? Product(dy, saved[0], true, of.Options.TransposeA, of.Options.Alpha, of.B)
                    : Product(saved[0], dy, !of.Options.TransposeA, false, of.Options.Alpha, of.B),
                !need[2] ? null : of.Options.Beta == 1 ? dy : ThroughF32(dy, wide => Scale(wide, of.Options.Beta)),
                need[3] ? Native.LinearBackwardBias(dy) : null,
            ],
            o.Activation);
    }

    // alpha * op(a) op(b), summed over a batch that the shape has not: in one product, where its sum runs over the rows of both.
    private static Tensor Product(Tensor a, Tensor b, bool transposeA, bool transposeB, float alpha, Shape shape)
    {
        var options = new GemmOptions { TransposeA = transposeA, TransposeB = transposeB, Alpha = alpha };
        if (a.DType != b.DType)  // the gradient of an output in f32
        {
            using var narrow = Native.CastForward(a.DType == DType.BF16 ? b : a, DType.BF16);
            return a.DType == DType.BF16 ? Product(a, narrow, transposeA, transposeB, alpha, shape) : Product(narrow, b, transposeA, transposeB, alpha, shape);
        }
        if (shape.Rank > 2 || a.Rank == 2 || b.Rank == 2 || !transposeA || transposeB)
        {
            var product = Native.GemmForward(a, b, null, null, options);
            if (product.Shape == shape)
                return product;
            using (product)
                return ThroughF32(product, wide => SumTo(wide, shape));
        }
        using var rowsA = Rows(a);
        using var rowsB = Rows(b);
        return Native.GemmForward(rowsA, rowsB, null, null, options);

        static Tensor Rows(Tensor x) => Tensor.Adopt(Native.TensorView(x, 0, new Shape(new Shape(x.Shape.Dims[..^1]).Count, x.Shape[^1])), isNewStorage: false);
    }

    /// <summary>The product of a [..., m, k] and b [..., k, n]: <see cref="Gemm"/> without options.</summary>
    public static Tensor MatMul(Tensor a, Tensor b) => Gemm(a, b);
}

public sealed partial class Tensor
{
    /// <summary>The product of this [..., m, k] and another [..., k, n]. Errors: as <see cref="Ops.Gemm"/>.</summary>
    public Tensor MatMul(Tensor other) => Ops.MatMul(this, other);
}

internal static unsafe partial class Native
{
    public static Tensor GemmForward(Tensor a, Tensor b, Tensor? c, Tensor? bias, GemmOptions options)
    {
        using var call = NativeCall.On(a);
        var native = options.ToNative();
        ulong y = 0;
        var status = Abi.GemmForward(call.Context, (nint)(&native), a.Handle, b.Handle, c?.Handle ?? 0, bias?.Handle ?? 0, &y);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(c);
        GC.KeepAlive(bias);
        return call.Output(status, y);
    }
}
