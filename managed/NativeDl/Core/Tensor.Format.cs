using System.Globalization;
using System.Text;

namespace NativeDl;

public sealed partial class Tensor
{
    private const int PrintedInFull = 1000; // elements; of larger tensors the edges are shown
    private const int EdgeItems = 3;

    /// <summary>dtype, shape and elements, such as "F32 [2, 2]\n[[1, 2],\n [3, 4]]"; only the edges of a large tensor.</summary>
    public override string ToString()
    {
        if (IsDisposed)
            return $"{_dtype} (disposed)";
        return _dtype switch
        {
            DType.F32 => Format<float>(v => FormatFloat(v)),
            DType.F64 => Format<double>(FormatFloat),
            DType.F16 => Format<Half>(v => FormatFloat((float)v)),
            DType.BF16 => Format<BFloat16>(v => FormatFloat(v)),
            DType.I64 => Format<long>(v => v.ToString(CultureInfo.InvariantCulture)),
            DType.I32 => Format<int>(v => v.ToString(CultureInfo.InvariantCulture)),
            DType.I8 => Format<sbyte>(v => v.ToString(CultureInfo.InvariantCulture)),
            _ => Format<byte>(v => v.ToString(CultureInfo.InvariantCulture)),
        };
    }

    private static string FormatFloat(double value) => value.ToString("G5", CultureInfo.InvariantCulture);

    private string Format<T>(Func<T, string> format) where T : unmanaged
    {
        var shape = Shape;
        var text = new StringBuilder();
        text.Append(_dtype).Append(' ').Append(shape);
        if (_device != Device.Cpu)
            text.Append(' ').Append(_device);
        text.Append(Rank > 1 ? '\n' : ' ');
        if (_count == 0)
            return text.Append("(empty)").ToString();

        // Twice over the same elements: the first finds the width of a column.
        var cells = new List<string>();
        Walk<T>(0, 0, shape, value => cells.Add(format(value)), null);
        var width = cells.Max(cell => cell.Length);
        var next = 0;
        Walk<T>(0, 0, shape, _ => text.Append(Rank == 0 ? cells[next++] : cells[next++].PadLeft(width)), text);
        return text.ToString();
    }

    /// <summary>Visits the printed elements in order; writes brackets and commas where there is a text.</summary>
    private void Walk<T>(int axis, long first, Shape shape, Action<T> visit, StringBuilder? text) where T : unmanaged
    {
        if (axis == shape.Rank)
        {
            Span<T> value = stackalloc T[1];
            Read(first, value);
            visit(value[0]);
            return;
        }
        long stride = 1;
        foreach (var dim in shape.Dims[(axis + 1)..])
            stride *= dim;
        var cut = _count > PrintedInFull && shape[axis] > 2 * EdgeItems;
        text?.Append('[');
        for (long i = 0; i < shape[axis]; i++)
        {
            if (i > 0)
                AppendSeparator(text, axis, shape.Rank);
            if (cut && i == EdgeItems)
            {
                text?.Append("...");
                AppendSeparator(text, axis, shape.Rank);
                i = shape[axis] - EdgeItems;
            }
            Walk(axis + 1, first + (i * stride), shape, visit, text);
        }
        text?.Append(']');
    }

    private static void AppendSeparator(StringBuilder? text, int axis, int rank)
    {
        if (axis == rank - 1)
            text?.Append(", ");
        else
            text?.Append(',').Append('\n', rank - 1 - axis).Append(' ', axis + 1);
    }
}
