using System.Text;
using NativeDl.Bindings;
using NUnit.Framework;

namespace NativeDl.Tests.Errors;

// Inside the namespace, to win over the namespace of that name.
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

/// <summary>The C ABI, called wrongly: every misuse is a status with a sentence, and nothing crashes.</summary>
public sealed unsafe class AbiMisuseTests
{
    private ulong _context;
    private ulong _tensor;

    [SetUp]
    public void SetUp()
    {
        ulong context = 0;
        Assert.That(Abi.ContextCreate(0, &context), Is.EqualTo(Status.Ok));
        _context = context;
        _tensor = Create(2, 3);
    }

    [TearDown]
    public void TearDown()
    {
        Abi.TensorDestroy(_tensor);
        Abi.ContextDestroy(_context);
    }

    [Test]
    public void Handles_NoneStaleForgedForeign_AreRefused()
    {
        var stale = Create(4);
        Assert.That(Abi.TensorDestroy(stale), Is.EqualTo(Status.Ok));
        var reused = Create(4); // may take the stale one's place, not its name
        ulong[] bad = [0, stale, ulong.MaxValue, 1, 0xDEADBEEF, _tensor ^ (1UL << 40), _tensor + 1, _context];
        foreach (var handle in bad)
        {
            ulong output = 0;
            long dims;
            int rank;
            var info = new TensorInfo.__Internal { struct_size = (uint)sizeof(TensorInfo.__Internal) };
            using (Assert.EnterMultipleScope())
            {
                Refused(Abi.ReluForward(_context, handle, &output));
                Refused(Abi.TensorGetInfo(handle, (nint)(&info)));
                Refused(Abi.TensorGetDims(handle, &dims, 1, &rank));
                Refused(Abi.TensorAlias(handle, &output));
                Refused(Abi.TensorView(handle, 0, null, 0, &output));
                Refused(Abi.TensorRead(handle, 0, (nint)(&dims), 4));
                Refused(Abi.TensorMap(handle, Access.Read, &output, (ulong*)&dims));
                if (handle != 0)
                {
                    Refused(Abi.TensorDestroy(handle));
                    Refused(Abi.LeaseRelease(handle));
                }
            }
            Assert.That(output, Is.Zero);
        }
        foreach (var handle in (ulong[])[0, stale, ulong.MaxValue, _tensor])
        {
            ulong y = 0;
            Refused(Abi.ReluForward(handle, _tensor, &y));
        }
        Assert.That(Abi.TensorDestroy(0), Is.EqualTo(Status.Ok), "destroying none is allowed");
        Assert.That(Abi.ContextDestroy(0), Is.EqualTo(Status.Ok));
        Assert.That(Abi.TensorDestroy(reused), Is.EqualTo(Status.Ok));

        static void Refused(Status status)
        {
            Assert.That(status, Is.EqualTo(Status.ErrorInvalidHandle));
            Assert.That(LastError(), Is.Not.Empty);
        }
    }

    [Test]
    public void Lease_ReleasedTwice_IsRefused()
    {
        ulong lease = 0, address = 0;
        Assert.That(Abi.TensorMap(_tensor, Access.Write, &lease, &address), Is.EqualTo(Status.Ok));
        Assert.That(Abi.LeaseRelease(lease), Is.EqualTo(Status.Ok));
        Assert.That(Abi.LeaseRelease(lease), Is.EqualTo(Status.ErrorInvalidHandle));
    }

    [Test]
    public void NullPointers_AreRefused()
    {
        ulong output = 0;
        long dims = 3;
        using (Assert.EnterMultipleScope())
        {
            Refused(Abi.ContextCreate(0, null));
            Refused(Abi.ReluForward(_context, _tensor, null));
            Refused(Abi.TensorCreate(0, &dims, 1, &output));
            Refused(Abi.TensorAlias(_tensor, null));
            Refused(Abi.TensorView(_tensor, 0, null, 1, &output));
            Refused(Abi.TensorGetInfo(_tensor, 0));
            Refused(Abi.TensorRead(_tensor, 0, 0, 4));
            Refused(Abi.TensorWrite(_tensor, 0, 0, 4));
            Refused(Abi.TensorMap(_tensor, Access.Read, null, &output));
            Refused(Abi.TensorMap(_tensor, Access.Read, &output, null));
            Refused(Abi.MemoryGetInfo(0));
            Refused(Abi.MachineGetInfo(0));
            Refused(Abi.PassCount(null));
            Refused(Abi.Conv2dBackwardInput(_context, 0, _tensor, _tensor, null, 4, &output));
        }
        Assert.That(output, Is.Zero);
    }

