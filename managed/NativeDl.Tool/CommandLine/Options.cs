using CommandLine;

namespace NativeDl.Tool.CommandLine;

/// <summary>Options of every verb that reads images.</summary>
internal abstract class DataOptions
{
    [Option("data", MetaValue = "DIR", HelpText =
        "Folder with the files of MNIST (or a set in its format) or of CIFAR-10. Default: the folder that NATIVEDL_DATA " +
        "names, else digits that the program draws.")]
    public string? Data { get; init; }

    [Option("samples", MetaValue = "N", HelpText =
        "Train with N images only: the first of the data, or so many drawn digits (60000) and a sixth as many to test with.")]
    public int? Samples { get; init; }

    [Option("threads", MetaValue = "N", HelpText = "CPU threads; 0, the default, takes all cores.")]
    public int Threads { get; init; }

    [Option("json", HelpText = "Print one JSON object on the last line of standard output, for programs.")]
    public bool Json { get; init; }
}

/// <summary>Options of the verbs that use weights.</summary>
internal abstract class WeightsOptions : DataOptions
{
    [Value(0, MetaName = "WEIGHTS", Required = true, HelpText = "The file of weights that `nativedl train` wrote.")]
    public string Weights { get; init; } = "";

    [Option("model", MetaValue = "NAME", HelpText = "The model, where the file of weights does not say it.")]
    public string? Model { get; init; }

    [Option("set", MetaValue = "NAME", Default = "test", HelpText = "Which images of the data: test or train.")]
    public string Set { get; init; } = "test";

    [Option("batch-size", MetaValue = "N", Default = 256, HelpText = "Images computed together.")]
    public int BatchSize { get; init; }

    [Option("html", MetaValue = "FILE", HelpText =
        "Write a page that shows the pictures, the probabilities and the mistakes, for any browser.")]
    public string? Html { get; init; }
}

[Verb("train", HelpText = "Train a model, test it and save its weights.")]
internal sealed class TrainOptions : DataOptions
{
    [Option("model", MetaValue = "NAME", Default = "tutorial-cnn", HelpText =
        "tutorial-cnn, linear or resnet20: see `nativedl info`.")]
    public string Model { get; init; } = "tutorial-cnn";

    [Option("epochs", MetaValue = "N", Default = 5, HelpText = "Passes over the training images.")]
    public int Epochs { get; init; }

    [Option("batch-size", MetaValue = "N", Default = 128, HelpText = "Images of one training step.")]
    public int BatchSize { get; init; }

    [Option("optimizer", MetaValue = "NAME", Default = "adam", HelpText = "adam, adamw, sgd or adadelta.")]
    public string Optimizer { get; init; } = "adam";

    [Option("lr", MetaValue = "RATE", HelpText =
        "Learning rate. Default: 0.001 for adam and adamw, 0.01 for sgd, 1 for adadelta.")]
    public double? LearningRate { get; init; }

    [Option("momentum", MetaValue = "M", HelpText = "Momentum of sgd; 0 by default.")]
    public double? Momentum { get; init; }

    [Option("weight-decay", MetaValue = "W", HelpText = "Weight decay; 0.01 by default for adamw, else 0.")]
    public double? WeightDecay { get; init; }

    [Option("seed", MetaValue = "N", Default = 1UL, HelpText =
        "Of the first weights and of the order of images: the same seed gives the same weights, on any number of threads.")]
    public ulong Seed { get; init; }

    [Option("output", MetaValue = "FILE", HelpText =
        "Where to save the weights (safetensors), after every epoch. Default: MODEL.safetensors in this folder.")]
    public string? Output { get; init; }
}

[Verb("evaluate", HelpText = "Measure how well weights do on data: accuracy, loss, and what is taken for what.")]
internal sealed class EvaluateOptions : WeightsOptions;

[Verb("predict", HelpText = "Show what weights make of pictures: of data, or of PGM, PPM and IDX files.")]
internal sealed class PredictOptions : WeightsOptions
{
    [Value(1, MetaName = "PICTURES", HelpText = "Picture files (PGM, PPM, or IDX of many); none takes those of the data.")]
    public IEnumerable<string> Pictures { get; init; } = [];

    [Option("invert", HelpText = "Make dark bright first: for dark digits on white paper.")]
    public bool Invert { get; init; }

    [Option("limit", MetaValue = "N", HelpText = "List only the first N pictures. Default: 20, with --json all.")]
    public int? Limit { get; init; }
}

[Verb("info", HelpText = "Show library, processor, memory, models, and the implementations of every op.")]
internal sealed class InfoOptions
{
    [Option("json", HelpText = "Print one JSON object, for programs.")]
    public bool Json { get; init; }
}

[Verb("demo", HelpText = "Train on drawn digits for a minute, then show the predictions.")]
internal sealed class DemoOptions
{
    [Option("output", MetaValue = "DIR", Default = "nativedl-demo", HelpText = "Folder for the weights and the page.")]
    public string Output { get; init; } = "nativedl-demo";

    [Option("samples", MetaValue = "N", Default = 12_000, HelpText = "Digits to train with.")]
    public int Samples { get; init; }

    [Option("epochs", MetaValue = "N", Default = 3, HelpText = "Passes over them.")]
    public int Epochs { get; init; }

    [Option("threads", MetaValue = "N", HelpText = "CPU threads; 0, the default, takes all cores.")]
    public int Threads { get; init; }

    [Option("json", HelpText = "Print one JSON object on the last line of standard output, for programs.")]
    public bool Json { get; init; }
}
