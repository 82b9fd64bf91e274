using NUnit.Framework;

namespace NativeDl.Tests.Core;

public sealed class ViewTests
{
    private static Tensor Count(params long[] dims)
    {
        var shape = new Shape(dims);
        return Tensor.FromArray(Enumerable.Range(0, (int)shape.Count).Select(i => (float)i).ToArray(), shape);
    }

    [Test]
    public void Index_TakesOnePartOfTheFirstDimension()
    {
        var t = Count(3, 2);
        Assert.That(t[1].Shape, Is.EqualTo(new Shape(2)));
        Assert.That(t[1].ToArray<float>(), Is.EqualTo(new[] { 2f, 3f }));
        Assert.That(t[^1].ToArray<float>(), Is.EqualTo(new[] { 4f, 5f }));
        Assert.That(t[0][1].Item<float>(), Is.EqualTo(1));
    }

    [Test]
    public void Range_TakesSeveral()
    {
        var t = Count(4, 2);
        Assert.That(t[1..3].Shape, Is.EqualTo(new Shape(2, 2)));
        Assert.That(t[1..3].ToArray<float>(), Is.EqualTo(new[] { 2f, 3f, 4f, 5f }));
        Assert.That(t[..].Shape, Is.EqualTo(new Shape(4, 2)));
        Assert.That(t[4..].Shape, Is.EqualTo(new Shape(0, 2)));
        Assert.That(t[^1..].ToArray<float>(), Is.EqualTo(new[] { 6f, 7f }));
    }

    [Test]
    public void Views_ShareMemory()
    {
        var t = Count(4, 2);
        t[1].Fill(-1f);
        t[2..].Reshape([4]).Fill(-2f);
        Assert.That(t.ToArray<float>(), Is.EqualTo(new[] { 0f, 1, -1, -1, -2, -2, -2, -2 }));
    }

    [Test]
    public void OutOfRange_Throws()
    {
        var t = Count(4, 2);
        Assert.Multiple(() =>
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => _ = t[4]);
            Assert.Throws<ArgumentOutOfRangeException>(() => _ = t[^5]);
            Assert.Throws<ArgumentOutOfRangeException>(() => _ = t[2..5]);
            Assert.Throws<ArgumentOutOfRangeException>(() => _ = t[3..1]);
            Assert.Throws<ArgumentOutOfRangeException>(() => t.Slice(-1, 1));
            Assert.Throws<ArgumentOutOfRangeException>(() => t.Slice(1, long.MaxValue));
            Assert.Throws<ShapeException>(() => _ = Tensor.Scalar(1f)[0]);
        });
    }

    [Test]
    public void Reshape_KeepsTheOrder()
    {
        var t = Count(2, 3, 2);
        Assert.Multiple(() =>
        {
            Assert.That(t.Reshape([3, 4]).ToArray<float>(), Is.EqualTo(t.ToArray<float>()));
            Assert.That(t.Reshape([-1]).Shape, Is.EqualTo(new Shape(12)));
            Assert.That(t.Reshape([4, -1]).Shape, Is.EqualTo(new Shape(4, 3)));
            Assert.That(t.Flatten().Shape, Is.EqualTo(new Shape(12)));
            Assert.That(t.Flatten(1).Shape, Is.EqualTo(new Shape(2, 6)));
            Assert.That(Tensor.Scalar(1f).Flatten().Shape, Is.EqualTo(new Shape(1)));
            Assert.That(Tensor.Scalar(1f).Reshape([1, 1]).Shape, Is.EqualTo(new Shape(1, 1)));
            Assert.That(Count(1).Reshape(default).Rank, Is.Zero);
            Assert.That(Tensor.Zeros([0, 3]).Reshape([0, 7]).Shape, Is.EqualTo(new Shape(0, 7)));
        });
    }

    [Test]
    public void Reshape_OtherCount_Throws()
    {
        var t = Count(2, 3);
        Assert.Multiple(() =>
        {
            var error = Assert.Throws<ShapeException>(() => t.Reshape([4, 2]));
            Assert.That(error!.Message, Does.Contain("[2, 3]").And.Contain("[4, 2]"));
            Assert.Throws<ShapeException>(() => t.Reshape([5]));
            Assert.Throws<ShapeException>(() => t.Reshape([4, -1]));
            Assert.Throws<ShapeException>(() => t.Reshape([-1, -1]));
            Assert.Throws<ShapeException>(() => t.Reshape([-2, -3]));
            Assert.Throws<ShapeException>(() => t.Reshape([0, -1]));
            Assert.Throws<ShapeException>(() => t.Flatten(3));
        });
    }

    [Test]
    public void Gradients_FlowThroughViews()
    {
        var x = Count(3, 2);
        x.RequiresGrad = true;
        x[1..].Reshape([2, 2])[0].Backward(Tensor.FromArray(new[] { 5f, 6f }));
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new[] { 0f, 0, 5, 6, 0, 0 }));
        x.Clone().Backward(Tensor.Ones([3, 2]));
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new[] { 1f, 1, 6, 7, 1, 1 }));
    }
}
