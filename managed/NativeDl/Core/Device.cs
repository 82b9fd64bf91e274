namespace NativeDl;

/// <summary>Kinds of devices.</summary>
public enum DeviceType
{
    /// <summary>The processor and its memory.</summary>
    Cpu = 0,

    /// <summary>An NVIDIA GPU.</summary>
    Cuda = 1,
}

/// <summary>Where a tensor lives. The default value is the CPU.</summary>
/// <param name="Type">The kind of device.</param>
/// <param name="Index">Its number among the devices of its kind, from 0.</param>
public readonly record struct Device(DeviceType Type, int Index = 0)
{
    /// <summary>The processor.</summary>
    public static Device Cpu => default;

    /// <summary>An NVIDIA GPU by number.</summary>
    public static Device Cuda(int index = 0) => new(DeviceType.Cuda, index);

    internal Bindings.DeviceType NativeType => (Bindings.DeviceType)((int)Type + 1);

    internal static Device FromNative(Bindings.DeviceType type, int index) => new((DeviceType)((int)type - 1), index);

    /// <summary>"cpu", or "cuda:0".</summary>
    public override string ToString() => Type == DeviceType.Cpu ? "cpu" : $"cuda:{Index}";
}
