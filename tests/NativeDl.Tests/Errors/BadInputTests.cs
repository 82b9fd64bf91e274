using NUnit.Framework;

namespace NativeDl.Tests.Errors;

/// <summary>A bad argument is a typed error that says what is wrong, both shapes and the fix; nothing is harmed.</summary>
public sealed class BadInputTests
{
    private static readonly Tensor X = Tensor.Ones([2, 5, 5, 4]);
    private static readonly Tensor Weight = Tensor.Ones([6, 3, 3, 4]);

    [Test]
    public void Conv2d_WrongRank_Throws()
    {
        var error = Assert.Throws<ShapeException>(() => Ops.Conv2d(Tensor.Ones([5, 5, 4]), Weight));
        Assert.That(error!.Message, Does.Contain("conv2d").And.Contain("[5, 5, 4]"));
        Assert.Throws<ShapeException>(() => Ops.Conv2d(X, Tensor.Ones([6, 3, 4])));
        Assert.Throws<ShapeException>(() => Ops.Conv2d(X, Weight, Tensor.Ones([6, 1])));
    }

    [Test]
    public void Conv2d_ChannelsDiffer_Throws()
    {
        var error = Assert.Throws<ShapeException>(() => Ops.Conv2d(X, Tensor.Ones([6, 3, 3, 5])));
        Assert.That(error!.Message, Does.Contain("[2, 5, 5, 4]").And.Contain("[6, 3, 3, 5]"));
    }

    [Test]
    public void Conv2d_BiasOfOtherLength_Throws() =>
        Assert.Throws<ShapeException>(() => Ops.Conv2d(X, Weight, Tensor.Ones([5])));

    [Test]
    public void Conv2d_ResidualOfOtherShape_Throws() =>
        Assert.Throws<ShapeException>(() => Ops.Conv2d(X, Weight, residual: Tensor.Ones([2, 5, 5, 6])));

    [TestCase(3)]
    [TestCase(0)]
    [TestCase(-1)]
    [TestCase(int.MaxValue)]
    public void Conv2d_GroupsThatDoNotDivide_Throws(int groups) => Assert.That(
        () => Ops.Conv2d(X, Weight, options: new() { Groups = groups }),
        Throws.InstanceOf<ShapeException>().Or.InstanceOf<InvalidArgumentException>());

    [TestCase(0)]
    [TestCase(-1)]
    public void Conv2d_StrideOrDilationBelowOne_Throws(int value)
    {
        var error = Assert.Throws<InvalidArgumentException>(() => Ops.Conv2d(X, Weight, options: new() { StrideH = value }));
        Assert.That(error!.Message, Does.Contain("stride").And.Contain($"{value}"));
        Assert.Throws<InvalidArgumentException>(() => Ops.Conv2d(X, Weight, options: new() { DilationW = value }));
    }

    [Test]
    public void Conv2d_NegativePadding_Throws() =>
        Assert.Throws<InvalidArgumentException>(() => Ops.Conv2d(X, Weight, options: new() { PadLeft = -1 }));

    [Test]
    public void Conv2d_KernelLargerThanPaddedImage_Throws()
    {
        Assert.Throws<ShapeException>(() => Ops.Conv2d(X, Tensor.Ones([6, 6, 3, 4])));
        Assert.Throws<ShapeException>(() => Ops.Conv2d(X, Weight, options: new() { Dilation = 3 }));
        Assert.Throws<ShapeException>(() => Ops.Conv2d(Tensor.Ones([2, 0, 5, 4]), Weight));
    }

    [Test]
    public void Conv2d_HugeOptions_AreRefusedWithoutOverflow() => Assert.That(
        () => Ops.Conv2d(X, Weight, options: new() { Padding = int.MaxValue }),
        Throws.InstanceOf<NativeDlException>());

    [Test]
    public void Conv2d_EmptyBatch_IsAllowed()
    {
        var x = Tensor.Ones([0, 5, 5, 4]);
        var weight = Weight.Clone();
        x.RequiresGrad = weight.RequiresGrad = true;
        var y = Ops.Conv2d(x, weight);
        Assert.That(y.Shape, Is.EqualTo(new Shape(0, 3, 3, 6)));
        y.Backward(Tensor.Ones(y.Shape));
        Assert.That(x.Grad!.Shape, Is.EqualTo(x.Shape));
        Assert.That(weight.Grad!.ToArray<float>(), Is.All.EqualTo(0f));
    }

    [Test]
    public void Conv2d_DTypesDiffer_Throws()
    {
        var error = Assert.Throws<DTypeException>(() => Ops.Conv2d(X, Tensor.Ones([6, 3, 3, 4], DType.F64)));
        Assert.That(error!.Message, Does.Contain("f32").And.Contain("f64"));
        Assert.Throws<DTypeException>(() => Ops.Conv2d(Tensor.Ones([2, 5, 5, 4], DType.I32), Weight));
    }

    [Test]
    public void Conv2d_BadActivation_Throws() => Assert.Throws<InvalidArgumentException>(
        () => Ops.Conv2d(X, Weight, options: new() { Activation = (Activation)99 }));

