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
    public static IReadOnlyList<ModelKind> All { get; } =
    [
        new("tutorial-cnn", "two convolutions and two dense layers, as in the tutorials of Keras",
            Normalization.Unit, TutorialCnn.Create),
        new("linear", "one dense layer: softmax regression",
            Normalization.Unit, classes => new Sequential { new Flatten(), new Linear(classes) }),
    ];

    public static ModelKind Find(string name) =>
        All.FirstOrDefault(kind => kind.Name == name) ?? throw new ToolException(
            $"There is no model '{name}'. Models are {string.Join(", ", All.Select(kind => kind.Name))}.", ExitCode.Usage);
}
