using NativeDl.Bindings;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

public static partial class Ops
{
    /// <summary>
    /// a + b, element by element. Shapes broadcast as in NumPy: aligned at the last dimension, two dimensions are equal, or
    /// one of them is 1 or absent and is repeated. F32, F64, I64 or I32, both the same.
    /// </summary>
    /// <exception cref="ShapeException">The shapes do not broadcast.</exception>
    public static Tensor Add(Tensor a, Tensor b) => Tape.Record(
        "add", Native.AddForward(a, b), inputs: [a, b], saved: [], state: (a: a.Shape, b: b.Shape),
        static (dy, _, need, of) => [need[0] ? SumTo(dy, of.a) : null, need[1] ? SumTo(dy, of.b) : null]);

    /// <summary>a - b. Shapes, dtypes and errors: as <see cref="Add"/>.</summary>
    public static Tensor Subtract(Tensor a, Tensor b) => Tape.Record(
        "subtract", Native.SubtractForward(a, b), inputs: [a, b], saved: [], state: (a: a.Shape, b: b.Shape),
        static (dy, _, need, of) =>
        [
            need[0] ? SumTo(dy, of.a) : null,
            need[1] ? SumAndDispose(Scale(dy, -1), of.b) : null,
        ]);

    /// <summary>a * b. Shapes, dtypes and errors: as <see cref="Add"/>.</summary>
    public static Tensor Multiply(Tensor a, Tensor b) => Tape.Record(
        "multiply", Native.MultiplyForward(a, b), inputs: [a, b],
        saved: [b.RequiresGrad ? a : null, a.RequiresGrad ? b : null], state: (a: a.Shape, b: b.Shape),
        static (dy, saved, need, of) =>
        [
            need[0] ? SumAndDispose(Native.MultiplyForward(dy, saved[1]), of.a) : null,
            need[1] ? SumAndDispose(Native.MultiplyForward(dy, saved[0]), of.b) : null,
        ]);

    /// <summary>a / b, by IEEE 754: x / 0 is an infinity or NaN. F32 or F64; shapes and errors: as <see cref="Add"/>.</summary>
    public static Tensor Divide(Tensor a, Tensor b)
    {
        var y = Native.DivideForward(a, b);
        return Tape.Record(
            "divide", y, inputs: [a, b], saved: [b, b.RequiresGrad ? y : null], state: (a: a.Shape, b: b.Shape),
            static (dy, saved, need, of) =>
            {
                // db = -y * da: the quotient is formed once for both.
                var da = Native.DivideForward(dy, saved[0]);
                Tensor? db = null;
                if (need[1])
                {
                    using var product = Native.MultiplyForward(da, saved[1]);
                    db = SumAndDispose(Scale(product, -1), of.b);
                }
                if (need[0])
                    return [SumAndDispose(da, of.a), db];
                da.Dispose();
                return [null, db];
            });
    }

    /// <summary>The gradient of a repetition: x summed over the dimensions that broadcasting gave it; x itself where there
    /// are none.</summary>
    internal static Tensor SumTo(Tensor x, Shape shape)
    {
        var from = x.Shape;
        if (from == shape)
            return x;
        var added = from.Rank - shape.Rank;
        var axes = new List<long>();
        for (var axis = 0; axis < from.Rank; axis++)
        {
            if (axis < added || shape[axis - added] != from[axis])
                axes.Add(axis);
        }
        // Without axes to sum, only dimensions of 1 were added.
        if (axes.Count == 0)
            return Tensor.Adopt(Native.TensorView(x, 0, shape), isNewStorage: false);
        var sum = Native.SumForward(x, [.. axes], keepDims: true);
        if (added == 0)
            return sum;
        using (sum)
            return Tensor.Adopt(Native.TensorView(sum, 0, shape), isNewStorage: false);
    }

    private static Tensor SumAndDispose(Tensor x, Shape shape)
    {
        var sum = SumTo(x, shape);
        if (sum != x)
            x.Dispose();
        return sum;
    }

    /// <summary>x * factor, not recorded.</summary>
    internal static Tensor Scale(Tensor x, double factor)
    {
        using var scalar = Tensor.ScalarLike(x, factor);
        return Native.MultiplyForward(x, scalar);
    }
}

public sealed partial class Tensor
{
    /// <summary>Element by element, shapes broadcast; see <see cref="Ops.Add"/>.</summary>
    public static Tensor operator +(Tensor a, Tensor b) => Ops.Add(a, b);

