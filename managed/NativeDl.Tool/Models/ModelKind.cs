using NativeDl.Data;
using NativeDl.Models;
using NativeDl.Modules;

namespace NativeDl.Tool.Models;

/// <summary>A model that the tool can make by name.</summary>
/// <param name="Name">What it is called on the command line and in files of weights.</param>
/// <param name="Description">What it is, for people.</param>
/// <param name="Normalization">How bytes become its inputs.</param>
/// <param name="Create">Makes one for so many classes.</param>
internal sealed record ModelKind(
    string Name, string Description, Normalization Normalization, Func<int, Module> Create)
{
    /// <summary>The mean and deviation of ImageNet's channels, with which weights of such networks are often published.</summary>
    private static Normalization OfImageNet { get; } = new()
    {
        Mean = [0.485, 0.456, 0.406],
        Std = [0.229, 0.224, 0.225],
    };

    public static IReadOnlyList<ModelKind> All { get; } =
    [
        new("tutorial-cnn", "two convolutions and two dense layers, as in the tutorials of Keras",
            Normalization.Unit, TutorialCnn.Create),
        new("linear", "one dense layer: softmax regression",
            Normalization.Unit, classes => new Sequential { new Flatten(), new Linear(classes) }),
        new("resnet20", "a residual network of 20 layers for the colour images of CIFAR-10",
            OfImageNet, classes => new ResNetCifar(depth: 20, classes)),
    ];

    public static ModelKind Find(string name) =>
        All.FirstOrDefault(kind => kind.Name == name) ?? throw new ToolException(
            $"There is no model '{name}'. Models are {string.Join(", ", All.Select(kind => kind.Name))}.", ExitCode.Usage);
}
