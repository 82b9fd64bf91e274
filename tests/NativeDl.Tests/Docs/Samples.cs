using NativeDl.Data;
using NativeDl.Modules;
using NativeDl.Optimizers;
using NativeDl.Training;
using NUnit.Framework;

namespace NativeDl.Tests.Docs;

/// <summary>The samples of the documentation, run; <see cref="DocumentationTests"/> holds the pages against this file.</summary>
public sealed class Samples
{
    private string _folder = "", _previous = "";

    [SetUp]
    public void EnterFolder()
    {
        _folder = Directory.CreateTempSubdirectory("nativedl-samples-").FullName;
        _previous = Directory.GetCurrentDirectory();
        Directory.SetCurrentDirectory(_folder);
    }

    [TearDown]
    public void LeaveFolder()
    {
        Directory.SetCurrentDirectory(_previous);
        Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public void Readme()
    {
        var data = ImageData.GenerateDigits(train: 6_000, test: 1_000);   // or ImageData.Open("folder with MNIST")
        var model = new Sequential
        {
            new Conv2d(32, kernel: 3, activation: Activation.Relu),
            new MaxPool2d(2),
            new Conv2d(64, kernel: 3, activation: Activation.Relu),
            new MaxPool2d(2),
            new Flatten(),
            new Linear(64, activation: Activation.Relu),
            new Linear(10),
        };
        model.Fit(new ImageDataset(data.Train), new FitOptions { Epochs = 3, BatchSize = 64, Seed = 1 });
        Console.WriteLine(model.Evaluate(new ImageDataset(data.Test)));   // loss and accuracy
        model.Save("digits.safetensors");

        Assert.That(new FileInfo("digits.safetensors").Length, Is.GreaterThan(400_000));
    }

    [Test]
    public void TrainingPage()
    {
        using var images = Tensor.Zeros([2, 28, 28, 1]);
        var data = ImageData.GenerateDigits(train: 6_000, test: 1_000);
        var norm = Normalization.Measure(data.Train);
        var (train, test) = (new ImageDataset(data.Train, norm), new ImageDataset(data.Test, norm));

        using var seed = Generator.Use(seed: 42);         // the same weights in every run
        var model = new Sequential
        {
            new Conv2d(32, kernel: 3, activation: Activation.Relu),   // input channels: found from the first input
            new MaxPool2d(2),
            new Conv2d(64, kernel: 3, activation: Activation.Relu),
            new MaxPool2d(2),
            new Flatten(),
            { "classes", new Linear(10) },                            // logits: the loss has the softmax
        };
        Console.Write(model.Summary(train.InputShape));

        var history = model.Fit(train, new FitOptions
        {
            Epochs = 5,
            BatchSize = 64,
            Optimizer = parameters => new Adam(parameters, learningRate: 1e-3),
            ValidationData = test,
            Callbacks = [new EarlyStopping(patience: 2), new ModelCheckpoint("model.safetensors")],
            Progress = new Progress<FitProgress>(p => Console.Write($"\r{p.Epoch}/{p.LastEpoch} {p.Batch}/{p.Batches} {p.Loss:F4}")),
            Seed = 1,                                                 // order of the examples, dropout, split
        });
        Console.WriteLine(history);
        Console.WriteLine(model.Evaluate(test));                      // loss 0.0603, accuracy 0.9805
        long[] classes = model.PredictClasses(images);                // images [n, 28, 28, 1]; also Predict, PredictProbabilities
        model.Save("model.safetensors");

        Assert.That(classes, Has.Length.EqualTo(2));
        Assert.That(model.Evaluate(test).Loss, Is.LessThan(0.3));
    }

    [Test]
    public void ModuleOfOnesOwn()
    {
        using var x = Tensor.Ones([1, 5, 5, 3]);
        Assert.That(new Block(3).Forward(x).Shape, Is.EqualTo(x.Shape));
    }

    sealed class Block : Module
    {
        private readonly Conv2d _first, _second;

        public Block(int channels)
        {
            _first = Register("first", new Conv2d(channels, 3, padding: Padding.Same, activation: Activation.Relu));
            _second = Register("second", new Conv2d(channels, 3, padding: Padding.Same));
        }

        public override Tensor Forward(Tensor x) => Ops.Relu(x + _second.Forward(_first.Forward(x)));
    }
}
