using NativeDl.Modules;
using NativeDl.Tests.Data;
using NUnit.Framework;

namespace NativeDl.Tests.Modules;

public sealed class ModuleTests
{
    /// <summary>What a user writes: parameters and layers in plain C#.</summary>
    private sealed class Block : Module
    {
        private readonly Conv2d _first, _second;

        public Block(int channels)
        {
            _first = Register("first", new Conv2d(channels, 3, padding: Padding.Same, activation: Activation.Relu));
            _second = Register("second", new Conv2d(channels, 3, padding: Padding.Same, bias: false));
            Scale = RegisterParameter("scale", Tensor.Ones([channels]));
            Seen = RegisterBuffer("seen", Tensor.Zeros([1], DType.I64));
        }

        public Tensor Scale { get; }

        public Tensor Seen { get; }

        public override Tensor Forward(Tensor x)
        {
            if (IsTraining)
            {
                using var seen = Seen.MapWrite<long>();
                seen.Span[0]++;
            }
            return _second.Forward(_first.Forward(x));
        }
    }

    private static Sequential Model() =>
    [
        new Conv2d(4, 3, activation: Activation.Relu),
        new MaxPool2d(2),
        new Block(4),
        new Flatten(),
        new Linear(10),
    ];

    private static readonly Shape Image = [10, 10, 1];

    private static readonly string[] Names =
    [
        "0.weight", "0.bias", "2.scale", "2.seen", "2.first.weight", "2.first.bias", "2.second.weight", "4.weight", "4.bias",
    ];

    private static Sequential Built(ulong seed = 1)
    {
        using var generator = Generator.Use(seed);
        var model = Model();
        model.Build(Image);
        return model;
    }

    private static float[] Weights(Module module) =>
        [.. module.NamedParameters().SelectMany(p => p.Parameter.ToArray<float>())];

    [Test]
    public void Names_AreThoseOfPyTorch()
    {
        var model = Built();
        Assert.That(model.StateDictionary().Keys, Is.EqualTo(Names));
        Assert.That(model.NamedParameters().Select(p => p.Name), Is.EqualTo(Names.Where(n => n != "2.seen")));
        Assert.That(model.NamedBuffers().Select(b => b.Name), Is.EqualTo(new[] { "2.seen" }));
        Assert.That(model.Parameters(), Is.All.Property(nameof(Tensor.RequiresGrad)).True);
        Assert.That(
            model.NamedModules().Select(m => m.Name), Is.EqualTo(new[] { "", "0", "1", "2", "2.first", "2.second", "3", "4" }));
    }

    [Test]
    public void Forward_BuildsLazyLayers()
    {
        var model = Model();
        Assert.That(model.IsBuilt, Is.False);
        var error = Assert.Throws<ModuleException>(() => model.Parameters());
        Assert.That(error!.Message, Does.Contain("'0'").And.Contain("Build"));
        using var y = model.Forward(Tensor.Zeros([2, 10, 10, 1]));
        Assert.That(model.IsBuilt, Is.True);
        Assert.That(y.Shape, Is.EqualTo(new Shape(2, 10)));
        Assert.That(((Conv2d)model[0]).Weight!.Shape, Is.EqualTo(new Shape(4, 3, 3, 1)));
        Assert.That(((Linear)model[4]).Weight!.Shape, Is.EqualTo(new Shape(10, 64)));
    }

    [Test]
    public void Build_TakesDTypeOfInput_AndChangesNothingElse()
    {
        var model = Model();
        model.Build(Image, DType.F64);
        Assert.That(((Linear)model[4]).Bias!.DType, Is.EqualTo(DType.F64));
        Assert.That(model.IsTraining, Is.True);
        Assert.That(((Block)model[2]).Seen.Item<long>(), Is.Zero, "built in evaluation mode");
    }

    [Test]
    public void ExplicitSizes_BuildAtOnce()
    {
        Sequential model = [new Conv2d(8, 3, inChannels: 3), new Flatten(), new Linear(2, inFeatures: 8)];
        Assert.That(model.IsBuilt, Is.True);
        Assert.That(model.Forward(Tensor.Zeros([1, 3, 3, 3])).Shape, Is.EqualTo(new Shape(1, 2)));
        var error = Assert.Throws<ShapeException>(() => model.Forward(Tensor.Zeros([1, 4, 4, 3])));
        Assert.That(error!.Message, Does.Contain("32").And.Contain("[2, 8]"));
    }

