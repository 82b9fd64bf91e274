using NativeDl.Modules;
using NUnit.Framework;

namespace NativeDl.Tests.Modules;

/// <summary>Sequential runs chains of layers as the fused ops that the native library declares.</summary>
public sealed class FusionTests
{
    [Test]
    public void EveryFusedOp_HasARunner_AndItsChainIsOfOps()
    {
        Assert.That(Fusion.Known, Is.EquivalentTo(Implementations.FusedOps.Keys));
        foreach (var (fused, chain) in Implementations.FusedOps)
        {
            Assert.That(chain, Has.Count.GreaterThan(1), fused);
            foreach (var op in chain)
                Assert.That(Implementations.Passes, Contains.Item($"{op}_forward"), fused);
        }
    }

    [TestCase(3, 1, 2, Activation.Relu)]
    [TestCase(3, 1, 2, Activation.None)]
    [TestCase(5, 2, 2, Activation.Relu)]
    [TestCase(1, 1, 3, Activation.None)]
    public void Conv2dAndMaxPool2d_FusedAndNot_AgreeInValuesAndGradients(int kernel, int stride, int pool, Activation activation)
    {
        var x = Normal([3, 15, 17, 3]);
        var (fused, fusedGradients) = Run(fuse: true);
        var (apart, apartGradients) = Run(fuse: false);
        Assert.That(fused, Is.EqualTo(apart).Within(1e-12));
        Assert.That(fusedGradients, Is.EqualTo(apartGradients).Within(1e-10));
        Assert.That(fusedGradients.SelectMany(g => g), Has.Some.Not.Zero);

        (double[] Y, double[][] Gradients) Run(bool fuse)
        {
            var model = new Sequential
            {
                new Conv2d(8, kernel, stride, Padding.Same, activation: activation, weightInitializer: Initializer.GlorotUniform),
                new MaxPool2d(pool),
            };
            using (ExecutionOptions.Use(ExecutionOptions.Default with { Fuse = fuse }))
            {
                using var input = x.Clone();
                input.RequiresGrad = true;
                using (Generator.Use(5))
                    model.Forward(input).Dispose();
                Assert.That(RunsFused(model, input), Is.EqualTo(fuse));
                var y = model.Forward(input);
                (y * y).Sum().Backward();
                var gradients = model.Parameters().Select(p => p.Grad!.ToArray<double>()).Append(input.Grad!.ToArray<double>());
                return (y.ToArray<double>(), [.. gradients]);
            }
        }
    }

    [Test]
    public void SettingsThatTheFusedOpDoesNotTake_RunLayerByLayer()
    {
        var x = Normal([1, 12, 12, 4]);
        var conv = new Conv2d(4, 3);
        Assert.That(RunsFused(new Sequential { conv, new MaxPool2d(2) }, x), Is.True);
        Assert.That(RunsFused(new Sequential { conv, new MaxPool2d(3, stride: 2) }, x), Is.False, "windows overlap");
        Assert.That(RunsFused(new Sequential { conv, new MaxPool2d(2, padding: 1) }, x), Is.False, "padded pooling");
        Assert.That(RunsFused(new Sequential { conv, new Relu(), new MaxPool2d(2) }, x), Is.False, "a layer between");
        Assert.That(RunsFused(new Sequential { new Conv2d(4, 3, groups: 2), new MaxPool2d(2) }, x), Is.False, "groups");
        using (ExecutionOptions.Use(ExecutionOptions.Default.WithImplementation("conv2d_backward_weight", "cpu:ref")))
            Assert.That(RunsFused(new Sequential { conv, new MaxPool2d(2) }, x), Is.False, "an implementation fixed by name");
    }

    [Test]
    public void Summary_StillSeesEveryLayer()
    {
        var model = new Sequential { new Conv2d(4, 3), new MaxPool2d(2) };
        var text = model.Summary([12, 12, 4]).ToString();
        Assert.That(text, Does.Contain("Conv2d").And.Contain("MaxPool2d"));
    }

    [Test]
    public void WindowLargerThanTheImage_IsAShapeError_NamingBoth()
    {
        var model = new Sequential { new Conv2d(4, 3), new MaxPool2d(4) };
        var error = Assert.Throws<ShapeException>(() => model.Forward(Normal([1, 5, 5, 2])));
        Assert.That(error!.Message, Does.Contain("3 x 3 pixels").And.Contain("4 x 4"));
    }

    [Test]
    public void Groups_AreRefused_NamingTheWayRound()
    {
        var options = new Conv2dMaxPool2dOptions { Conv2d = new() { Groups = 2 } };
        var error = Assert.Throws<InvalidArgumentException>(
            () => Ops.Conv2dMaxPool2d(Normal([1, 6, 6, 4]), Normal([4, 3, 3, 2]), null, options));
        Assert.That(error!.Message, Does.Contain("Groups is 2").And.Contain("Use Conv2d and MaxPool2d"));
    }

    // Fixed to a kernel that takes no f64, the fused op refuses; other ops do not mind.
    private static bool RunsFused(Sequential model, Tensor x)
    {
        const string Pass = "conv2d_max_pool2d_forward";
        var kernel = Implementations.Of(Pass).First(i => i.Obstacle is null && i.Name != "cpu:ref").Name;
        using (ExecutionOptions.Use(ExecutionOptions.Current.WithImplementation(Pass, kernel)))
        {
            try
            {
                model.Forward(x).Dispose();
                return false;
            }
            catch (UnsupportedException)
            {
                return true;
            }
        }
    }

    private static Tensor Normal(long[] dims)
    {
        var random = new Random(3);
        var values = new double[dims.Aggregate(1L, (product, dim) => product * dim)];
        for (var i = 0; i < values.Length; i++)
            values[i] = (random.NextDouble() * 2) - 1;
        return Tensor.FromSpan<double>(values, dims);
    }
}
