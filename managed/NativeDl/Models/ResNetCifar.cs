using NativeDl.Modules;

namespace NativeDl.Models;

/// <summary>
/// The residual networks of He and others for CIFAR-10: 6n + 2 layers with weights, three stages of 16, 32 and 64
/// channels, and shortcuts without parameters. Names of parameters are those of common PyTorch code
/// ("layer2.0.conv1.weight"). <c>new ResNetCifar()</c> is ResNet-20: 269,722 parameters.
/// </summary>
public sealed class ResNetCifar : Module
{
    private const int FirstChannels = 16;

    private readonly Conv2d _conv1;
    private readonly BatchNorm2d _bn1;
    private readonly Sequential[] _stages;
    private readonly GlobalAvgPool2d _pool;
    private readonly Linear _linear;

    /// <summary>Makes the network for images [n, h, w, 3]; its outputs, [n, classes], are logits.</summary>
    /// <param name="depth">20, 32, 44, 56, or another 6n + 2.</param>
    /// <param name="classes">How many classes it tells apart.</param>
    /// <exception cref="InvalidArgumentException">The depth is not 6n + 2.</exception>
    public ResNetCifar(int depth = 20, int classes = 10)
    {
        var (blocks, rest) = Math.DivRem(depth - 2, 6);
        if (rest != 0 || blocks < 1)
            throw new InvalidArgumentException($"ResNetCifar: depth is {depth}. It must be 6n + 2: 20, 32, 44, 56, and so on.");
        _conv1 = Register("conv1", Convolution(3, FirstChannels, stride: 1));
        _bn1 = Register("bn1", new BatchNorm2d(activation: Activation.Relu, channels: FirstChannels));
        _stages =
        [
            Register("layer1", Stage(blocks, FirstChannels, FirstChannels, stride: 1)),
            Register("layer2", Stage(blocks, FirstChannels, 2 * FirstChannels, stride: 2)),
            Register("layer3", Stage(blocks, 2 * FirstChannels, 4 * FirstChannels, stride: 2)),
        ];
        _pool = new GlobalAvgPool2d();
        _linear = Register("linear", new Linear(
            classes, inFeatures: 4 * FirstChannels, weightInitializer: Initializer.KaimingNormal()));
    }

    /// <summary>x [n, h, w, 3]; returns logits [n, classes].</summary>
    public override Tensor Forward(Tensor x)
    {
        var y = _bn1.Forward(_conv1.Forward(x));
        foreach (var stage in _stages)
            y = stage.Forward(y);
        return _linear.Forward(_pool.Forward(y).Flatten(1));
    }

    private static Conv2d Convolution(int inChannels, int outChannels, int stride) => new(
        outChannels, kernel: 3, stride, padding: 1, bias: false, inChannels: inChannels,
        weightInitializer: Initializer.KaimingNormal());

    private static Sequential Stage(int blocks, int inChannels, int outChannels, int stride)
    {
        Sequential stage = [new Block(inChannels, outChannels, stride)];
        for (var i = 1; i < blocks; i++)
            stage.Add(new Block(outChannels, outChannels, stride: 1));
        return stage;
    }

    /// <summary>relu(two convolutions of x + x).</summary>
    private sealed class Block : Module
    {
        private readonly Conv2d _conv1, _conv2;
        private readonly BatchNorm2d _bn1, _bn2;
        private readonly int _newChannels, _stride;

        public Block(int inChannels, int outChannels, int stride)
        {
            _conv1 = Register("conv1", Convolution(inChannels, outChannels, stride));
            _bn1 = Register("bn1", new BatchNorm2d(activation: Activation.Relu, channels: outChannels));
            _conv2 = Register("conv2", Convolution(outChannels, outChannels, stride: 1));
            _bn2 = Register("bn2", new BatchNorm2d(channels: outChannels));
            (_newChannels, _stride) = (outChannels - inChannels, stride);
        }

        public override Tensor Forward(Tensor x)
        {
            var y = _bn1.Forward(_conv1.Forward(x));
            return Ops.Relu(_bn2.Forward(_conv2.Forward(y)) + Shortcut(x));
        }

        /// <summary>x itself, or every other pixel of it with channels of zeros on both sides: "option A" of the paper.</summary>
        private Tensor Shortcut(Tensor x)
        {
            if (_newChannels == 0)
                return x;
            var thinned = Ops.Slice(x, [0, 0, 0, 0], x.Shape.Dims, [1, _stride, _stride, 1]);
            return Ops.Pad(thinned, [0, 0, 0, _newChannels / 2], [0, 0, 0, _newChannels - (_newChannels / 2)]);
        }
    }
}
