using NativeDl.Modules;
using NativeDl.Optimizers;
using NUnit.Framework;

namespace NativeDl.Tests.Optimizers;

public sealed class OptimizerTests
{
    private static Tensor Parameter(params float[] values)
    {
        var parameter = Tensor.FromArray(values);
        parameter.RequiresGrad = true;
        return parameter;
    }

    private static void StepWithGradient(Optimizer optimizer, Tensor parameter, params float[] gradient)
    {
        parameter.Grad = Tensor.FromArray(gradient);
        optimizer.Step();
    }

    [Test]
    public void NoParameters_Throws() => Assert.Throws<InvalidArgumentException>(() => new Sgd(Array.Empty<Tensor>()));

    [Test]
    public void ParameterTwice_Throws()
    {
        var p = Parameter(1);
        Assert.Throws<InvalidArgumentException>(() => new Sgd([p, p]));
        Assert.Throws<InvalidArgumentException>(() => new Sgd([new ParameterGroup([p]), new ParameterGroup([p])]));
    }

    [Test]
    public void GroupOfAnotherOptimizer_Throws()
    {
        var group = new ParameterGroup([Parameter(1)]);
        _ = new Sgd([group]);
        Assert.Throws<InvalidArgumentException>(() => new Sgd([group]));
    }

    [Test]
    public void OutputOfAnOp_Throws() => Assert.Throws<InvalidArgumentException>(() => new Sgd([Ops.Relu(Parameter(1))]));

    [Test]
    public void LearningRate_NegativeOrNaN_Throws([Values(-1.0, double.NaN)] double rate) =>
        Assert.Throws<InvalidArgumentException>(() => new Adam([Parameter(1)], rate));

    [Test]
    public void Sgd_NesterovWithoutMomentum_Throws()
    {
        var p = Parameter(1);
        var optimizer = new Sgd([p], options: new SgdOptions { Nesterov = true });
        Assert.Throws<InvalidArgumentException>(() => StepWithGradient(optimizer, p, 1));
    }

    [TestCase(1.0, 0.999, 1e-8)]
    [TestCase(-0.1, 0.999, 1e-8)]
    [TestCase(0.9, 1.0, 1e-8)]
    [TestCase(0.9, 0.999, -1.0)]
    public void Adam_OptionOutside_Throws(double beta1, double beta2, double epsilon)
    {
        var p = Parameter(1);
        var optimizer = new Adam([p], options: new AdamOptions { Beta1 = beta1, Beta2 = beta2, Epsilon = epsilon });
        Assert.Throws<InvalidArgumentException>(() => StepWithGradient(optimizer, p, 1));
        Assert.That(p.ToArray<float>(), Is.EqualTo(new[] { 1f }));
    }

    [Test]
    public void Adadelta_RhoOutside_Throws()
    {
        var p = Parameter(1);
        var optimizer = new Adadelta([p], options: new AdadeltaOptions { Rho = 1.5 });
        Assert.Throws<InvalidArgumentException>(() => StepWithGradient(optimizer, p, 1));
    }

    [Test]
    public void WithoutGradient_ParameterAndItsStateStay()
    {
        var (a, b) = (Parameter(1), Parameter(1));
        var optimizer = new Adam([a, b], 0.1);
        StepWithGradient(optimizer, a, 1);
        Assert.That(b.Item<float>(), Is.EqualTo(1));
        Assert.That(optimizer.StateDictionary().Keys, Has.None.StartsWith("state.1."));

        b.Grad = Tensor.FromArray([1f]);
        optimizer.Step();
        // Its first update, as a's was: the same correction of the bias.
        Assert.That(b.Item<float>(), Is.EqualTo(0.9f).Within(1e-6));
        Assert.That(optimizer.StateDictionary()["state.1.step"].Item<long>(), Is.EqualTo(1));
    }

