using NativeDl.Bindings;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

// Functions of one element: any shape; F32, F64; NaN stays NaN. Each has a native pass for its gradient, from x or y.
public static partial class Ops
{
    /// <summary>The absolute value; its gradient at 0 is 0. Element by element; F32, F64.</summary>
    /// <exception cref="DTypeException">x has another dtype.</exception>
    public static Tensor Abs(Tensor x) => Tape.Record(
        "abs", Native.AbsForward(x), inputs: [x], saved: [x], state: 0, static (dy, saved, _, _) =>
            [Native.AbsBackward(saved[0], dy)]);

    /// <summary>e to the power of each element. Element by element; F32, F64.</summary>
    /// <exception cref="DTypeException">x has another dtype.</exception>
    public static Tensor Exp(Tensor x)
    {
        var y = Native.ExpForward(x);
        return Tape.Record("exp", y, inputs: [x], saved: [y], state: 0, static (dy, saved, _, _) =>
            [Native.ExpBackward(saved[0], dy)]);
    }

    /// <summary>The natural logarithm: -inf of 0, NaN of less. Element by element; F32, F64.</summary>
    /// <exception cref="DTypeException">x has another dtype.</exception>
    public static Tensor Log(Tensor x) => Tape.Record(
        "log", Native.LogForward(x), inputs: [x], saved: [x], state: 0, static (dy, saved, _, _) =>
            [Native.LogBackward(saved[0], dy)]);

    /// <summary>1 / (1 + e^-x). Element by element; F32, F64.</summary>
    /// <exception cref="DTypeException">x has another dtype.</exception>
    public static Tensor Sigmoid(Tensor x)
    {
        var y = Native.SigmoidForward(x);
        return Tape.Record("sigmoid", y, inputs: [x], saved: [y], state: 0, static (dy, saved, _, _) =>
            [Native.SigmoidBackward(saved[0], dy)]);
    }

    /// <summary>The square root; NaN of less than 0. Element by element; F32, F64.</summary>
    /// <exception cref="DTypeException">x has another dtype.</exception>
    public static Tensor Sqrt(Tensor x)
    {
        var y = Native.SqrtForward(x);
        return Tape.Record("sqrt", y, inputs: [x], saved: [y], state: 0, static (dy, saved, _, _) =>
            [Native.SqrtBackward(saved[0], dy)]);
    }

    /// <summary>Each element times itself. Element by element; F32, F64.</summary>
    /// <exception cref="DTypeException">x has another dtype.</exception>
    public static Tensor Square(Tensor x) => Tape.Record(
        "square", Native.SquareForward(x), inputs: [x], saved: [x], state: 0, static (dy, saved, _, _) =>
            [Native.SquareBackward(saved[0], dy)]);

    /// <summary>The hyperbolic tangent. Element by element; F32, F64.</summary>
    /// <exception cref="DTypeException">x has another dtype.</exception>
    public static Tensor Tanh(Tensor x)
    {
        var y = Native.TanhForward(x);
        return Tape.Record("tanh", y, inputs: [x], saved: [y], state: 0, static (dy, saved, _, _) =>
            [Native.TanhBackward(saved[0], dy)]);
    }
}

public sealed partial class Tensor
{
    /// <summary>See <see cref="Ops.Abs"/>.</summary>
    public Tensor Abs() => Ops.Abs(this);

    /// <summary>See <see cref="Ops.Exp"/>.</summary>
    public Tensor Exp() => Ops.Exp(this);

    /// <summary>See <see cref="Ops.Log"/>.</summary>
    public Tensor Log() => Ops.Log(this);

    /// <summary>See <see cref="Ops.Sigmoid"/>.</summary>
    public Tensor Sigmoid() => Ops.Sigmoid(this);

    /// <summary>See <see cref="Ops.Sqrt"/>.</summary>
    public Tensor Sqrt() => Ops.Sqrt(this);

    /// <summary>See <see cref="Ops.Square"/>.</summary>
    public Tensor Square() => Ops.Square(this);

    /// <summary>See <see cref="Ops.Tanh"/>.</summary>
    public Tensor Tanh() => Ops.Tanh(this);
}

internal static unsafe partial class Native
{
    public static Tensor AbsForward(Tensor x) => Unary(&Abi.AbsForward, x);

    public static Tensor AbsBackward(Tensor x, Tensor dy) => Unary(&Abi.AbsBackward, x, dy);

    public static Tensor ExpForward(Tensor x) => Unary(&Abi.ExpForward, x);

    public static Tensor ExpBackward(Tensor y, Tensor dy) => Unary(&Abi.ExpBackward, y, dy);

    public static Tensor LogForward(Tensor x) => Unary(&Abi.LogForward, x);

    public static Tensor LogBackward(Tensor x, Tensor dy) => Unary(&Abi.LogBackward, x, dy);

    public static Tensor SigmoidForward(Tensor x) => Unary(&Abi.SigmoidForward, x);

    public static Tensor SigmoidBackward(Tensor y, Tensor dy) => Unary(&Abi.SigmoidBackward, y, dy);

    public static Tensor SqrtForward(Tensor x) => Unary(&Abi.SqrtForward, x);

    public static Tensor SqrtBackward(Tensor y, Tensor dy) => Unary(&Abi.SqrtBackward, y, dy);

    public static Tensor SquareForward(Tensor x) => Unary(&Abi.SquareForward, x);

    public static Tensor SquareBackward(Tensor x, Tensor dy) => Unary(&Abi.SquareBackward, x, dy);

    public static Tensor TanhForward(Tensor x) => Unary(&Abi.TanhForward, x);

    public static Tensor TanhBackward(Tensor y, Tensor dy) => Unary(&Abi.TanhBackward, y, dy);

    private static Tensor Unary(delegate*<ulong, ulong, ulong*, Status> forward, Tensor x)
    {
        using var call = NativeCall.On(x);
        ulong y = 0;
        var status = forward(call.Context, x.Handle, &y);
        GC.KeepAlive(x);
        return call.Output(status, y);
    }

    private static Tensor Unary(delegate*<ulong, ulong, ulong, ulong*, Status> backward, Tensor saved, Tensor dy)
    {
        using var call = NativeCall.On(dy);
        ulong dx = 0;
        var status = backward(call.Context, saved.Handle, dy.Handle, &dx);
        GC.KeepAlive(saved);
        GC.KeepAlive(dy);
        return call.Output(status, dx);
    }
}