    [Test]
    public void StructSizes_ThatCannotBe_AreRefused()
    {
        ulong output = 0;
        long dims = 3;
        foreach (var size in new uint[] { 0, 1, 3, 1 << 20, uint.MaxValue })
        {
            var tensor = new TensorOptions.__Internal { struct_size = size, dtype = Dtype.F32, device_type = Bindings.DeviceType.Cpu };
            var context = new ContextOptions.__Internal { struct_size = size };
            // Of what the library fills in, a newer and longer struct is welcome.
            var info = new TensorInfo.__Internal { struct_size = Math.Min(size, 3) };
            using (Assert.EnterMultipleScope())
            {
                Refused(Abi.TensorCreate((nint)(&tensor), &dims, 1, &output));
                Refused(Abi.ContextCreate((nint)(&context), &output));
                Refused(Abi.TensorGetInfo(_tensor, (nint)(&info)));
            }
        }
    }

    [Test]
    public void Enums_OutOfRange_AreRefused()
    {
        ulong output = 0;
        long dims = 3;
        foreach (var value in new uint[] { 0, 99, uint.MaxValue })
        {
            var tensor = new TensorOptions.__Internal
            {
                struct_size = (uint)sizeof(TensorOptions.__Internal), dtype = (Dtype)value, device_type = Bindings.DeviceType.Cpu,
            };
            Refused(Abi.TensorCreate((nint)(&tensor), &dims, 1, &output));
            tensor.dtype = Dtype.F32;
            tensor.device_type = (Bindings.DeviceType)value;
            Assert.That(Abi.TensorCreate((nint)(&tensor), &dims, 1, &output),
                Is.EqualTo(Status.ErrorInvalidArgument).Or.EqualTo(Status.ErrorNoDevice));
            Refused(Abi.TensorMap(_tensor, (Access)value, &output, &output));

            var conv = Conv2dOptions.Default.ToNative();
            conv.activation = (Bindings.Activation)value;
            var (x, w) = (Create(1, 3, 3, 1), Create(1, 1, 1, 1));
            Refused(Abi.Conv2dForward(_context, (nint)(&conv), x, w, 0, 0, &output));
            Abi.TensorDestroy(x);
            Abi.TensorDestroy(w);
        }
        Assert.That(output, Is.Zero);
    }

    [Test]
    public void OlderCallers_WithShorterStructs_GetTheDefaults()
    {
        // A caller that knew only groups and the strides.
        var conv = new Bindings.Conv2dOptions.__Internal { struct_size = 16, groups = 1, stride_h = 2, stride_w = 2 };
        conv.activation = (Bindings.Activation)99; // beyond struct_size: not read
        var (x, w) = (Create(1, 5, 5, 1), Create(1, 3, 3, 1));
        ulong y = 0;
        Assert.That(Abi.Conv2dForward(_context, (nint)(&conv), x, w, 0, 0, &y), Is.EqualTo(Status.Ok), LastError());
        var dims = stackalloc long[4];
        int rank;
        Abi.TensorGetDims(y, dims, 4, &rank);
        Assert.That(new ReadOnlySpan<long>(dims, rank).ToArray(), Is.EqualTo(new long[] { 1, 2, 2, 1 }));
        foreach (var handle in (ulong[])[x, w, y])
            Abi.TensorDestroy(handle);
    }

