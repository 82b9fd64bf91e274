using System.Runtime.CompilerServices;

namespace NativeDl;

public sealed partial class Tensor
{
    /// <summary>The part at one index of the first dimension, which goes away. A view: shares the memory.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index lies outside.</exception>
    /// <exception cref="ShapeException">The tensor is a scalar.</exception>
    [IndexerName("At")] // Item is the method that reads a scalar
    public Tensor this[Index index]
    {
        get
        {
            var shape = RequireFirstDimension("[index]");
            var first = index.IsFromEnd ? shape[0] - index.Value : index.Value;
            return Part(first, 1, shape, new Shape(shape.Dims[1..]));
        }
    }

    /// <summary>Part of the first dimension: <c>x[8..16]</c>. A view: shares the memory.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches outside.</exception>
    /// <exception cref="ShapeException">The tensor is a scalar.</exception>
    [IndexerName("At")]
    public Tensor this[Range range]
    {
        get
        {
            var shape = RequireFirstDimension("[range]");
            var first = range.Start.IsFromEnd ? shape[0] - range.Start.Value : range.Start.Value;
            var end = range.End.IsFromEnd ? shape[0] - range.End.Value : range.End.Value;
            return Slice(first, end - first);
        }
    }

    /// <summary>Part of the first dimension, from an index on. A view: shares the memory.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part reaches outside.</exception>
    /// <exception cref="ShapeException">The tensor is a scalar.</exception>
    public Tensor Slice(long start, long length)
    {
        var shape = RequireFirstDimension(nameof(Slice));
        var dims = shape.ToArray();
        dims[0] = length;
        return Part(start, length, shape, dims);
    }

    /// <summary>The same elements under another shape, of which one dimension may be -1. A view: shares the memory.</summary>
    /// <exception cref="ShapeException">The shape has another number of elements.</exception>
    public Tensor Reshape(Shape shape)
    {
        var resolved = Resolve(shape);
        var view = Adopt(Native.TensorView(this, 0, resolved), isNewStorage: false);
        return Tape.Record("reshape", view, inputs: [this], saved: [], state: Shape, static (dy, _, _, x) =>
            [dy.Reshape(x)]);
    }

    /// <summary>Makes one dimension of those from <paramref name="startDimension"/> on; a view. Flatten(1) keeps the
    /// batch.</summary>
    /// <exception cref="ShapeException">There is no such dimension.</exception>
    public Tensor Flatten(int startDimension = 0)
    {
        var shape = Shape;
        if (startDimension < 0 || startDimension > shape.Rank)
            throw new ShapeException($"Flatten: a tensor {shape} has no dimension {startDimension}.");
        long rest = 1;
        foreach (var dim in shape.Dims[startDimension..])
            rest *= dim;
        return Reshape(new Shape([.. shape.Dims[..startDimension], rest]));
    }

    /// <summary>The same memory, through which no gradient flows.</summary>
    public Tensor Detach() => Adopt(Native.TensorAlias(this), isNewStorage: false);

    /// <summary>A copy with memory of its own. Gradients flow through it.</summary>
    public Tensor Clone() =>
        Tape.Record("clone", Copy(), inputs: [this], saved: [], state: 0, static (dy, _, _, _) => [dy]);

    /// <summary>A copy that is not recorded.</summary>
    internal Tensor Copy() => Native.CopyForward(this);

    private Tensor Part(long first, long length, Shape shape, Shape dims)
    {
        if (first < 0 || length < 0 || first > shape[0] - length)
        {
            throw new ArgumentOutOfRangeException(
                nameof(first), $"{first}..{first + length} reaches outside the first dimension of a tensor {shape}.");
        }
        var inner = shape[0] == 0 ? 0 : _count / shape[0];
        var view = Adopt(Native.TensorView(this, first * inner, dims), isNewStorage: false);
        return Tape.Record(
            "slice", view, inputs: [this], saved: [], state: (shape, offset: first * inner), static (dy, _, _, x) =>
            {
                var dx = Zeros(x.shape, dy.DType, dy.Device);
                using var part = Adopt(Native.TensorView(dx, x.offset, dy.Shape), isNewStorage: false);
                Native.CopyInto(part, dy);
                return [dx];
            });
    }

    private Shape RequireFirstDimension(string member)
    {
        var shape = Shape;
        return shape.Rank > 0 ? shape : throw new ShapeException($"{member}: a scalar has no first dimension.");
    }

    private Shape Resolve(Shape shape)
    {
        var dims = shape.ToArray();
        var open = Array.IndexOf(dims, -1);
        if (open >= 0)
        {
            dims[open] = 1;
            var rest = Shape.Adopt(dims).Count;
            dims[open] = rest == 0 ? 0 : _count / rest;
        }
        var resolved = Shape.Adopt(dims);
        if (Array.Exists(dims, d => d < 0) || resolved.Count != _count)
        {
            throw new ShapeException(
                $"Reshape: a tensor {Shape} has {_count} elements, which do not fit {shape}. " +
                "The product of the dimensions must be the same, and at most one may be -1.");
        }
        return resolved;
    }
}