    [Test]
    public void Build_SameSeed_SameWeights()
    {
        Assert.That(Weights(Built(7)), Is.EqualTo(Weights(Built(7))));
        Assert.That(Weights(Built(7)), Is.Not.EqualTo(Weights(Built(8))));
    }

    [Test]
    public void Mode_ReachesAll_AndScopesGiveItBack()
    {
        var model = Model();
        model.Eval();
        Assert.That(model.NamedModules().Select(m => m.Module.IsTraining), Is.All.False);
        model[2].Train();
        using (model.EnterMode(training: true))
            Assert.That(model.NamedModules().Select(m => m.Module.IsTraining), Is.All.True);
        Assert.That(model.IsTraining, Is.False);
        Assert.That(model[2].IsTraining, Is.True);
    }

    [Test]
    public void Gradients_ReachAllParameters_AndZeroGradDropsThem()
    {
        Sequential model = [new Conv2d(2, 3), new Relu(), new Flatten(), new Linear(1)];
        model.Build([4, 4, 1]);
        model.Forward(Tensor.Ones([1, 4, 4, 1])).Backward();
        Assert.That(model.Parameters().Select(p => p.Grad), Is.All.Not.Null);
        model.ZeroGrad();
        Assert.That(model.Parameters().Select(p => p.Grad), Is.All.Null);
    }

    [Test]
    public void Registration_RefusesBadNamesAndCycles()
    {
        Sequential model = [];
        Assert.Throws<ModuleException>(() => model.Add("", new Relu()));
        Assert.Throws<ModuleException>(() => model.Add("a.b", new Relu()));
        model.Add("a", new Relu());
        Assert.Throws<ModuleException>(() => model.Add("a", new Relu()));
        Assert.Throws<ModuleException>(() => model.Add(model));
        Sequential outer = [model];
        Assert.Throws<ModuleException>(() => model.Add(outer));
        Assert.That(model, Has.Count.EqualTo(1));
    }

    [Test]
    public void Parameters_SharedModule_ComesOnce()
    {
        var shared = new Linear(4, inFeatures: 4);
        var model = new Sequential { { "first", shared }, { "second", shared } };
        Assert.That(model.Parameters(), Has.Count.EqualTo(2));
        Assert.That(
            model.StateDictionary().Keys,
            Is.EqualTo(new[] { "first.weight", "first.bias", "second.weight", "second.bias" }));
    }

    [Test]
    public void LoadStateDictionary_Copies()
    {
        var (from, to) = (Built(1), Built(2));
        to.LoadStateDictionary(from.StateDictionary());
        Assert.That(Weights(to), Is.EqualTo(Weights(from)));
        Assert.That(to.Parameters().Zip(from.Parameters()).Any(pair => pair.First == pair.Second), Is.False);
    }

    [Test]
    public void LoadStateDictionary_DoesNotFit_SaysAll_AndChangesNothing()
    {
        var model = Built(1);
        var before = Weights(model);
        Dictionary<string, Tensor> state = Built(2).StateDictionary().ToDictionary(pair => pair.Key, pair => pair.Value);
        state.Remove("4.bias");
        state["2.scale"] = Tensor.Ones([5]);
        state["0.bias"] = Tensor.Zeros([4], DType.F64);
        state["extra"] = Tensor.Scalar(1f);
        var error = Assert.Throws<StateDictionaryException>(() => model.LoadStateDictionary(state))!;
        Assert.That(error.Missing, Is.EqualTo(new[] { "4.bias" }));
        Assert.That(error.Unexpected, Is.EqualTo(new[] { "extra" }));
        Assert.That(error.Mismatched.Select(m => m.Name), Is.EqualTo(new[] { "0.bias", "2.scale" }));
        Assert.That(error.Message, Does.Contain("2.scale is F32 [4] in the module and F32 [5] in the state"));
        Assert.That(Weights(model), Is.EqualTo(before));
        Assert.Throws<StateDictionaryException>(() => model.LoadStateDictionary(state, strict: false), "shapes still differ");
        state.Remove("2.scale");
        state.Remove("0.bias");
        Assert.That(() => model.LoadStateDictionary(state, strict: false), Throws.Nothing);
        Assert.That(Weights(model), Is.Not.EqualTo(before));
    }

