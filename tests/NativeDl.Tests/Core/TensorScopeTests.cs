using NUnit.Framework;

namespace NativeDl.Tests.Core;

public sealed class TensorScopeTests
{
    [Test]
    public void Scope_DisposesWhatIsNotKept()
    {
        var outside = Tensor.Ones([3]);
        Tensor dropped, kept;
        using (var scope = TensorScope.Enter())
        {
            dropped = Ops.Relu(outside);
            kept = scope.Keep(Ops.Relu(outside));
        }
        Assert.That(dropped.IsDisposed);
        Assert.That(kept.IsDisposed, Is.False);
        Assert.That(outside.IsDisposed, Is.False);
        Assert.That(Ops.Relu(outside).IsDisposed, Is.False);
    }

    [Test]
    public void InnerScope_KeepsForTheOuter()
    {
        Tensor kept;
        using (TensorScope.Enter())
        {
            using (var inner = TensorScope.Enter())
                kept = inner.Keep(Tensor.Ones([3]));
            Assert.That(kept.IsDisposed, Is.False);
        }
        Assert.That(kept.IsDisposed);
    }

    [Test]
    public void GradientsAndLeaves_SurviveTheScope()
    {
        Tensor leaf, state;
        using (TensorScope.Enter())
        {
            leaf = Tensor.Ones([3]);
            leaf.RequiresGrad = true;
            Ops.Relu(leaf).Backward(Tensor.Ones([3]));
            using (TensorScope.Suspend())
                state = Tensor.Ones([3]);
        }
        Assert.That(leaf.Grad!.ToArray<float>(), Is.EqualTo(new[] { 1f, 1, 1 }));
        Assert.That(state.IsDisposed, Is.False);
    }

    [Test]
    public async Task Scope_FlowsAcrossAwait()
    {
        Tensor fromTask;
        using (TensorScope.Enter())
        {
            await Task.Yield();
            fromTask = await Task.Run(() => Tensor.Ones([3]));
        }
        Assert.That(fromTask.IsDisposed);
    }

    [Test]
    public void LeakReport_NamesTheCallSite()
    {
        LeakReport.Start();
        var held = Tensor.Ones([1000]);
        using (Tensor.Ones([77])) { }
        var report = LeakReport.Describe();
        LeakReport.Stop();
        Assert.That(report, Does.Contain(nameof(LeakReport_NamesTheCallSite)).And.Contain("4000 bytes, 1 live"));
        Assert.That(report, Does.Not.Contain("308 bytes"));
        GC.KeepAlive(held);
    }
}
