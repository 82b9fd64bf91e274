using NUnit.Framework;

namespace NativeDl.Tests.Core;

public sealed class TensorTests
{
    [Test]
    public void FromSpan_GivesTheValuesBack()
    {
        var t = Tensor.FromSpan<float>([1, 2, 3, 4, 5, 6], [2, 3]);
        Assert.Multiple(() =>
        {
            Assert.That(t.DType, Is.EqualTo(DType.F32));
            Assert.That(t.Device, Is.EqualTo(Device.Cpu));
            Assert.That(t.Shape, Is.EqualTo(new Shape(2, 3)));
            Assert.That(t.Rank, Is.EqualTo(2));
            Assert.That(t.FlattenedLength, Is.EqualTo(6));
            Assert.That(t.ToArray<float>(), Is.EqualTo(new float[] { 1, 2, 3, 4, 5, 6 }));
        });
    }

    [Test]
    public void EveryElementType_GoesInAndOut()
    {
        RoundTrip(1.5f, -2f);
        RoundTrip(1.5, -2.0);
        RoundTrip((Half)1.5f, (Half)(-2f));
        RoundTrip((BFloat16)1.5f, (BFloat16)(-2f));
        RoundTrip(long.MaxValue, long.MinValue);
        RoundTrip(int.MaxValue, int.MinValue);
        RoundTrip(sbyte.MaxValue, sbyte.MinValue);
        RoundTrip(byte.MaxValue, byte.MinValue);

        static void RoundTrip<T>(params T[] values) where T : unmanaged
        {
            using var t = Tensor.FromArray(values);
            Assert.That(t.DType, Is.EqualTo(DTypes.Of<T>()));
            Assert.That(t.ToArray<T>(), Is.EqualTo(values));
        }
    }

    [Test]
    public void MultiDimensionalArrays_GiveShapeAndOrder()
    {
        Assert.That(Tensor.FromArray(new[,] { { 1, 2, 3 }, { 4, 5, 6 } }).Shape, Is.EqualTo(new Shape(2, 3)));
        Assert.That(Tensor.FromArray(new[,] { { 1, 2, 3 }, { 4, 5, 6 } }).ToArray<int>(), Is.EqualTo(new[] { 1, 2, 3, 4, 5, 6 }));
        Assert.That(Tensor.FromArray(new double[2, 1, 3]).Shape, Is.EqualTo(new Shape(2, 1, 3)));
        Assert.That(Tensor.FromArray(new byte[1, 2, 3, 4]).Shape, Is.EqualTo(new Shape(1, 2, 3, 4)));
        Assert.That(Tensor.FromArray(new float[0, 3]).Shape, Is.EqualTo(new Shape(0, 3)));
    }

    [Test]
    public void ZerosOnesFullScalar_HoldWhatTheySay([Values] DType dtype)
    {
        Assert.That(Driver.HostTensor.Of(Tensor.Zeros([2, 2], dtype)).Data, Is.All.EqualTo(0));
        Assert.That(Driver.HostTensor.Of(Tensor.Ones([2, 2], dtype)).Data, Is.All.EqualTo(1));
        Assert.That(Tensor.Zeros([3], dtype).DType, Is.EqualTo(dtype));
        Assert.That(Tensor.Full([3], 7L).ToArray<long>(), Is.EqualTo(new long[] { 7, 7, 7 }));
        Assert.That(Tensor.Scalar(2.5).Rank, Is.Zero);
        Assert.That(Tensor.Scalar(2.5).Item<double>(), Is.EqualTo(2.5));
    }

    [Test]
    public void EmptyTensors_AreAllowed()
    {
        var t = Tensor.Zeros([0, 3]);
        Assert.That(t.FlattenedLength, Is.Zero);
        Assert.That(t.ToArray<float>(), Is.Empty);
        using var map = t.Map<float>();
        Assert.That(map.Span.Length, Is.Zero);
    }

    [Test]
    public void FromSpan_OtherCount_Throws()
    {
        var error = Assert.Throws<ShapeException>(() => Tensor.FromSpan<float>([1, 2, 3], [2, 2]));
        Assert.That(error!.Message, Does.Contain("[2, 2]").And.Contain("3 values"));
    }

    [Test]
    public void Create_BadShapes_Throw()
    {
        Assert.Throws<ShapeException>(() => Tensor.Empty([-1]));
        Assert.Throws<ShapeException>(() => Tensor.Empty([1, 1, 1, 1, 1, 1, 1, 1, 1]));
        Assert.Throws<ShapeException>(() => Tensor.Empty([long.MaxValue, 2]));
        Assert.Throws<NativeOutOfMemoryException>(() => Tensor.Empty([1L << 45]));
    }

    [Test]
    public void ElementType_MustBeTheTensors()
    {
        var t = Tensor.Zeros([2, 3]);
        Assert.Multiple(() =>
        {
            Assert.Throws<DTypeException>(() => t.ToArray<double>());
            Assert.Throws<DTypeException>(() => t.CopyTo(new int[6].AsSpan()));
            Assert.Throws<DTypeException>(() => t.CopyFrom<int>([1, 2, 3, 4, 5, 6]));
            Assert.Throws<DTypeException>(() => t.Item<long>());
            Assert.Throws<DTypeException>(() => t.Fill(1));
            Assert.Throws<DTypeException>(() => t.Map<double>().Dispose());
            Assert.Throws<DTypeException>(() => t.MapWrite<double>().Dispose());
            Assert.Throws<DTypeException>(() => Tensor.FromArray(new[] { 1u }));
        });
        var message = Assert.Throws<DTypeException>(() => t.ToArray<double>())!.Message;
        Assert.That(message, Does.Contain("Double").And.Contain("F32").And.Contain("[2, 3]").And.Contain("Single"));
    }