    [Test]
    public void SaveAndLoad_IntoModelThatIsNotBuilt()
    {
        using var scratch = new ScratchFolder();
        var path = Path.Combine(scratch.Path, "model.safetensors");
        var saved = Built(3);
        saved.Save(path);
        var loaded = Model();
        loaded.Load(path);
        Assert.That(loaded.IsBuilt, Is.True);
        Assert.That(Weights(loaded), Is.EqualTo(Weights(saved)));
        var x = Initializer.Normal(1).Create([2, 10, 10, 1]);
        saved.Eval();
        loaded.Eval();
        Assert.That(loaded.Forward(x).ToArray<float>(), Is.EqualTo(saved.Forward(x).ToArray<float>()));
    }

    [Test]
    public void Load_NamesMissingPartsOfModelThatIsNotBuilt()
    {
        var error = Assert.Throws<StateDictionaryException>(
            () => Model().LoadStateDictionary(new Dictionary<string, Tensor>()))!;
        Assert.That(error.Missing, Is.EquivalentTo(Names));
    }

    [Test]
    public void Summary_ListsLayersShapesAndCosts()
    {
        var summary = Model().Summary(Image);
        Assert.That(
            summary.Layers.Select(l => l.Name), Is.EqualTo(new[] { "0", "1", "2.first", "2.second", "3", "4" }));
        Assert.That(summary.Layers[0].OutputShape, Is.EqualTo(new Shape(8, 8, 4)));
        Assert.That(summary.Layers[0].Parameters, Is.EqualTo((9 * 4) + 4));
        Assert.That(summary.Layers[0].MultiplyAdds, Is.EqualTo(8 * 8 * 4 * 9));
        Assert.That(summary.Layers[^1].MultiplyAdds, Is.EqualTo(640));
        Assert.That(summary.Parameters, Is.EqualTo(40 + 4 + 148 + 144 + 650));
        Assert.That(summary.MultiplyAdds, Is.EqualTo(summary.Layers.Sum(l => l.MultiplyAdds)));
        Assert.That(summary.ToString(), Does.Contain("Conv2d(4, 3x3, Relu)").And.Contain("total"));
    }

    [Test]
    public void Forward_FreesWhatNobodyHasSeen([Values] bool recording)
    {
        Sequential model = [new Conv2d(4, 3), new Relu(), new Sequential(new MaxPool2d(2), new Flatten()), new Linear(3)];
        model.Build([8, 8, 1]);
        using var x = Tensor.Zeros([1, 8, 8, 1]);
        using var noGrad = recording ? Autograd.Record() : Autograd.NoGrad();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = NativeMemory.Read();
        using (var y = model.Forward(x))
        {
            if (!recording)
                Assert.That(NativeMemory.Read().LiveTensors, Is.EqualTo(before.LiveTensors + 1));
            else
                Assert.That(() => y.Backward(Tensor.Ones(y.Shape)), Throws.Nothing);
        }
        model.ZeroGrad();
    }

    [Test]
    public void Build_InsideScope_KeepsTheState()
    {
        Sequential model = [new Conv2d(2, 3), new BatchNorm2d(), new Dropout()];
        using (TensorScope.Enter())
            _ = model.Forward(Tensor.Ones([2, 5, 5, 1]));
        Assert.That(model.StateDictionary().Values, Is.All.Property(nameof(Tensor.IsDisposed)).False);
        using var y = model.Forward(Tensor.Ones([2, 5, 5, 1]));
        Assert.That(y.ToArray<float>(), Has.Length.EqualTo(36));
    }

    [Test]
    public void Forward_KeepsWhatAnotherModuleHasSeen()
    {
        var spy = new Spy();
        Sequential model = [new Relu(), spy, new Relu(), new Flatten()];
        var x = Tensor.Ones([1, 2, 2, 1]);
        using var y = model.Forward(x);
        Assert.That(spy.Input!.IsDisposed, Is.False);
        Assert.That(spy.Output!.IsDisposed, Is.False);
        Assert.That(x.IsDisposed, Is.False);
    }

    private sealed class Spy : Module
    {
        public Tensor? Input { get; private set; }

        public Tensor? Output { get; private set; }

        public override Tensor Forward(Tensor x)
        {
            Input = x;
            return Output = Ops.Relu(x);
        }
    }
}
