using NUnit.Framework;

namespace NativeDl.Tests.Core;

public sealed class ShapeTests
{
    [Test]
    public void Shape_FromCollectionsAndArrays()
    {
        Shape fromExpression = [2, 3];
        Shape fromInts = new[] { 2, 3 };
        Shape fromLongs = new[] { 2L, 3L };
        Assert.Multiple(() =>
        {
            Assert.That(fromExpression, Is.EqualTo(fromInts));
            Assert.That(fromExpression, Is.EqualTo(fromLongs));
            Assert.That(fromExpression == new Shape(2, 3));
            Assert.That(fromExpression != new Shape(3, 2));
            Assert.That(fromExpression.GetHashCode(), Is.EqualTo(fromInts.GetHashCode()));
            Assert.That(fromExpression.Count, Is.EqualTo(6));
            Assert.That(fromExpression[1], Is.EqualTo(3));
            Assert.That(fromExpression[^2], Is.EqualTo(2));
            Assert.That(fromExpression.ToString(), Is.EqualTo("[2, 3]"));
        });
    }

    [Test]
    public void Default_IsAScalars()
    {
        Shape scalar = default;
        Assert.Multiple(() =>
        {
            Assert.That(scalar.Rank, Is.Zero);
            Assert.That(scalar.Count, Is.EqualTo(1));
            Assert.That(scalar.ToString(), Is.EqualTo("[]"));
            Assert.That(scalar == new Shape());
        });
    }

    [Test]
    public void Array_IsCopied()
    {
        var dims = new[] { 2L, 3L };
        Shape shape = dims;
        dims[0] = 9;
        Assert.That(shape[0], Is.EqualTo(2));
    }

    [Test]
    public void BFloat16_RoundsToNearestEven()
    {
        Assert.Multiple(() =>
        {
            Assert.That((float)(BFloat16)1.0f, Is.EqualTo(1.0f));
            Assert.That((float)(BFloat16)(1 + (1 / 256f)), Is.EqualTo(1.0f), "tie to even, down");
            Assert.That((float)(BFloat16)(1 + (3 / 256f)), Is.EqualTo(1 + (4 / 256f)), "tie to even, up");
            Assert.That((float)(BFloat16)(1 + (1.01f / 256f)), Is.EqualTo(1 + (2 / 256f)));
            Assert.That((float)(BFloat16)float.MaxValue, Is.EqualTo(float.PositiveInfinity));
            Assert.That((float)(BFloat16)float.NaN, Is.NaN);
            Assert.That((float)(BFloat16)BitConverter.UInt32BitsToSingle(0x7F800001), Is.NaN, "stays a NaN");
            Assert.That((float)(BFloat16)(-0f), Is.EqualTo(-0f));
        });
    }
}
