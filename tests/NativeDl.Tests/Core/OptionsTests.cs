using NUnit.Framework;

namespace NativeDl.Tests.Core;

public sealed class OptionsTests
{
    [Test]
    public void Use_IsRestored_AndNests()
    {
        var one = ExecutionOptions.Default with { Threads = 1 };
        var strict = one with { Precision = Precision.Strict };
        var before = ExecutionOptions.Current;
        using (ExecutionOptions.Use(one))
        {
            using (ExecutionOptions.Use(strict))
                Assert.That(ExecutionOptions.Current, Is.SameAs(strict));
            Assert.That(ExecutionOptions.Current, Is.SameAs(one));
        }
        Assert.That(ExecutionOptions.Current, Is.SameAs(before));
    }

    [Test]
    public async Task Scopes_FlowAcrossAwait_AndIntoTasks()
    {
        var options = ExecutionOptions.Default with { Threads = 1 };
        using (ExecutionOptions.Use(options))
        using (Autograd.NoGrad())
        {
            await Task.Yield();
            Assert.That(ExecutionOptions.Current, Is.SameAs(options));
            Assert.That(await Task.Run(() => ExecutionOptions.Current), Is.SameAs(options));
            Assert.That(await Task.Run(() => Autograd.IsRecording), Is.False);
        }
        Assert.That(ExecutionOptions.Current, Is.Not.SameAs(options));
        Assert.That(Autograd.IsRecording);
    }

    [Test]
    public async Task Scopes_DoNotLeakToOtherFlows()
    {
        var entered = new TaskCompletionSource();
        var seen = new TaskCompletionSource();
        var other = Task.Run(async () =>
        {
            using (Autograd.NoGrad())
            {
                entered.SetResult();
                await seen.Task;
            }
        });
        await entered.Task;
        Assert.That(Autograd.IsRecording);
        seen.SetResult();
        await other;
    }

    [Test]
    public void Equality_IsByValue_AndWithTakesNoContextsAlong()
    {
        var a = ExecutionOptions.Default.WithImplementation("relu_forward", "cpu:ref");
        var b = ExecutionOptions.Default.WithImplementation("relu_forward", "cpu:ref");
        using (ExecutionOptions.Use(a))
            Ops.Relu(Tensor.Zeros([3]));
        Assert.That(a, Is.EqualTo(b));
        Assert.That(a, Is.Not.EqualTo(ExecutionOptions.Default));
        using (ExecutionOptions.Use(a with { Threads = 1 }))
            Ops.Relu(Tensor.Zeros([3]));
    }

    [TestCase("relu_forward", "cpu:none")]
    [TestCase("no_such_pass", "cpu:ref")]
    public void UnknownNames_Throw(string pass, string implementation)
    {
        using (ExecutionOptions.Use(ExecutionOptions.Default.WithImplementation(pass, implementation)))
        {
            var error = Assert.Throws<InvalidArgumentException>(() => Ops.Relu(Tensor.Zeros([3])));
            Assert.That(error!.Message, Does.Contain(pass == "no_such_pass" ? pass : implementation));
        }
        Ops.Relu(Tensor.Zeros([3]));
    }

    [Test]
    public void BadValues_Throw()
    {
        using (ExecutionOptions.Use(ExecutionOptions.Default with { Threads = -1 }))
            Assert.Throws<InvalidArgumentException>(() => Ops.Relu(Tensor.Zeros([3])));
        using (ExecutionOptions.Use(ExecutionOptions.Default with { Precision = 0 }))
            Assert.Throws<InvalidArgumentException>(() => Ops.Relu(Tensor.Zeros([3])));
        Assert.Throws<ArgumentNullException>(() => ExecutionOptions.Use(null!));
    }

    [Test]
    public void Implementations_EnumerateThePasses()
    {
        Assert.That(Implementations.Passes, Contains.Item("conv2d_backward_weight"));
        Assert.That(Implementations.Of("relu_forward")[^1].Name, Is.EqualTo("cpu:ref"));
        Assert.Throws<InvalidArgumentException>(() => Implementations.Of("no_such_pass"));
    }

    [Test]
    public void Machine_IsDescribed()
    {
        Assert.That(Machine.Cores, Is.GreaterThan(0));
        Assert.That(Machine.Describe(), Does.Contain(":"));
    }

    [Test]
    public void ManyThreads_CallAtOnce()
    {
        var x = Tensor.FromArray(Enumerable.Range(-500, 1000).Select(i => (float)i).ToArray());
        var expected = Ops.Relu(x).ToArray<float>();
        Parallel.For(0, 2000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ =>
        {
            using var y = Ops.Relu(x);
            if (!y.ToArray<float>().SequenceEqual(expected))
                throw new InvalidOperationException("another thread's call changed the result");
        });
    }
}
