using System.Runtime.CompilerServices;

// Every import of the generated bindings is blittable; without marshalling stubs a call costs a few nanoseconds.
[assembly: DisableRuntimeMarshalling]
