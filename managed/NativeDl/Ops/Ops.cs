namespace NativeDl;

/// <summary>
/// The operations on tensors, each with its gradient. All return new tensors, are recorded where an input requires a
/// gradient, and run under <see cref="ExecutionOptions.Current"/>. Beside what each one names they throw
/// <see cref="ShapeException"/>, <see cref="DTypeException"/> and <see cref="InvalidArgumentException"/> for operands and
/// options that do not fit, <see cref="ObjectDisposedException"/> for a disposed operand,
/// <see cref="NativeOutOfMemoryException"/>, and <see cref="UnsupportedException"/> where an implementation that was
/// fixed by name refuses the problem.
/// </summary>
public static partial class Ops;
