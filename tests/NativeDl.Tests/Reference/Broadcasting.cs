namespace NativeDl.Tests.Reference;

/// <summary>Where an element of a result comes from in an operand that is repeated to the result's shape.</summary>
internal static class Broadcasting
{
    public static long[] Shape(long[] a, long[] b)
    {
        var dims = new long[Math.Max(a.Length, b.Length)];
        for (var i = 1; i <= dims.Length; i++)
        {
            var (da, db) = (i <= a.Length ? a[^i] : 1, i <= b.Length ? b[^i] : 1);
            dims[^i] = da == 1 ? db : da;
        }
        return dims;
    }

    public static long Source(long index, long[] result, long[] operand)
    {
        long source = 0, stride = 1;
        for (var i = 1; i <= operand.Length; i++)
        {
            source += operand[^i] == 1 ? 0 : index % result[^i] * stride;
            index /= result[^i];
            stride *= operand[^i];
        }
        return source;
    }

    /// <summary>The sum over the repetitions of each of the operand's elements.</summary>
    public static double[] Sum(Func<long, double> term, long[] result, long[] operand)
    {
        var sum = new double[operand.Aggregate(1L, (product, dim) => product * dim)];
        var count = result.Aggregate(1L, (product, dim) => product * dim);
        for (long i = 0; i < count; i++)
            sum[Source(i, result, operand)] += term(i);
        return sum;
    }
}
