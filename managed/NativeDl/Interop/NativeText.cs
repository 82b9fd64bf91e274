using System.Text;
using NativeDl.Bindings;

namespace NativeDl;

/// <summary>Texts that cross the ABI: UTF-8 in the caller's buffer, with a closing zero.</summary>
internal static unsafe class NativeText
{
    public delegate Status Writer(sbyte* buffer, long capacity, long* length);

    /// <summary>Calls a function of the "buffer, capacity, length" form, a second time if its text is long.</summary>
    public static string Read(Writer write)
    {
        const int Enough = 512;
        var buffer = stackalloc byte[Enough];
        long length = 0;
        NativeStatus.Check(write((sbyte*)buffer, Enough, &length));
        if (length < Enough)
            return Encoding.UTF8.GetString(buffer, (int)length);

        var bytes = new byte[length + 1];
        fixed (byte* start = bytes)
        {
            NativeStatus.Check(write((sbyte*)start, bytes.Length, &length));
            return Encoding.UTF8.GetString(bytes, 0, (int)Math.Min(length, bytes.Length - 1));
        }
    }

    /// <summary>UTF-8 with a closing zero.</summary>
    public static byte[] ToUtf8(string text)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
        Encoding.UTF8.GetBytes(text, bytes);
        return bytes;
    }
}
