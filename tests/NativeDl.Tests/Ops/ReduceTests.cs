using NUnit.Framework;

namespace NativeDl.Tests;

public sealed class ReduceTests
{
    [Test]
    public void Sum_AxisThatIsNotThere_Throws([Values(2, -3)] int axis)
    {
        var error = Assert.Throws<InvalidArgumentException>(() => Tensor.Zeros([2, 3]).Sum(axis));
        Assert.That(error!.Message, Does.Contain("[2, 3]").And.Contain($"no axis {axis}"));
    }

    [Test]
    public void Sum_AxisTwice_Throws() =>
        Assert.Throws<InvalidArgumentException>(() => Tensor.Zeros([2, 3]).Sum([1, -1]));

    [Test]
    public void Sum_Integers_Throws() => Assert.Throws<DTypeException>(() => Tensor.Zeros([2], DType.I64).Sum());

    [Test]
    public void SumAndMean_OfNothing_AreZeroAndNaN()
    {
        Assert.That(Tensor.Zeros([0]).Sum().Item<float>(), Is.Zero);
        Assert.That(Tensor.Zeros([0]).Mean().Item<float>(), Is.NaN);
    }

    [Test]
    public void Max_OfNothing_Throws()
    {
        Assert.Throws<ShapeException>(() => Tensor.Zeros([3, 0]).Max(1));
        Assert.Throws<ShapeException>(() => Tensor.Zeros([0]).ArgMax());
        Assert.That(Tensor.Zeros([0, 3]).Max(1).Shape, Is.EqualTo(new Shape(0)));
    }

    [Test]
    public void Max_FirstNaN_IsLargest([Values(3, 40)] int columns, [Values(0, 1)] int axis)
    {
        var values = Tensor.Zeros([40, columns]);
        using (var m = values.MapWrite<float>())
            m.Span[columns + 1] = m.Span[(columns * 2) + 1] = m.Span[columns + 2] = float.NaN;
        var (y, argmax) = Ops.MaxWithIndices(values, [axis]);
        Assert.That(y.ToArray<float>()[1], Is.NaN);
        Assert.That(argmax.ToArray<long>()[1], Is.EqualTo(1));
        Assert.That(argmax.ToArray<long>()[0], Is.Zero);
    }

    [Test]
    public void Sum_ManyEqualTerms_KeepsItsDigits() =>
        Assert.That(Tensor.Full([1 << 24], 0.1f).Sum().Item<float>(), Is.EqualTo(0.1f * (1 << 24)).Within(5e-4).Percent);

    [Test]
    public void Mean_Gradient_IsOneOverTheCount()
    {
        var x = Tensor.Zeros([2, 5, 4]);
        x.RequiresGrad = true;
        x.Mean([0, 1]).Sum().Backward();
        Assert.That(x.Grad!.ToArray<float>(), Is.All.EqualTo(0.1f));
    }

    [Test]
    public void BroadcastTo_SmallerShape_Throws() =>
        Assert.Throws<ShapeException>(() => Tensor.Zeros([2, 3]).BroadcastTo([3]));
}
