using NativeDl.Modules;
using NativeDl.Training;
using NUnit.Framework;

namespace NativeDl.Tests.Modules;

public sealed class LayerTests
{
    private static Tensor Images(int n, int h, int w, int c)
    {
        using var generator = Generator.Use(9);
        return Initializer.Normal(1).Create([n, h, w, c]);
    }

    [TestCase(1, 3, 1, 7)]
    [TestCase(2, 3, 1, 4)]
    [TestCase(3, 2, 1, 3)]
    [TestCase(1, 3, 2, 7)]
    [TestCase(2, 4, 1, 4)]
    [TestCase(4, 1, 1, 2)]
    public void Padding_Same_DividesByTheStride(int stride, int kernel, int dilation, int expected)
    {
        var layer = new Conv2d(2, kernel, stride, Padding.Same, dilation);
        Assert.That(layer.Forward(Images(1, 7, 7, 1)).Shape, Is.EqualTo(new Shape(1, expected, expected, 2)));
    }

    [Test]
    public void Padding_Same_PutsTheOddOneBelowAndRight()
    {
        // Keras: 4 in, kernel 3, stride 2: 1 row in all, below.
        var sides = Padding.Same.For([1, 4, 5, 1], 3, 2, 1);
        Assert.That((sides.Top, sides.Bottom, sides.Left, sides.Right), Is.EqualTo((0, 1, 1, 1)));
    }

    [Test]
    public void Conv2d_UsesEverythingItIsGiven()
    {
        var layer = new Conv2d(
            6, (3, 2), stride: (2, 1), padding: new Padding(1, 0, 2, 1), dilation: (1, 2), groups: 2,
            activation: Activation.Relu, inChannels: 4);
        var x = Images(2, 8, 9, 4);
        var expected = Ops.Conv2d(x, layer.Weight!, layer.Bias, new Conv2dOptions
        {
            StrideH = 2, StrideW = 1, PadTop = 1, PadBottom = 0, PadLeft = 2, PadRight = 1, DilationH = 1, DilationW = 2,
            Groups = 2, Activation = Activation.Relu,
        });
        Assert.That(layer.Weight!.Shape, Is.EqualTo(new Shape(6, 3, 2, 2)));
        Assert.That(layer.Forward(x).ToArray<float>(), Is.EqualTo(expected.ToArray<float>()));
    }

    [Test]
    public void Layers_RefuseBadNumbers()
    {
        Assert.Throws<InvalidArgumentException>(() => _ = new Conv2d(0, 3));
        Assert.Throws<InvalidArgumentException>(() => _ = new Conv2d(1, (3, 0)));
        Assert.Throws<InvalidArgumentException>(() => _ = new Conv2d(1, 3, stride: 0));
        Assert.Throws<InvalidArgumentException>(() => _ = new Conv2d(3, 3, groups: 2, inChannels: 2));
        Assert.Throws<InvalidArgumentException>(() => _ = new Padding(0, -1, 0, 0));
        Assert.Throws<InvalidArgumentException>(() => _ = new Linear(0));
        Assert.Throws<InvalidArgumentException>(() => _ = new MaxPool2d(0));
        Assert.Throws<InvalidArgumentException>(() => _ = new BatchNorm2d(momentum: 2));
        Assert.Throws<InvalidArgumentException>(() => _ = new BatchNorm2d(epsilon: 0));
    }

    [Test]
    public void Pools_AreTheOps()
    {
        var x = Images(2, 6, 6, 3);
        Assert.That(
            new MaxPool2d(3, 2, 1).Forward(x).ToArray<float>(),
            Is.EqualTo(Ops.MaxPool2d(x, new MaxPool2dOptions(3, 2) { Padding = 1 }).ToArray<float>()));
        Assert.That(
            new AvgPool2d(3, 2, 1, countPadding: false).Forward(x).ToArray<float>(),
            Is.EqualTo(Ops.AvgPool2d(x, new AvgPool2dOptions(3, 2) { Padding = 1, CountIncludePad = false }).ToArray<float>()));
        Assert.That(new GlobalAvgPool2d().Forward(x).Shape, Is.EqualTo(new Shape(2, 3)));
    }

