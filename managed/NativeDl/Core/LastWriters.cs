namespace NativeDl;

/// <summary>
/// Which managed call last wrote to a storage: a small table of recent writes, read only to say in an error who
/// overwrote a saved tensor. An entry that a newer write pushed out is just not named.
/// </summary>
internal static class LastWriters
{
    private const int Size = 256;

    private static readonly Entry?[] Entries = new Entry?[Size];

    /// <summary>Remembers a write. Called after it, with the tensor it went through.</summary>
    public static void Note(Tensor tensor, string writer)
    {
        var storage = tensor.Storage;
        ref var entry = ref Entries[Slot(storage)];
        if (entry is null || entry.Storage != storage || entry.Writer != writer) // no garbage for the same write again
            entry = new Entry(storage, writer);
    }

    public static string? Find(ulong storage) =>
        Entries[Slot(storage)] is { } entry && entry.Storage == storage ? entry.Writer : null;

    private static int Slot(ulong storage) => (int)((storage * 0x9E3779B97F4A7C15) >> 56);

    private sealed record Entry(ulong Storage, string Writer);
}