    /// <summary>Element by element, shapes broadcast; see <see cref="Ops.Subtract"/>.</summary>
    public static Tensor operator -(Tensor a, Tensor b) => Ops.Subtract(a, b);

    /// <summary>Element by element, shapes broadcast; see <see cref="Ops.Multiply"/>.</summary>
    public static Tensor operator *(Tensor a, Tensor b) => Ops.Multiply(a, b);

    /// <summary>Element by element, shapes broadcast; see <see cref="Ops.Divide"/>.</summary>
    public static Tensor operator /(Tensor a, Tensor b) => Ops.Divide(a, b);

    /// <summary>The number takes on the tensor's dtype.</summary>
    public static Tensor operator +(Tensor a, double b) => With(a, b, Ops.Add);

    /// <summary>The number takes on the tensor's dtype.</summary>
    public static Tensor operator +(double a, Tensor b) => With(b, a, Ops.Add);

    /// <summary>The number takes on the tensor's dtype.</summary>
    public static Tensor operator -(Tensor a, double b) => With(a, b, Ops.Subtract);

    /// <summary>The number takes on the tensor's dtype.</summary>
    public static Tensor operator -(double a, Tensor b) => With(b, a, static (x, number) => Ops.Subtract(number, x));

    /// <summary>The number takes on the tensor's dtype.</summary>
    public static Tensor operator *(Tensor a, double b) => With(a, b, Ops.Multiply);

    /// <summary>The number takes on the tensor's dtype.</summary>
    public static Tensor operator *(double a, Tensor b) => With(b, a, Ops.Multiply);

    /// <summary>The number takes on the tensor's dtype.</summary>
    public static Tensor operator /(Tensor a, double b) => With(a, b, Ops.Divide);

    /// <summary>The number takes on the tensor's dtype.</summary>
    public static Tensor operator /(double a, Tensor b) => With(b, a, static (x, number) => Ops.Divide(number, x));

    /// <summary>Every element with the opposite sign.</summary>
    public static Tensor operator -(Tensor x) => With(x, -1, Ops.Multiply);

    /// <summary>A tensor of rank 0 with a number, of another's dtype and device.</summary>
    internal static Tensor ScalarLike(Tensor like, double value)
    {
        var scalar = Empty(default, like.DType, like.Device);
        Native.FillForward(scalar, value);
        return scalar;
    }

    /// <summary>Adds another tensor of this shape and dtype in place, not recorded: how gradients are summed.</summary>
    internal void AddInPlace(Tensor addend)
    {
        if (Shape != addend.Shape)
        {
            throw new AutogradException(
                $"Two gradients of one tensor have shapes {Shape} and {addend.Shape}. A gradient rule gave one of a shape " +
                "that is not its tensor's.");
        }
        if (_dtype is DType.F32 or DType.F64)
        {
            Native.AddInto(this, addend);
            return;
        }
        // Short floats are summed in f32.
        using var sum = Native.CastForward(this, DType.F32);
        using var other = Native.CastForward(addend, DType.F32);
        Native.AddInto(sum, other);
        Native.CastInto(this, sum);
    }

    private static Tensor With(Tensor x, double number, Func<Tensor, Tensor, Tensor> op)
    {
        using var scalar = ScalarLike(x, number);
        return op(x, scalar);
    }
}

internal static unsafe partial class Native
{
    public static Tensor AddForward(Tensor a, Tensor b) => Arithmetic(&Abi.AddForward, a, b);

    public static Tensor SubtractForward(Tensor a, Tensor b) => Arithmetic(&Abi.SubtractForward, a, b);

    public static Tensor MultiplyForward(Tensor a, Tensor b) => Arithmetic(&Abi.MultiplyForward, a, b);

    public static Tensor DivideForward(Tensor a, Tensor b) => Arithmetic(&Abi.DivideForward, a, b);

    /// <summary>sum += addend.</summary>
    public static void AddInto(Tensor sum, Tensor addend)
    {
        using var call = NativeCall.On(sum);
        var y = sum.Handle;
        var status = Abi.AddForward(call.Context, y, addend.Handle, &y);
        GC.KeepAlive(sum);
        GC.KeepAlive(addend);
        NativeStatus.Check(status);
    }

    private static Tensor Arithmetic(delegate*<ulong, ulong, ulong, ulong*, Status> forward, Tensor a, Tensor b)
    {
        using var call = NativeCall.On(a);
        ulong y = 0;
        var status = forward(call.Context, a.Handle, b.Handle, &y);
        GC.KeepAlive(a);
        GC.KeepAlive(b);
        return call.Output(status, y);
    }
}