    [Test]
    public void CopyTo_ShortSpan_CopyFrom_OtherCount_Item_OfMany_Throw()
    {
        var t = Tensor.Zeros([2, 3]);
        Assert.Throws<ArgumentException>(() => t.CopyTo(new float[5].AsSpan()));
        Assert.Throws<ShapeException>(() => t.CopyFrom<float>([1, 2]));
        Assert.Throws<ShapeException>(() => t.Item<float>());
    }

    [Test]
    public void Lease_ReadsAndWritesInPlace()
    {
        var t = Tensor.Zeros([2, 3]);
        using (var write = t.MapWrite<float>())
        {
            write.Span[4] = 5;
            write.TensorSpan[1, 2] = 6;
        }
        using var read = t.Map<float>();
        Assert.That(read.Span.ToArray(), Is.EqualTo(new float[] { 0, 0, 0, 0, 5, 6 }));
        Assert.That(read.TensorSpan[1, 1], Is.EqualTo(5));
        Assert.That(read.TensorSpan.Lengths.ToArray(), Is.EqualTo(new nint[] { 2, 3 }));
    }

    [Test]
    public void Lease_OutlivesTheTensor()
    {
        var t = Tensor.Full([1000], 3f);
        using var map = t.Map<float>();
        t.Dispose();
        using var other = Tensor.Full([1000], 4f); // would be given the same memory
        Assert.That(map.Span.IndexOfAnyExcept(3f), Is.EqualTo(-1));
    }

    [Test]
    public void Lease_AfterDispose_Throws()
    {
        var map = Tensor.Zeros([3]).Map<float>();
        map.Dispose();
        map.Dispose();
        try
        {
            _ = map.Span;
            Assert.Fail("the span was given out");
        }
        catch (ObjectDisposedException)
        {
        }
    }

    [Test]
    public void Lease_OfAScalar_HasOneElement()
    {
        using var map = Tensor.Scalar(3f).Map<float>();
        Assert.That(map.Span.ToArray(), Is.EqualTo(new[] { 3f }));
        Assert.That(map.TensorSpan[0], Is.EqualTo(3f));
    }

    [Test]
    public void Version_RisesWithEveryWrite_ThroughAnyView()
    {
        var t = Tensor.Zeros([4, 3]);
        var view = t[1..3];
        var version = t.Version;
        _ = t.ToArray<float>();
        using (t.Map<float>()) { }
        Assert.That(t.Version, Is.EqualTo(version), "reading is no write");

        view.Fill(1f);
        Assert.That(t.Version, Is.GreaterThan(version));
        version = t.Version;
        t.CopyFrom<float>(new float[12]);
        Assert.That(view.Version, Is.GreaterThan(version));
        version = t.Version;
        using (t.MapWrite<float>())
            Assert.That(t.Version, Is.GreaterThan(version), "a write lease writes from its beginning");
    }

    [Test]
    public void Disposed_Throws_AndViewsLiveOn()
    {
        var t = Tensor.FromArray(new[] { 1f, 2f, 3f });
        var view = t[1..];
        t.Dispose();
        t.Dispose();
        Assert.Multiple(() =>
        {
            Assert.That(t.IsDisposed);
            Assert.Throws<ObjectDisposedException>(() => t.ToArray<float>());
            Assert.Throws<ObjectDisposedException>(() => t.Map<float>().Dispose());
            Assert.Throws<ObjectDisposedException>(() => Ops.Relu(t));
            Assert.Throws<ObjectDisposedException>(() => _ = t.Version);
            Assert.Throws<ObjectDisposedException>(() => t.Detach());
            Assert.That(t.ToString(), Does.Contain("disposed"));
            Assert.That(view.ToArray<float>(), Is.EqualTo(new[] { 2f, 3f }));
        });
    }

    [Test]
    public void Clone_HasMemoryOfItsOwn_Detach_Shares()
    {
        var t = Tensor.FromArray(new[] { 1f, 2f });
        var clone = t.Clone();
        var detached = t.Detach();
        t.Fill(9f);
        Assert.That(clone.ToArray<float>(), Is.EqualTo(new[] { 1f, 2f }));
        Assert.That(detached.ToArray<float>(), Is.EqualTo(new[] { 9f, 9f }));
    }

    [Test]
    public void ToString_IsReadable()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Tensor.Scalar(1.5f).ToString(), Is.EqualTo("F32 [] 1.5"));
            Assert.That(Tensor.FromArray(new[] { 1f, -2.25f }).ToString(), Is.EqualTo("F32 [2] [    1, -2.25]"));
            Assert.That(
                Tensor.FromArray(new[,] { { 1, 2 }, { 3, 40 } }).ToString(), Is.EqualTo("I32 [2, 2]\n[[ 1,  2],\n [ 3, 40]]"));
            Assert.That(Tensor.Zeros([0, 3]).ToString(), Does.Contain("[0, 3]").And.Contain("empty"));
            var large = Tensor.Zeros([100, 100]).ToString();
            Assert.That(large, Does.Contain("..."));
            Assert.That(large, Has.Length.LessThan(500));
        });
    }
}
