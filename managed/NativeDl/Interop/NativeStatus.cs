using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeDl.Bindings;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl;

/// <summary>The one place where a native status becomes an exception.</summary>
internal static unsafe class NativeStatus
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(Status status)
    {
        if (status != Status.Ok)
            Throw(status);
    }

    [DoesNotReturn]
    private static void Throw(Status status)
    {
        var message = LastError();
        throw status switch
        {
            Status.ErrorInvalidHandle => new InvalidHandleException(message),
            Status.ErrorInvalidArgument => new InvalidArgumentException(message),
            Status.ErrorInvalidShape => new ShapeException(message),
            Status.ErrorInvalidDtype => new DTypeException(message),
            Status.ErrorInvalidData => new DataException(message),
            Status.ErrorOverlap => new OverlapException(message),
            Status.ErrorContextBusy => new ContextBusyException(message),
            Status.ErrorOutOfMemory => new NativeOutOfMemoryException(message),
            Status.ErrorRefused => new UnsupportedException(message),
            Status.ErrorNoDevice or Status.ErrorDeviceLost => new DeviceException(message),
            _ => new InternalErrorException($"{message} (status {(uint)status})"),
        };
    }

    private static string LastError() => NativeText.Read((buffer, capacity, length) =>
    {
        Abi.LastError(buffer, capacity, length);
        return Status.Ok;
    });
}
