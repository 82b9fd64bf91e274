using System.Security.Cryptography;
using System.Text.Json;
using NativeDl.Data;
using NativeDl.IO;
using NativeDl.Modules;

namespace NativeDl.Tool.Models;

/// <summary>A model with weights, and what belongs to it in its file.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Module">The layers.</param>
/// <param name="InputShape">[height, width, channels] of its images.</param>
/// <param name="ClassNames">A name for each output.</param>
internal sealed record TrainedModel(
    ModelKind Kind, Module Module, Shape InputShape, IReadOnlyList<string> ClassNames)
{
    private const string KindKey = "nativedl.model";
    private const string ShapeKey = "nativedl.input_shape";
    private const string ClassesKey = "nativedl.class_names";

    /// <summary>A new model for images like these; its first weights come from the generator in force.</summary>
    public static TrainedModel Create(ModelKind kind, ImageSet images)
    {
        var shape = ShapeOf(images);
        var module = kind.Create(images.ClassNames.Count);
        try
        {
            module.Build(shape);
        }
        catch (ShapeException e)
        {
            throw new ToolException($"The model {kind.Name} cannot take images of {Describe(shape)}: {e.Message}");
        }
        return new TrainedModel(kind, module, shape, images.ClassNames);
    }

    /// <summary>The model of a file. What the file does not say is taken from the arguments.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kindName">The model's name; null takes the file's.</param>
    /// <param name="images">Images that the model is for; null where there are none.</param>
    public static TrainedModel Load(string path, string? kindName, ImageSet? images)
    {
        if (!File.Exists(path))
            throw new ToolException($"There is no file {path}. `nativedl train` makes one.");
        using var file = Safetensors.Load(path);
        var kind = kindName is not null ? ModelKind.Find(kindName) : ReadKind(path, file);
        var shape = ReadShape(path, file) ?? (images is null ? default : ShapeOf(images));
        var classNames = ReadClassNames(path, file) ?? images?.ClassNames;
        if (shape.Rank == 0 || classNames is null)
        {
            throw new ToolException(
                $"{path} does not say what images its weights are for. Name a folder of such images with --data.");
        }
        var module = kind.Create(classNames.Count);
        try
        {
            module.Build(shape);
            module.LoadStateDictionary(file.Tensors);
        }
        catch (Exception e) when (e is ShapeException or StateDictionaryException)
        {
            throw new ToolException($"{path} has no weights of a {kind.Name} for images of {Describe(shape)} and " +
                $"{classNames.Count} classes. Name its model with --model. ({e.Message.ReplaceLineEndings(" ")})");
        }
        return new TrainedModel(kind, module, shape, classNames);
    }

    /// <summary>Images as the model takes them.</summary>
    public ImageDataset Inputs(ImageSet images) => new(images, Kind.Normalization);

    /// <summary>An error if images are of another size, or have classes that the model does not know.</summary>
    public void Require(ImageSet images, string name)
    {
        var shape = ShapeOf(images);
        if (shape != InputShape)
        {
            throw new ToolException(
                $"The weights are for images of {Describe(InputShape)}, and {name} are of {Describe(shape)}. " +
                "Name other data with --data, or train with these.");
        }
        if (images.ClassNames.Count > ClassNames.Count)
        {
            throw new ToolException(
                $"The weights know {ClassNames.Count} classes, and {name} have {images.ClassNames.Count}. " +
                "Name other data with --data, or train with these.");
        }
    }

    /// <summary>Saves the weights and returns the SHA-256 of the file's bytes.</summary>
    public string Save(string path)
    {
        Dictionary<string, string> metadata = new()
        {
            [KindKey] = Kind.Name,
            [ShapeKey] = Describe(InputShape),
            [ClassesKey] = JsonSerializer.Serialize(ClassNames),
        };
        Module.Save(path, metadata);
        // Of what was saved, not of the file: another process may have replaced it since.
        using var bytes = new MemoryStream();
        Safetensors.Save(bytes, Module.StateDictionary(), metadata);
        return Convert.ToHexStringLower(SHA256.HashData(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)));
    }

    private static Shape ShapeOf(ImageSet images) => [images.Height, images.Width, images.Channels];

    public static string Describe(Shape shape) => string.Join('x', shape.ToArray());

    private static ModelKind ReadKind(string path, WeightFile file)
    {
        if (!file.Metadata.TryGetValue(KindKey, out var name))
            throw new ToolException($"{path} does not say what model its weights are for. Name it with --model.");
        return ModelKind.All.FirstOrDefault(kind => kind.Name == name) ?? throw new ToolException(
            $"{path} has the weights of a model '{name}', which this version does not know. Use a newer one.");
    }

    private static Shape? ReadShape(string path, WeightFile file)
    {
        if (!file.Metadata.TryGetValue(ShapeKey, out var text))
            return null;
        var parts = text.Split('x');
        var dims = new long[parts.Length];
        for (var i = 0; i < dims.Length; i++)
        {
            if (!long.TryParse(parts[i], out dims[i]) || dims[i] is < 1 or > 1 << 14 || dims.Length != 3)
                throw Damaged(path, ShapeKey);
        }
        return dims;
    }

    private static IReadOnlyList<string>? ReadClassNames(string path, WeightFile file)
    {
        if (!file.Metadata.TryGetValue(ClassesKey, out var text))
            return null;
        try
        {
            if (JsonSerializer.Deserialize<string?[]>(text) is { Length: > 0 and < 1 << 16 } names && !names.Contains(null))
                return names!;
        }
        catch (JsonException)
        {
        }
        throw Damaged(path, ClassesKey);
    }

    private static ToolException Damaged(string path, string key) =>
        new($"{path} is damaged: its entry {key} is not as it should be. Train again, or get the file again.");
}
