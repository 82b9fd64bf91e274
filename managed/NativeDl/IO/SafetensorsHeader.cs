using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace NativeDl.IO;

/// <summary>One tensor as the header of a file describes it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DType">Its element type.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Offset">Where its bytes begin, counted from the first byte behind the header.</param>
/// <param name="ByteCount">How many bytes it has.</param>
public sealed record WeightEntry(string Name, DType DType, Shape Shape, long Offset, long ByteCount);

/// <summary>The header of a safetensors file: 8 bytes with its length, then JSON.</summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The format's own limit.</summary>
    private const int MaxHeaderBytes = 100_000_000;

    private const string MetadataKey = "__metadata__";
    private const string Damaged = "The file is damaged or was not written by a safetensors writer: get it again.";

    private static readonly (DType DType, string Name)[] DTypeNames =
    [
        (DType.F32, "F32"), (DType.F64, "F64"), (DType.F16, "F16"), (DType.BF16, "BF16"),
        (DType.I64, "I64"), (DType.I32, "I32"), (DType.I8, "I8"), (DType.U8, "U8"),
    ];

    /// <summary>The tensors in the order of their bytes.</summary>
    public required IReadOnlyList<WeightEntry> Entries { get; init; }

    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>Where the tensors' bytes begin in the file.</summary>
    public required long DataStart { get; init; }

    /// <summary>
    /// The bytes of a header. The same tensors and metadata give the same bytes: greater elements first, so that every
    /// tensor is aligned, then by name.
    /// </summary>
    public static byte[] Write(
        IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata,
        out List<Tensor> order)
    {
        if (tensors.ContainsKey(MetadataKey))
            throw new InvalidArgumentException($"A tensor cannot be named '{MetadataKey}': safetensors keeps texts under it.");
        order = [];
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Advance(Write(buffer.GetSpan(8), 0));
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(MetadataKey);
                foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }
            long offset = 0;
            foreach (var (name, tensor) in tensors
                         .OrderByDescending(pair => pair.Value.DType.ElementSize())
                         .ThenBy(pair => pair.Key, StringComparer.Ordinal))
            {
                var end = checked(offset + (tensor.FlattenedLength * tensor.DType.ElementSize()));
                json.WriteStartObject(name);
                json.WriteString("dtype"u8, NameOf(tensor.DType));
                json.WriteStartArray("shape"u8);
                foreach (var dim in tensor.Shape)
                    json.WriteNumberValue(dim);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets"u8);
                json.WriteNumberValue(offset);
                json.WriteNumberValue(end);
                json.WriteEndArray();
                json.WriteEndObject();
                order.Add(tensor);
                offset = end;
            }
            json.WriteEndObject();
        }
        var padding = -buffer.WrittenCount & 7;
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        var bytes = buffer.WrittenSpan.ToArray();
        if (bytes.Length - 8 > MaxHeaderBytes)
            throw new InvalidArgumentException($"The names and metadata take {bytes.Length - 8} bytes; safetensors has room for {MaxHeaderBytes}.");
        Write(bytes, bytes.Length - 8);
        return bytes;

        static int Write(Span<byte> to, long length)
        {
            BinaryPrimitives.WriteInt64LittleEndian(to, length);
            return 8;
        }
    }

    /// <summary>Reads and checks a header. Nothing in the file is trusted.</summary>
    public static SafetensorsHeader Read(Stream stream, string path)
    {
        var fileBytes = stream.Length;
        if (fileBytes < 8)
            throw Invalid($"It has {fileBytes} bytes, and the shortest valid file has 10.");
        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxHeaderBytes)
            throw Invalid($"Its header would have {length} bytes, and {MaxHeaderBytes} is the most.");
        if ((long)length > fileBytes - 8)
            throw Invalid($"Its header would have {length} bytes, and only {fileBytes - 8} follow.");
        var header = new byte[length];
        stream.ReadExactly(header);
        if (header.Length == 0 || header[0] != '{')
            throw Invalid("Its header does not begin with '{'.");
        if (!Utf8.IsValid(header))
            throw Invalid("Its header is not valid UTF-8.");
        try
        {
            return new Parser(header, path).Parse(8 + (long)length, fileBytes - 8 - (long)length);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new WeightFormatException(path, null, $"Its header is not valid JSON: {e.Message}", Damaged, e);
        }

        WeightFormatException Invalid(string problem) => new(path, null, problem, Damaged);
    }

    private static string NameOf(DType dtype) => Array.Find(DTypeNames, entry => entry.DType == dtype).Name;

    private ref struct Parser(ReadOnlySpan<byte> header, string path)
    {
        private Utf8JsonReader _json = new(header, new JsonReaderOptions { MaxDepth = 4 });
        private readonly List<WeightEntry> _entries = [];
        private readonly Dictionary<string, string> _metadata = [];
        private string? _tensor;

        public SafetensorsHeader Parse(long dataStart, long dataBytes)
        {
            Expect(JsonTokenType.StartObject, "an object");
            HashSet<string> names = new(StringComparer.Ordinal);
            while (Next() != JsonTokenType.EndObject)
            {
                var name = _json.GetString()!;
                if (!names.Add(name))
                    throw Fault(name == MetadataKey ? null : name, $"The name '{name}' stands in the header twice.");
                if (name == MetadataKey)
                    ReadMetadata();
                else
                    ReadEntry(name, dataBytes);
            }
            _tensor = null;
            while (_json.Read()) // throws at anything but blanks
            {
            }
            CheckLayout(dataBytes);
            return new SafetensorsHeader { Entries = _entries, Metadata = _metadata, DataStart = dataStart };
        }

        private void ReadMetadata()
        {
            Expect(JsonTokenType.StartObject, $"the object of {MetadataKey}");
            while (Next() != JsonTokenType.EndObject)
            {
                var key = _json.GetString()!;
                Expect(JsonTokenType.String, $"a text for '{key}' in {MetadataKey}");
                if (!_metadata.TryAdd(key, _json.GetString()!))
                    throw Fault(null, $"'{key}' stands in {MetadataKey} twice.");
            }
        }

        private void ReadEntry(string name, long dataBytes)
        {
            _tensor = name;
            DType? dtype = null;
            long[]? dims = null, offsets = null;
            Expect(JsonTokenType.StartObject, "an object with dtype, shape and data_offsets");
            while (Next() != JsonTokenType.EndObject)
            {
                if (_json.ValueTextEquals("dtype"u8) && dtype is null)
                    dtype = ReadDType();
                else if (_json.ValueTextEquals("shape"u8) && dims is null)
                    dims = ReadNumbers("shape", (int)Bindings.Constants.MaxRank);
                else if (_json.ValueTextEquals("data_offsets"u8) && offsets is null)
                    offsets = ReadNumbers("data_offsets", 2);
                else
                    throw Fault(name, $"'{_json.GetString()}' stands there twice, or is not of the format.");
            }
            if (dtype is null || dims is null || offsets is null)
                throw Fault(name, "One of dtype, shape and data_offsets is missing.");
            if (offsets.Length != 2)
                throw Fault(name, $"data_offsets has {offsets.Length} numbers, not two.");
            var (begin, end) = (offsets[0], offsets[1]);
            if (begin > end || end > dataBytes)
            {
                throw Fault(name,
                    $"Its bytes would be those from {begin} to {end}, and {dataBytes} follow the header.");
            }
            var shape = Shape.Adopt(dims);
            if (ByteCount(dims, dtype.Value) is not { } bytes || bytes != end - begin)
            {
                throw Fault(name,
                    $"{dtype} {shape} takes {dtype.Value.ElementSize()} bytes an element, which does not make the " +
                    $"{end - begin} bytes that data_offsets gives it.");
            }
            _entries.Add(new WeightEntry(name, dtype.Value, shape, begin, end - begin));
            _tensor = null;
        }

        private DType ReadDType()
        {
            Expect(JsonTokenType.String, "a text for dtype");
            foreach (var (dtype, name) in DTypeNames)
            {
                if (_json.ValueTextEquals(name))
                    return dtype;
            }
            throw new WeightFormatException(
                path, _tensor, $"Its dtype is '{_json.GetString()}', which tensors of this library do not have.",
                $"Convert it to one of {string.Join(", ", DTypeNames.Select(entry => entry.Name))}.");
        }

        private long[] ReadNumbers(string what, int most)
        {
            Expect(JsonTokenType.StartArray, $"a list of numbers for {what}");
            List<long> numbers = [];
            while (Next() != JsonTokenType.EndArray)
            {
                if (_json.TokenType != JsonTokenType.Number || !_json.TryGetInt64(out var number) || number < 0)
                    throw Fault(_tensor, $"{what} has something that is no whole number from 0 to 2^63 - 1.");
                if (numbers.Count == most)
                    throw Fault(_tensor, $"{what} has more than {most} numbers.");
                numbers.Add(number);
            }
            return [.. numbers];
        }

        /// <summary>The tensors must fill the data without holes and without sharing.</summary>
        private readonly void CheckLayout(long dataBytes)
        {
            _entries.Sort(static (a, b) => a.Offset != b.Offset
                ? a.Offset.CompareTo(b.Offset)
                : a.ByteCount != b.ByteCount ? a.ByteCount.CompareTo(b.ByteCount) : string.CompareOrdinal(a.Name, b.Name));
            long end = 0;
            foreach (var entry in _entries)
            {
                if (entry.Offset != end)
                {
                    throw Fault(entry.Name,
                        $"Its bytes begin at {entry.Offset}, and those before it end at {end}: " +
                        (entry.Offset < end ? "tensors share bytes." : "there is a hole."));
                }
                end += entry.ByteCount;
            }
            if (end != dataBytes)
                throw Fault(null, $"{dataBytes} bytes follow the header, and the tensors have {end} of them.");
        }

        private JsonTokenType Next() => _json.Read() ? _json.TokenType : JsonTokenType.None;

        private void Expect(JsonTokenType type, string what)
        {
            if (Next() != type)
                throw Fault(_tensor, $"The header has {_json.TokenType} where {what} is expected.");
        }

        private static long? ByteCount(long[] dims, DType dtype)
        {
            // Dimensions of 0 first: a product that overflows on the way to 0 is none.
            if (Array.IndexOf(dims, 0) >= 0)
                return 0;
            long bytes = dtype.ElementSize();
            foreach (var dim in dims)
            {
                var product = Math.BigMul(bytes, dim);
                if (product > long.MaxValue)
                    return null;
                bytes = (long)product;
            }
            return bytes;
        }

        private readonly WeightFormatException Fault(string? tensor, string problem) => new(path, tensor, problem, Damaged);
    }
}