    [Test]
    public void MaxPool2d_BadWindows_Throw()
    {
        Assert.Multiple(() =>
        {
            Assert.Throws<ShapeException>(() => Ops.MaxPool2d(Tensor.Ones([5, 5, 4])));
            Assert.Throws<ShapeException>(() => Ops.MaxPool2d(X, new(6)));
            Assert.Throws<InvalidArgumentException>(() => Ops.MaxPool2d(X, new(0, stride: 1)));
            Assert.Throws<InvalidArgumentException>(() => Ops.AvgPool2d(X, new(0, stride: 1)));
            Assert.Throws<InvalidArgumentException>(() => Ops.MaxPool2d(X, new(2, stride: 0)));
            Assert.Throws<InvalidArgumentException>(() => Ops.MaxPool2d(X, new(2) { Dilation = 0 }));
            Assert.Throws<InvalidArgumentException>(() => Ops.MaxPool2d(X, new(3) { Padding = 2 }));
            Assert.Throws<DTypeException>(() => Ops.MaxPool2d(Tensor.Ones([2, 5, 5, 4], DType.U8)));
        });
    }

    [Test]
    public void MaxPool2d_WindowThatStepsOverTheImage_Throws()
    {
        // Taps at columns -1 and 1 of an image with column 0 alone.
        var options = new MaxPool2dOptions(2) { DilationW = 2, PadLeft = 1, PadRight = 1 };
        var error = Assert.Throws<ShapeException>(() => Ops.MaxPool2d(Tensor.Ones([1, 3, 1, 1]), options));
        Assert.That(error!.Message, Does.Contain("width 1").And.Contain("dilation of 2"));
    }

    [Test]
    public void MaxPool2dBackward_ForeignArgmax_Throws_AndDoesNotWriteOutside()
    {
        var dy = Tensor.Ones([1, 1, 1, 1]);
        foreach (var position in new[] { -1, 4, int.MaxValue, int.MinValue })
        {
            Assert.Throws<DataException>(() => Native.MaxPool2dBackward(
                dy, Tensor.FromArray([position], [1, 1, 1, 1]), [1, 2, 2, 1], MaxPool2dOptions.Default));
        }
    }

    [Test]
    public void MaxPool2dBackward_ForeignPlaceInTheWindow_Throws()
    {
        // A window of 2x2 with only its last element inside the image; then windows that overlap.
        var options = new MaxPool2dOptions(2) { Padding = 1, ArgmaxInWindow = true };
        foreach (byte place in new byte[] { 0, 1, 2, 4, 255 })
        {
            var argmax = Tensor.FromArray([place, (byte)2, (byte)1, (byte)0], [1, 2, 2, 1]);
            Assert.Throws<DataException>(() => Native.MaxPool2dBackward(Tensor.Ones([1, 2, 2, 1]), argmax, [1, 2, 2, 1], options));
        }
        var overlapping = new MaxPool2dOptions(2, stride: 1) { ArgmaxInWindow = true };
        Assert.Throws<DataException>(() => Native.MaxPool2dBackward(
            Tensor.Ones([1, 1, 2, 1]), Tensor.FromArray([(byte)1, (byte)4], [1, 1, 2, 1]), [1, 2, 3, 1], overlapping));
    }

    [Test]
    public void MaxPool2d_PlacesInTooLargeAWindow_Throws()
    {
        var error = Assert.Throws<InvalidArgumentException>(
            () => Ops.MaxPool2dWithIndices(Tensor.Ones([1, 20, 20, 1]), new MaxPool2dOptions(17) { ArgmaxInWindow = true }));
        Assert.That(error!.Message, Does.Contain("at most 256").And.Contain("17 x 17"));
    }

    [Test]
    public void MaxPool2d_LargeWindow_HasAGradient()
    {
        var x = Tensor.FromArray(Enumerable.Range(0, 400).Select(i => (float)i).ToArray(), [1, 20, 20, 1]);
        x.RequiresGrad = true;
        Ops.MaxPool2d(x, new MaxPool2dOptions(17)).Sum().Backward();
        Assert.That(x.Grad!.ToArray<float>()[(16 * 20) + 16], Is.EqualTo(1));
    }

    [Test]
    public void Relu_Integers_Throws() => Assert.Throws<DTypeException>(() => Ops.Relu(Tensor.Ones([3], DType.I32)));

    [Test]
    public void Cuda_WithoutDevice_Throws()
    {
        if (Machine.CudaDevices > 0)
            Assert.Ignore("there is one");
        Assert.Throws<DeviceException>(() => Tensor.Zeros([3], device: Device.Cuda()));
    }

    [Test]
    public void Device_ThatCannotBe_Throws()
    {
        Assert.That(() => Tensor.Zeros([3], device: new Device(DeviceType.Cpu, 7)), Throws.InstanceOf<NativeDlException>());
        Assert.That(() => Tensor.Zeros([3], device: new Device((DeviceType)9)), Throws.InstanceOf<NativeDlException>());
        Assert.That(() => Tensor.Empty([3], (DType)99), Throws.InstanceOf<NativeDlException>());
    }
}
