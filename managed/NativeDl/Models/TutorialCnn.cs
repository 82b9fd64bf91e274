using NativeDl.Modules;

namespace NativeDl.Models;

/// <summary>The small convolutional network of the Keras documentation: 121,930 parameters for 28x28x1 and ten classes.</summary>
public static class TutorialCnn
{
    /// <summary>A new model for images [n, h, w, c]; its outputs, [n, classes], are logits.</summary>
    /// <param name="classes">How many classes it tells apart.</param>
    public static Sequential Create(int classes = 10) => new()
    {
        new Conv2d(32, kernel: 3, activation: Activation.Relu),
        new MaxPool2d(2),
        new Conv2d(64, kernel: 3, activation: Activation.Relu),
        new MaxPool2d(2),
        new Flatten(),
        new Linear(64, activation: Activation.Relu),
        new Linear(classes),
    };
}
