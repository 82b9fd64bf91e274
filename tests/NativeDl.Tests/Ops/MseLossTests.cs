using NUnit.Framework;

namespace NativeDl.Tests;

public sealed class MseLossTests
{
    [Test]
    public void MseLoss_ShapesDiffer_Throws()
    {
        var error = Assert.Throws<ShapeException>(() => Ops.MseLoss(Tensor.Zeros([2, 3]), Tensor.Zeros([3])));
        Assert.That(error!.Message, Does.Contain("[2, 3]").And.Contain("[3]"));
    }

    [Test]
    public void MseLoss_DTypesDiffer_Throws() =>
        Assert.Throws<DTypeException>(() => Ops.MseLoss(Tensor.Zeros([2]), Tensor.Zeros([2], DType.F64)));

    [Test]
    public void MseLoss_NaN_IsSeen()
    {
        var x = Tensor.FromArray([1f, float.NaN]);
        Assert.That(Ops.MseLoss(x, Tensor.Zeros([2])).Item<float>(), Is.NaN);
        Assert.That(Ops.MseLoss(x, Tensor.Zeros([2]), Reduction.None).ToArray<float>(), Is.EqualTo(new[] { 1, float.NaN }));
    }
}