    [Test]
    public void Groups_HaveRatesAndDecayOfTheirOwn()
    {
        var (a, b) = (Parameter(1), Parameter(1));
        var optimizer = new Sgd(
            [new ParameterGroup([a], learningRate: 0.5), new ParameterGroup([b], weightDecay: 1)], learningRate: 0.25);
        a.Grad = Tensor.FromArray([1f]);
        StepWithGradient(optimizer, b, 1);
        Assert.That((a.Item<float>(), b.Item<float>()), Is.EqualTo((0.5f, 0.5f)));

        optimizer.LearningRate = 0;
        StepWithGradient(optimizer, b, 1);
        Assert.That((a.Item<float>(), b.Item<float>()), Is.EqualTo((0.5f, 0.5f)));
    }

    [Test]
    public void DTypes_MayDiffer()
    {
        var (a, b) = (Parameter(1), Tensor.FromArray([1.0]));
        b.RequiresGrad = true;
        var optimizer = new Sgd([a, b], 0.5);
        b.Grad = Tensor.FromArray([1.0]);
        StepWithGradient(optimizer, a, 1);
        Assert.That((a.Item<float>(), b.Item<double>()), Is.EqualTo((0.5f, 0.5)));
    }

    [Test]
    public void LoadedState_GoesOnWithTheSameBits()
    {
        var (a, b) = (Parameter(1, 2, 3), Parameter(1, 2, 3));
        var options = new AdamOptions { Amsgrad = true };
        var (first, second) = (new AdamW([a], 0.1, options), new AdamW([b], 0.7, options));
        StepWithGradient(first, a, 1, -2, 3);
        b.CopyFrom<float>(a.ToArray<float>());
        second.LoadStateDictionary(first.StateDictionary());
        Assert.That(second.LearningRate, Is.EqualTo(0.1));
        StepWithGradient(first, a, 2, 1, 0);
        StepWithGradient(second, b, 2, 1, 0);
        Assert.That(b.ToArray<float>(), Is.EqualTo(a.ToArray<float>()));
    }

    [Test]
    public void StateOfAnotherOptimizer_IsRefusedWhole()
    {
        var (a, b) = (Parameter(1), Parameter(1));
        var (sgd, adam) = (new Sgd([a], 0.1, new SgdOptions { Momentum = 0.9 }), new Adam([b], 0.2));
        StepWithGradient(sgd, a, 1);
        var error = Assert.Throws<StateDictionaryException>(() => adam.LoadStateDictionary(sgd.StateDictionary()));
        Assert.That(error!.Missing, Is.EqualTo(new[] { "state.0.first_moment", "state.0.second_moment" }));
        Assert.That(error.Unexpected, Is.EqualTo(new[] { "state.0.momentum_buffer" }));
        Assert.That((adam.LearningRate, adam.StateDictionary().Count), Is.EqualTo((0.2, 1)));
    }

    [Test]
    public void ZeroGrad_FreesWhatOnlyTheLibraryHasSeen()
    {
        var p = Parameter(1);
        var optimizer = new Sgd([p]);
        Ops.Relu(p).Backward();
        var seen = p.Grad!;
        optimizer.ZeroGrad();
        Assert.That((p.Grad, seen.Item<float>()), Is.EqualTo(((Tensor?)null, 1f)));

        Ops.Relu(p).Backward();
        var unseen = p.HeldGrad!;
        optimizer.ZeroGrad();
        Assert.That(unseen.IsDisposed);
    }

    [Test]
    public void Step_BetweenForwardAndBackward_IsNamedInTheError()
    {
        var p = Parameter(1);
        var y = Ops.CrossEntropy(p.Reshape([1, 1]), Tensor.FromArray([0L]));
        StepWithGradient(new Sgd([p], 0.5), p, 1);
        var error = Assert.Throws<AutogradException>(() => y.Backward());
        Assert.That(error!.Message, Does.Contain("Sgd"));
    }

    [Test]
    public void SteadySteps_LeaveNoManagedGarbage()
    {
        Tensor[] parameters = [.. Enumerable.Range(0, 20).Select(_ => Parameter(1, 2, 3))];
        foreach (var p in parameters)
            p.Grad = Tensor.FromArray([1f, 1f, 1f]);
        var optimizer = new Adam(parameters);
        for (var i = 0; i < 100; i++)
            optimizer.Step();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            optimizer.Step();
        Assert.That((GC.GetAllocatedBytesForCurrentThread() - before) / 100, Is.LessThan(400));
    }
}
