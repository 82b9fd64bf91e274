namespace NativeDl;

/// <summary>Base of the errors that NativeDl reports. The message names the operation, both shapes and the fix.</summary>
public class NativeDlException : Exception
{
    /// <summary>Creates the error with a message.</summary>
    public NativeDlException(string message) : base(message) { }

    /// <summary>Creates the error with a message and the error that led to it.</summary>
    public NativeDlException(string message, Exception? inner) : base(message, inner) { }
}

/// <summary>A handle of the native library is none, stale, forged or of another kind.</summary>
public sealed class InvalidHandleException(string message) : NativeDlException(message);

/// <summary>An option or argument has a value that the operation does not take.</summary>
public sealed class InvalidArgumentException(string message) : NativeDlException(message);

/// <summary>Ranks or dimensions do not fit together.</summary>
public sealed class ShapeException(string message) : NativeDlException(message);

/// <summary>An element type is not the tensor's, not one that the operation takes, or differs between operands.</summary>
public sealed class DTypeException(string message) : NativeDlException(message);

/// <summary>A value inside a tensor is not allowed, such as a label out of range.</summary>
public sealed class DataException(string message) : NativeDlException(message);

/// <summary>An output shares memory with an operand where the operation forbids it.</summary>
public sealed class OverlapException(string message) : NativeDlException(message);

/// <summary>Two calls used one native context at the same time. Neither was harmed.</summary>
public sealed class ContextBusyException(string message) : NativeDlException(message);

/// <summary>The device has not enough memory, also after unused memory was given back.</summary>
public sealed class NativeOutOfMemoryException(string message) : NativeDlException(message);

/// <summary>No implementation, or not the one that was named, accepts this problem on this machine.</summary>
public sealed class UnsupportedException(string message) : NativeDlException(message);

/// <summary>A device is not there, or failed for good in an earlier call.</summary>
public sealed class DeviceException(string message) : NativeDlException(message);

/// <summary>The native library could not be loaded, or is not of this version.</summary>
public sealed class NativeLibraryException : NativeDlException
{
    internal NativeLibraryException(string message, Exception? inner = null) : base(message, inner) { }
}

/// <summary>Gradients were asked for where none can be computed: nothing recorded, freed, or overwritten.</summary>
public sealed class AutogradException(string message) : NativeDlException(message);

/// <summary>A defect of NativeDl itself; the message helps to report it.</summary>
public sealed class InternalErrorException(string message) : NativeDlException(message);
