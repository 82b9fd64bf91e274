using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using NUnit.Framework;

namespace NativeDl.Tests.TorchReference;

/// <summary>An array of doubles with its shape; integers and booleans of the file are converted.</summary>
public sealed record NdArray(double[] Values, long[] Shape);

/// <summary>Reads the arrays of an npz file (NumPy's format 1.0 to 3.0, C order).</summary>
internal static class Npz
{
    public static Dictionary<string, NdArray> Read(string path)
    {
        using var archive = ZipFile.OpenRead(path);
        var arrays = new Dictionary<string, NdArray>();
        foreach (var entry in archive.Entries)
        {
            using var stream = entry.Open();
            using var memory = new MemoryStream();
            stream.CopyTo(memory);
            var name = entry.FullName.EndsWith(".npy", StringComparison.Ordinal) ? entry.FullName[..^4] : entry.FullName;
            arrays[name] = Parse(memory.ToArray(), $"{path}:{entry.FullName}");
        }
        return arrays;
    }

    private static NdArray Parse(byte[] bytes, string what)
    {
        if (bytes.Length < 10 || bytes[0] != 0x93 || bytes[1] != 'N')
            throw new InvalidDataException($"{what} is no npy array.");
        var wide = bytes[6] > 1;
        var length = wide ? BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(8)) : BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8));
        var start = wide ? 12 : 10;
        var header = Encoding.UTF8.GetString(bytes, start, length);
        if (Field(header, "fortran_order").StartsWith("True", StringComparison.Ordinal))
            throw new InvalidDataException($"{what} is in Fortran order.");
        var shapeText = Field(header, "shape");
        var shape = shapeText[1..shapeText.IndexOf(')', StringComparison.Ordinal)]
            .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(d => long.Parse(d, CultureInfo.InvariantCulture)).ToArray();
        var type = Field(header, "descr").Trim('\'')[..3];
        var values = new double[shape.Aggregate(1L, (a, b) => a * b)];
        var data = bytes.AsSpan(start + length);
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = type switch
            {
                "<f8" => BinaryPrimitives.ReadDoubleLittleEndian(data[(8 * i)..]),
                "<f4" => BinaryPrimitives.ReadSingleLittleEndian(data[(4 * i)..]),
                "<i8" => BinaryPrimitives.ReadInt64LittleEndian(data[(8 * i)..]),
                "<i4" => BinaryPrimitives.ReadInt32LittleEndian(data[(4 * i)..]),
                "|u1" or "|b1" => data[i],
                _ => throw new InvalidDataException($"{what} has elements of type {type}."),
            };
        }
        return new NdArray(values, shape);
    }

    private static string Field(string header, string name) =>
        header[(header.IndexOf($"'{name}':", StringComparison.Ordinal) + name.Length + 3)..].TrimStart();
}
