using NativeDl.Data;

namespace NativeDl.Tool.Pictures;

/// <summary>Reads PGM and PPM pictures: P2, P3 (text), P5, P6 (bytes), of 8 or 16 bits.</summary>
internal static class Netpbm
{
    private const string Remedy = "Save the picture as PGM (grey) or PPM (colour) again.";
    private const int LargestSide = 1 << 14;

    public static bool Is(ReadOnlySpan<byte> content) => content is [(byte)'P', >= (byte)'1' and <= (byte)'7', ..];

    public static Picture Read(string path, ReadOnlySpan<byte> content)
    {
        var (channels, isText) = content[1] switch
        {
            (byte)'2' => (1, true),
            (byte)'3' => (3, true),
            (byte)'5' => (1, false),
            (byte)'6' => (3, false),
            _ => throw Error("a PGM or PPM picture", $"P{(char)content[1]}"),
        };
        var rest = content[2..];
        var width = Number(ref rest, "a width", LargestSide);
        var height = Number(ref rest, "a height", LargestSide);
        var max = Number(ref rest, "a greatest value", 65535);
        if (width < 1 || height < 1 || max < 1)
            throw Error("sizes above 0", $"{width}x{height}, values up to {max}");
        var pixels = new byte[width * height * channels];
        if (isText)
        {
            foreach (ref var pixel in pixels.AsSpan())
                pixel = Scale(Number(ref rest, $"{pixels.Length} values", max));
            return new Picture(width, height, channels, pixels);
        }
        var size = max < 256 ? 1 : 2;
        rest = rest.IsEmpty ? rest : rest[1..]; // one white space behind the header
        if (rest.Length < pixels.Length * size)
            throw Error($"{pixels.Length * size} bytes of pixels", $"{rest.Length}");
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = Scale(size == 1 ? rest[i] : (rest[2 * i] << 8) | rest[2 * i + 1]);
        return new Picture(width, height, channels, pixels);

        byte Scale(int value) => (byte)((Math.Min(value, max) * 255 + max / 2) / max);

        int Number(ref ReadOnlySpan<byte> text, string what, int most)
        {
            var at = 0;
            while (at < text.Length && (char.IsWhiteSpace((char)text[at]) || text[at] == '#'))
            {
                var isComment = text[at] == '#';
                while (isComment && at < text.Length && text[at] != '\n')
                    at++;
                at += at < text.Length ? 1 : 0;
            }
            var (start, value) = (at, 0);
            for (; at < text.Length && char.IsAsciiDigit((char)text[at]) && value <= most; at++)
                value = value * 10 + (text[at] - '0');
            if (at == start)
                throw Error(what, at == text.Length ? "the end of the file" : $"the byte {text[at]:X2}");
            if (value > most)
                throw Error($"{what} of at most {most}", "a greater one");
            text = text[at..];
            return value;
        }

        DataFormatException Error(string expected, string found) => new(path, expected, found, Remedy);
    }
}
