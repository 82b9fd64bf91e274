namespace NativeDl.Modules;

/// <summary>Checks of what layers are made with.</summary>
internal static class Require
{
    public static int Positive(int value, string name, string layer) =>
        value > 0 ? value : throw new InvalidArgumentException($"{layer}: {name} is {value}. It must be 1 or more.");

    public static Size2d Positive(Size2d value, string name, string layer) =>
        value is { H: > 0, W: > 0 }
            ? value
            : throw new InvalidArgumentException($"{layer}: {name} is {value}. Both must be 1 or more.");
}