    [Test]
    public void BatchNorm2d_RemembersInTraining_AndUsesItInEvaluation()
    {
        var layer = new BatchNorm2d(momentum: null);
        var x = Images(4, 5, 5, 2) * 3.0 + 1.0;
        var trained = layer.Forward(x);
        Assert.That(layer.StateDictionary().Keys, Is.EqualTo(layer.StateNames));
        Assert.That(layer.StateDictionary()["num_batches_tracked"].Item<long>(), Is.EqualTo(1));
        Assert.That(layer.RunningMean!.ToArray<float>(), Is.All.EqualTo(1f).Within(1f));
        layer.Eval();
        var evaluated = layer.Forward(x).ToArray<float>();
        Assert.That(layer.StateDictionary()["num_batches_tracked"].Item<long>(), Is.EqualTo(1));
        Assert.That(evaluated, Is.EqualTo(trained.ToArray<float>()).Within(0.05));

        var loaded = new BatchNorm2d();
        loaded.LoadStateDictionary(layer.StateDictionary());
        loaded.Eval();
        Assert.That(loaded.Forward(x).ToArray<float>(), Is.EqualTo(evaluated));
    }

    [Test]
    public void Residual_AddsWhatGoesAround()
    {
        var x = Images(1, 4, 4, 2);
        var inner = new Conv2d(2, 3, padding: Padding.Same);
        var model = new Residual(inner, activation: Activation.Relu);
        var expected = Ops.Relu(Ops.Add(inner.Forward(x), x)).ToArray<float>();
        Assert.That(model.Forward(x).ToArray<float>(), Is.EqualTo(expected));
        Assert.That(model.StateDictionary().Keys, Is.EqualTo(new[] { "main.weight", "main.bias" }));
        Assert.That(new Residual(new Flatten(), new Flatten()).Forward(x).Shape, Is.EqualTo(new Shape(1, 32)));
    }

    [Test]
    public void Activations_AreTheOps()
    {
        var x = Images(1, 3, 3, 2);
        Assert.That(new Sigmoid().Forward(x).ToArray<float>(), Is.EqualTo(Ops.Sigmoid(x).ToArray<float>()));
        Assert.That(new Tanh().Forward(x).ToArray<float>(), Is.EqualTo(Ops.Tanh(x).ToArray<float>()));
        Assert.That(new Softmax().Forward(x).ToArray<float>(), Is.EqualTo(Ops.Softmax(x).ToArray<float>()));
        Assert.That(new LogSoftmax(1).Forward(x).ToArray<float>(), Is.EqualTo(Ops.LogSoftmax(x, 1).ToArray<float>()));
        Assert.That(new Relu().Forward(x).ToArray<float>(), Is.EqualTo(Ops.Relu(x).ToArray<float>()));
    }

    [Test]
    public void Dropout_DropsInTrainingAlone()
    {
        var x = Tensor.Ones([1000]);
        var layer = new Dropout(0.25);
        using (Generator.Use(3))
        {
            var y = layer.Forward(x).ToArray<float>();
            Assert.That(y.Count(v => v == 0), Is.InRange(200, 300));
            Assert.That(y.Where(v => v != 0), Is.All.EqualTo(1 / 0.75f).Within(1e-6));
        }
        layer.Eval();
        Assert.That(layer.Forward(x), Is.SameAs(x));
        Assert.Throws<InvalidArgumentException>(() => _ = new Dropout(1.5));
    }

    [Test]
    public void Sequential_LayerThatGivesBackItsInput_FreesNothingInUse()
    {
        Sequential model = [new Dropout(), new Relu(), new Dropout(), new Dropout(), new Flatten(), new Dropout()];
        model.Eval();
        var x = Images(1, 2, 2, 1);
        var y = model.Forward(x);
        Assert.That(y.FlattenedLength, Is.EqualTo(4));
        Assert.That(y.ToArray<float>(), Has.Length.EqualTo(4));
        Assert.That(x.IsDisposed, Is.False);
        Sequential nothing = [new Dropout()];
        nothing.Eval();
        Assert.That(nothing.Predict(x).ToArray<float>(), Is.EqualTo(x.ToArray<float>()));
        Assert.That(x.IsDisposed, Is.False);
    }
}
