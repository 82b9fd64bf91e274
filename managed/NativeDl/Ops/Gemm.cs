using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

/// <summary>How <see cref="Ops.Gemm"/> reads its operands: <c>new GemmOptions { TransposeB = true }</c>.</summary>
public sealed record GemmOptions
{
    /// <summary>Both operands as they lie, no activation.</summary>
    public static GemmOptions Default { get; } = new();

    /// <summary>a is given as [k, m].</summary>
    public bool TransposeA { get; init; }

    /// <summary>b is given as [n, k].</summary>
    public bool TransposeB { get; init; }

    /// <summary>Activation of the output.</summary>
    public Activation Activation { get; init; } = Activation.None;

    internal unsafe Bindings.GemmOptions.__Internal ToNative() => new()
    {
        struct_size = (uint)sizeof(Bindings.GemmOptions.__Internal),
        transpose_a = TransposeA ? 1 : 0,
        transpose_b = TransposeB ? 1 : 0,
        activation = (Bindings.Activation)Activation,
    };
}

public static partial class Ops
{
    /// <summary>
    /// The product of two matrices: c[m, n] = activation(bias[n] + sum of a[m, k] * b[k, n] over k). a [m, k], b [k, n],
    /// each the other way round where it is transposed, bias [n]; returns [m, n]. F32, F64, all the same.
    /// </summary>
    /// <exception cref="ShapeException">An operand is no matrix, or the columns of a are not as many as the rows of b.
    /// </exception>
    public static Tensor Gemm(Tensor a, Tensor b, Tensor? bias = null, GemmOptions? options = null)
    {
        var o = options ?? GemmOptions.Default;
        var c = Native.GemmForward(a, b, bias, o);
        return Tape.Record(
            "gemm", c, inputs: [a, b, bias], saved: [b.RequiresGrad ? a : null, a.RequiresGrad ? b : null],
            state: (a: o.TransposeA, b: o.TransposeB),
            static (dc, saved, need, transpose) =>
            [
                !need[0] ? null
                    : transpose.a ? Multiply(saved[1], dc, transpose.b, true)
                    : Multiply(dc, saved[1], false, !transpose.b),
                !need[1] ? null
                    : transpose.b ? Multiply(dc, saved[0], true, transpose.a)
                    : Multiply(saved[0], dc, !transpose.a, false),
                need[2] ? Native.LinearBackwardBias(dc) : null,
            ],
            o.Activation);

        static Tensor Multiply(Tensor a, Tensor b, bool transposeA, bool transposeB) =>
            Native.GemmForward(a, b, null, new GemmOptions { TransposeA = transposeA, TransposeB = transposeB });
    }

    /// <summary>The product of two matrices, a [m, k] and b [k, n]: <see cref="Gemm"/> without options.</summary>
    public static Tensor MatMul(Tensor a, Tensor b) => Gemm(a, b);
}

public sealed partial class Tensor
{
    /// <summary>The product of this matrix [m, k] and another [k, n]. Errors: as <see cref="Ops.Gemm"/>.</summary>
    public Tensor MatMul(Tensor other) => Ops.MatMul(this, other);
}

internal static unsafe partial class Native
{
    public static Tensor GemmForward(Tensor a, Tensor b, Tensor? bias, GemmOptions options)
    {
        using var call = NativeCall.On(a);
        var native = options.ToNative();
        ulong c = 0;
        var status = Abi.GemmForward(call.Context, (nint)(&native), a.Handle, b.Handle, bias?.Handle ?? 0, &c);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        GC.KeepAlive(bias);
        return call.Output(status, c);
    }
}
