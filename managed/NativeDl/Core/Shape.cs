using System.Runtime.CompilerServices;

namespace NativeDl;

/// <summary>
/// Dimensions of a tensor, outermost first: <c>Shape s = [32, 28, 28, 1];</c>. The default value is that of a scalar.
/// </summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IEquatable<Shape>
{
    private readonly long[]? _dims;

    /// <summary>A shape of these dimensions, which are copied.</summary>
    public Shape(params ReadOnlySpan<long> dims) => _dims = dims.ToArray();

    private Shape(long[] dims) => _dims = dims;

    /// <summary>A shape of these dimensions, which are copied.</summary>
    public static Shape Create(ReadOnlySpan<long> dims) => new(dims);

    /// <summary>A shape of these dimensions, which are copied.</summary>
    public static implicit operator Shape(long[] dims) => new((ReadOnlySpan<long>)dims);

    /// <summary>A shape of these dimensions, which are copied.</summary>
    public static implicit operator Shape(int[] dims) => new(Array.ConvertAll(dims, d => (long)d));

    internal static Shape Adopt(long[] dims) => new(dims);

    /// <summary>Number of dimensions; 0 for a scalar.</summary>
    public int Rank => _dims?.Length ?? 0;

    /// <summary>The dimensions.</summary>
    public ReadOnlySpan<long> Dims => _dims;

    /// <summary>One dimension.</summary>
    public long this[int axis] => Dims[axis];

    /// <summary>One dimension, counted from the end by <c>^1</c>.</summary>
    public long this[Index axis] => Dims[axis];

    /// <summary>Number of elements; 1 for a scalar.</summary>
    /// <exception cref="OverflowException">The product does not fit in 63 bits.</exception>
    public long Count
    {
        get
        {
            long count = 1;
            foreach (var dim in Dims)
                count = checked(count * dim);
            return count;
        }
    }

    /// <summary>A copy of the dimensions.</summary>
    public long[] ToArray() => Dims.ToArray();

    /// <summary>Goes through the dimensions.</summary>
    public ReadOnlySpan<long>.Enumerator GetEnumerator() => Dims.GetEnumerator();

    /// <summary>The same rank and dimensions.</summary>
    public bool Equals(Shape other) => Dims.SequenceEqual(other.Dims);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var dim in Dims)
            hash.Add(dim);
        return hash.ToHashCode();
    }

    /// <summary>The same rank and dimensions.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Another rank or dimension.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <summary>"[2, 3]"; "[]" for a scalar.</summary>
    public override string ToString() => $"[{string.Join(", ", _dims ?? [])}]";
}