    [Test]
    public void Ranges_OutsideTheTensor_AreRefused()
    {
        var buffer = stackalloc byte[64];
        ulong view = 0;
        long dims = 3;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Abi.TensorRead(_tensor, 0, (nint)buffer, 25), Is.EqualTo(Status.ErrorInvalidArgument));
            Assert.That(Abi.TensorRead(_tensor, -1, (nint)buffer, 4), Is.EqualTo(Status.ErrorInvalidArgument));
            Assert.That(Abi.TensorRead(_tensor, long.MaxValue, (nint)buffer, 4), Is.EqualTo(Status.ErrorInvalidArgument));
            Assert.That(Abi.TensorWrite(_tensor, 4, (nint)buffer, 24), Is.EqualTo(Status.ErrorInvalidArgument));
            Assert.That(Abi.TensorWrite(_tensor, 4, (nint)buffer, -4), Is.EqualTo(Status.ErrorInvalidArgument));
            Assert.That(Abi.TensorView(_tensor, 4, &dims, 1, &view), Is.Not.EqualTo(Status.Ok));
            Assert.That(Abi.TensorView(_tensor, -1, &dims, 1, &view), Is.Not.EqualTo(Status.Ok));
            Assert.That(Abi.TensorView(_tensor, long.MaxValue, &dims, 1, &view), Is.Not.EqualTo(Status.Ok));
        }
        Assert.That(view, Is.Zero);
    }

    [Test]
    public void Output_GivenByTheCaller_MustFit()
    {
        var fits = Create(2, 3);
        ulong y = fits;
        Assert.That(Abi.ReluForward(_context, _tensor, &y), Is.EqualTo(Status.Ok), LastError());
        Assert.That(y, Is.EqualTo(fits));
        var other = y = Create(3, 2);
        Assert.That(Abi.ReluForward(_context, _tensor, &y), Is.EqualTo(Status.ErrorInvalidShape));
        Assert.That(y, Is.EqualTo(other), "the caller's handle is left alone");
        y = _tensor;
        Assert.That(Abi.ReluForward(_context, _tensor, &y), Is.EqualTo(Status.Ok), "relu may run in place");
        Abi.TensorDestroy(fits);
        Abi.TensorDestroy(other);
    }

    [Test]
    public void Output_ThatSharesMemory_IsRefused()
    {
        var (x, w) = (Create(1, 1, 1, 1), Create(1, 1, 1, 1));
        var conv = Conv2dOptions.Default.ToNative();
        var y = x;
        Assert.That(Abi.Conv2dForward(_context, (nint)(&conv), x, w, 0, 0, &y), Is.EqualTo(Status.ErrorOverlap));
        Abi.TensorDestroy(x);
        Abi.TensorDestroy(w);
    }

    [Test]
    public void LastError_FitsTheBuffer()
    {
        ulong output = 0;
        Abi.TensorAlias(0, &output);
        long length = 0;
        Abi.LastError(null, 0, &length);
        Assert.That(length, Is.GreaterThan(10));
        var buffer = stackalloc sbyte[8];
        new Span<sbyte>(buffer, 8).Fill(77);
        Abi.LastError(buffer, 4, null);
        Assert.That(buffer[3], Is.Zero, "closed by a zero");
        Assert.That(buffer[4], Is.EqualTo(77), "nothing behind the capacity");
        Assert.That(LastError(), Has.Length.EqualTo(length));
    }

    [Test]
    public void Numbers_OfPassesAndImplementations_AreChecked()
    {
        long length;
        int count;
        foreach (var number in new[] { -1, 10_000, int.MaxValue, int.MinValue })
        {
            using (Assert.EnterMultipleScope())
            {
                Refused(Abi.PassName(number, null, 0, &length));
                Refused(Abi.ImplementationCount(number, &count));
                Refused(Abi.ImplementationName(0, number, null, 0, &length));
                Refused(Abi.ImplementationObstacle(0, number, null, 0, &length));
            }
        }
    }

    private static void Refused(Status status) =>
        Assert.That(status, Is.EqualTo(Status.ErrorInvalidArgument), LastError());

    private static ulong Create(params long[] shape)
    {
        ulong handle = 0;
        var options = new TensorOptions.__Internal
        {
            struct_size = (uint)sizeof(TensorOptions.__Internal), dtype = Dtype.F32, device_type = Bindings.DeviceType.Cpu,
        };
        fixed (long* dims = shape)
            Assert.That(Abi.TensorCreate((nint)(&options), dims, shape.Length, &handle), Is.EqualTo(Status.Ok));
        return handle;
    }

    private static string LastError()
    {
        var buffer = stackalloc byte[2048];
        long length;
        Abi.LastError((sbyte*)buffer, 2048, &length);
        return Encoding.UTF8.GetString(buffer, (int)length);
    }
}
