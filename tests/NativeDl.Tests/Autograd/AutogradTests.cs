using NUnit.Framework;

namespace NativeDl.Tests.AutogradTests;

public sealed class AutogradTests
{
    private static Tensor Leaf(params float[] values)
    {
        var t = Tensor.FromArray(values);
        t.RequiresGrad = true;
        return t;
    }

    [Test]
    public void Backward_ReachesTheLeaf_AndTheLossStaysUsable()
    {
        var x = Leaf(3);
        var loss = Ops.Relu(x);
        loss.Backward();
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new[] { 1f }));
        Assert.That(loss.Item<float>(), Is.EqualTo(3));
    }

    [Test]
    public void Gradients_OfSeveralUses_AreSummed()
    {
        var x = Leaf(1, -1, 2);
        var y = Ops.Relu(x);
        var (a, b) = (Ops.Relu(y), Ops.Relu(y));
        var joined = Join(Join(a, b), a);
        joined.Backward(Tensor.FromArray(new[] { 1f, 1, 10 }));
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new[] { 3f, 0, 30 }));
    }

    [Test]
    public void Backward_Twice_AddsToGrad_InPlace()
    {
        var x = Leaf(1, -1);
        Ops.Relu(x).Backward(Tensor.FromArray(new[] { 1f, 1 }));
        var grad = x.Grad;
        Ops.Relu(x).Backward(Tensor.FromArray(new[] { 2f, 2 }));
        Assert.That(x.Grad, Is.SameAs(grad));
        Assert.That(grad!.ToArray<float>(), Is.EqualTo(new[] { 3f, 0 }));
        x.Grad = null;
        Ops.Relu(x).Backward(Tensor.FromArray(new[] { 5f, 5 }));
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new[] { 5f, 0 }));
    }

    [Test]
    public void GradsOfTwoLeaves_NeverShareMemory_NorTheCallersGradient()
    {
        var (a, b) = (Leaf(1, 2), Leaf(3, 4));
        var seed = Tensor.FromArray(new[] { 1f, 1 });
        Join(a, b).Backward(seed);
        a.Grad!.Fill(7f);
        Assert.That(b.Grad!.ToArray<float>(), Is.EqualTo(new[] { 1f, 1 }));
        Assert.That(seed.ToArray<float>(), Is.EqualTo(new[] { 1f, 1 }));

        a.Backward(seed);
        a.Grad!.Fill(9f);
        Assert.That(seed.ToArray<float>(), Is.EqualTo(new[] { 1f, 1 }));
    }

    [Test]
    public void ManyLayers_DoNotOverflowTheStack()
    {
        var x = Leaf(1);
        var y = x;
        for (var i = 0; i < 100_000; i++)
            y = Ops.Relu(y);
        y.Backward();
        Assert.That(x.Grad!.Item<float>(), Is.EqualTo(1));
    }

    [Test]
    public void NoGrad_RecordsNothing()
    {
        var x = Leaf(1);
        Tensor y;
        using (Autograd.NoGrad())
        {
            y = Ops.Relu(x);
            using (Autograd.Record())
                Assert.That(Ops.Relu(x).RequiresGrad);
        }
        Assert.That(y.RequiresGrad, Is.False);
        Assert.That(Ops.Relu(x).RequiresGrad);
        Assert.That(Ops.Relu(x).Detach().RequiresGrad, Is.False);
        Assert.That(Ops.Relu(Tensor.Ones([1])).RequiresGrad, Is.False);
    }

    [Test]
    public void Gradients_GoOnlyWhereNeeded()
    {
        var x = Tensor.Ones([1, 4, 4, 1]);
        var weight = Tensor.Ones([1, 3, 3, 1]);
        weight.RequiresGrad = true;
        Ops.Conv2d(x, weight).Backward(Tensor.Ones([1, 2, 2, 1]));
        Assert.That(weight.Grad!.ToArray<float>(), Is.All.EqualTo(4f));
        Assert.That(x.Grad, Is.Null);
    }

    [Test]
    public void DisposedIntermediates_AreKeptByTheTape()
    {
        var x = Leaf(1, -1, 2);
        var y = Ops.Relu(x);
        var z = Ops.Relu(y);
        y.Dispose();
        z.Backward(Tensor.Ones([3]));
        Assert.That(x.Grad!.ToArray<float>(), Is.EqualTo(new[] { 1f, 0, 1 }));
    }

    [Test]
    public void SavedTensor_Overwritten_Throws_NamingBoth()
    {
        var x = Leaf(1, 2);
        var y = Ops.Relu(x);
        y.Fill(0f);
        var error = Assert.Throws<AutogradException>(() => y.Backward(Tensor.Ones([2])));
        Assert.That(error!.Message, Does.Contain("relu").And.Contain("[2]").And.Contain("Fill"));
        Assert.That(x.Grad, Is.Null);
    }

    [Test]
    public void SavedWeight_Overwritten_Throws_ThroughAView()
    {
        var x = Tensor.Ones([1, 4, 4, 1]);
        var weight = Tensor.Ones([2, 3, 3, 1]);
        x.RequiresGrad = true;
        var y = Ops.Conv2d(x, weight);
        weight[1].CopyFrom<float>(new float[9]);
        var error = Assert.Throws<AutogradException>(() => y.Backward(Tensor.Ones([1, 2, 2, 2])));
        Assert.That(error!.Message, Does.Contain("conv2d").And.Contain("[2, 3, 3, 1]").And.Contain("CopyFrom"));
    }

    [Test]
    public void Overwritten_ButNotNeeded_IsAllowed()
    {
        var x = Tensor.Ones([1, 4, 4, 1]);
        var weight = Tensor.Ones([1, 3, 3, 1]);
        weight.RequiresGrad = true;
        var y = Ops.Conv2d(x, weight);
        weight.Fill(5f); // only the gradient of x would read it
        y.Backward(Tensor.Ones([1, 2, 2, 1]));
        Assert.That(weight.Grad!.ToArray<float>(), Is.All.EqualTo(4f));
    }

    [Test]
    public void SecondBackward_Throws_UnlessTheGraphIsRetained()
    {
        var x = Leaf(1);
        var y = Ops.Relu(x);
        y.Backward(retainGraph: true);
        y.Backward();
        Assert.That(x.Grad!.Item<float>(), Is.EqualTo(2));
        var error = Assert.Throws<AutogradException>(() => y.Backward());
        Assert.That(error!.Message, Does.Contain("relu").And.Contain("retainGraph"));
    }

    [Test]
    public void Backward_WithoutGradient_OfMany_Throws()
    {
        var error = Assert.Throws<AutogradException>(() => Ops.Relu(Leaf(1, 2)).Backward());
        Assert.That(error!.Message, Does.Contain("[2]"));
    }

    [Test]
    public void Backward_BadGradients_Throw()
    {
        var y = Ops.Relu(Leaf(1, 2));
        Assert.Throws<ShapeException>(() => y.Backward(Tensor.Ones([3])));
        Assert.Throws<DTypeException>(() => y.Backward(Tensor.Ones([2], DType.F64)));
    }

    [Test]
    public void Backward_NothingRecorded_Throws() =>
        Assert.Throws<AutogradException>(() => Ops.Relu(Tensor.Ones([1])).Backward());

    [Test]
    public void RequiresGrad_Rules()
    {
        Assert.Throws<DTypeException>(() => Tensor.Ones([1], DType.I64).RequiresGrad = true);
        var y = Ops.Relu(Leaf(1));
        Assert.That(y.IsLeaf, Is.False);
        Assert.That(y.Grad, Is.Null);
        Assert.Throws<AutogradException>(() => y.RequiresGrad = false);
        Assert.Throws<AutogradException>(() => y.Grad = Tensor.Ones([1]));
        Assert.Throws<ShapeException>(() => Leaf(1).Grad = Tensor.Ones([2]));
        Assert.Throws<DTypeException>(() => Leaf(1).Grad = Tensor.Ones([1], DType.F64));
    }

    [Test]
    public void Rule_WithWrongResults_Throws()
    {
        var x = Leaf(1, 2);
        var count = Tape.Record("mine", Tensor.Ones([2]), [x], [], 0, static (dy, _, _, _) => []);
        Assert.That(
            Assert.Throws<AutogradException>(() => count.Backward(Tensor.Ones([2])))!.Message, Does.Contain("mine"));
        var shape = Tape.Record("mine", Tensor.Ones([2]), [x], [], 0, static (dy, _, _, _) => [Tensor.Ones([3])]);
        Assert.That(
            Assert.Throws<AutogradException>(() => shape.Backward(Tensor.Ones([2])))!.Message,
            Does.Contain("mine").And.Contain("[3]").And.Contain("[2]"));
    }

    [Test]
    public void Backward_GivesTheSameBits_EveryTime()
    {
        var x = Tensor.FromArray(Enumerable.Range(0, 400).Select(i => MathF.Sin(i)).ToArray(), [1, 10, 10, 4]);
        var weight = Tensor.FromArray(Enumerable.Range(0, 144).Select(i => MathF.Cos(i)).ToArray(), [4, 3, 3, 4]);
        weight.RequiresGrad = true;
        float[] Gradient()
        {
            weight.Grad = null;
            var y = x;
            for (var i = 0; i < 4; i++)
                y = Ops.Conv2d(y, weight, options: new() { Padding = 1 });
            y.Backward(x);
            return weight.Grad!.ToArray<float>();
        }
        var first = Gradient();
        for (var i = 0; i < 5; i++)
            Assert.That(Gradient(), Is.EqualTo(first));
    }

    /// <summary>A custom op: the gradient goes to both as it is.</summary>
    private static Tensor Join(Tensor a, Tensor b)
    {
        var sum = a.ToArray<float>().Zip(b.ToArray<float>(), (x, y) => x + y).ToArray();
        return Tape.Record("join", Tensor.FromArray(sum), [a, b], [], 0, static (dy, _, _, _) => [dy, dy]);
    }
}
