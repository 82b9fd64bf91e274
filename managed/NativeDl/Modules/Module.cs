using System.Diagnostics.CodeAnalysis;

namespace NativeDl.Modules;

/// <summary>
/// A part of a model: parameters, buffers and modules inside it, under names of its own, and how an output is computed
/// from them. A module of one's own is plain C#:
/// <code>
/// sealed class Block : Module
/// {
///     private readonly Conv2d _first, _second;
///
///     public Block(int channels)
///     {
///         _first = Register("first", new Conv2d(channels, 3, padding: Padding.Same, activation: Activation.Relu));
///         _second = Register("second", new Conv2d(channels, 3, padding: Padding.Same));
///     }
///
///     public override Tensor Forward(Tensor x) => Ops.Relu(Ops.Add(x, _second.Forward(_first.Forward(x))));
/// }
/// </code>
/// Names of parts join with dots, as in PyTorch: "layer1.0.conv1.weight". Several threads may call
/// <see cref="Forward"/> of a module that is not training; changing it, loading included, must not run beside anything
/// else.
/// </summary>
public abstract partial class Module
{
    private readonly OrderedDictionary<string, Tensor> _parameters = [];
    private readonly OrderedDictionary<string, Tensor> _buffers = [];
    private readonly OrderedDictionary<string, Module> _children = [];

    /// <summary>Whether the module is in training mode, as it is at first: dropout drops, batch norm takes the batch's
    /// statistics.</summary>
    public bool IsTraining { get; private set; } = true;

    /// <summary>
    /// Whether all parameters are there. A layer that was not told its input's size makes them at the first
    /// <see cref="Forward"/>, in <see cref="Build"/>, or when weights are loaded.
    /// </summary>
    public virtual bool IsBuilt
    {
        get
        {
            foreach (var (_, child) in _children)
            {
                if (!child.IsBuilt)
                    return false;
            }
            return true;
        }
    }

    /// <summary>The output for an input whose first dimension is the batch.</summary>
    public abstract Tensor Forward(Tensor x);

    /// <summary>Goes to training mode, with all modules inside; <c>Train(false)</c> is <see cref="Eval"/>.</summary>
    public void Train(bool training = true)
    {
        foreach (var (_, module) in NamedModules())
            module.IsTraining = training;
    }

    /// <summary>Goes to evaluation mode, with all modules inside.</summary>
    public void Eval() => Train(false);

    /// <summary>
    /// Makes the parameters that wait for the size of their input, and checks that the layers fit each other, by a
    /// forward pass over one example of zeros.
    /// </summary>
    /// <param name="inputShape">The shape of one input, without the batch: [28, 28, 1].</param>
    /// <param name="dtype">The dtype of the inputs, which that of the parameters follows.</param>
    /// <param name="device">Where the inputs, and the parameters, will be.</param>
    public void Build(Shape inputShape, DType dtype = DType.F32, Device device = default)
    {
        using var mode = EnterMode(training: false);
        using var noGrad = Autograd.NoGrad();
        using var x = Tensor.Zeros([1, .. inputShape.Dims], dtype, device);
        Forward(x).Dispose();
    }

    /// <summary>
    /// The layers in the order they run, with output shapes, parameters and multiply-adds; builds the model too.
    /// </summary>
    /// <param name="inputShape">The shape of one input, without the batch: [28, 28, 1].</param>
    public ModelSummary Summary(Shape inputShape) => ModelSummary.Of(this, inputShape);

    /// <summary>The name of its type, as summaries show it.</summary>
    public override string ToString() => GetType().Name;

    /// <summary>The modules inside this one, not those inside them, in the order they were registered.</summary>
    public IEnumerable<(string Name, Module Module)> NamedChildren()
    {
        foreach (var (name, child) in _children)
            yield return (name, child);
    }

    /// <summary>This module, named "", and all inside it at any depth, each after the one that has it.</summary>
    public IEnumerable<(string Name, Module Module)> NamedModules() => Walk("");

    /// <summary>
    /// All parameters with their names. One that is registered in two places comes once, under its first name.
    /// </summary>
    /// <exception cref="ModuleException">Some are not made yet: see <see cref="Build"/>.</exception>
    public IEnumerable<(string Name, Tensor Parameter)> NamedParameters()
    {
        RequireBuilt();
        HashSet<Tensor> seen = [];
        foreach (var (path, module) in NamedModules())
        {
            foreach (var (name, parameter) in module._parameters)
            {
                if (seen.Add(parameter))
                    yield return (Join(path, name), parameter);
            }
        }
    }

    /// <summary>All parameters, each once.</summary>
    /// <exception cref="ModuleException">Some are not made yet: see <see cref="Build"/>.</exception>
    public IReadOnlyList<Tensor> Parameters() => [.. NamedParameters().Select(p => p.Parameter)];

    /// <summary>All buffers with their names: what belongs to the state, and no gradient flows to.</summary>
    /// <exception cref="ModuleException">Some are not made yet: see <see cref="Build"/>.</exception>
    public IEnumerable<(string Name, Tensor Buffer)> NamedBuffers()
    {
        RequireBuilt();
        foreach (var (path, module) in NamedModules())
        {
            foreach (var (name, buffer) in module._buffers)
                yield return (Join(path, name), buffer);
        }
    }

    /// <summary>Sets the gradients of all parameters to none.</summary>
    public void ZeroGrad()
    {
        foreach (var parameter in Parameters())
            parameter.ReleaseGrad();
    }

    /// <summary>Registers a parameter: a leaf to which gradients flow, trained, saved and loaded.</summary>
    /// <returns>The tensor, to keep in a field.</returns>
    /// <exception cref="ModuleException">The name is empty, has a dot, or is taken.</exception>
    protected Tensor RegisterParameter(string name, Tensor parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        RequireFree(name);
        parameter.RequiresGrad = true;
        TensorScope.Release(parameter);
        _parameters.Add(name, parameter);
        return parameter;
    }

    /// <summary>Registers a buffer: saved and loaded with the parameters, but not trained.</summary>
    /// <returns>The tensor, to keep in a field.</returns>
    /// <exception cref="ModuleException">The name is empty, has a dot, or is taken.</exception>
    protected Tensor RegisterBuffer(string name, Tensor buffer)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        RequireFree(name);
        TensorScope.Release(buffer);
        _buffers.Add(name, buffer);
        return buffer;
    }

    /// <summary>Registers a module inside this one.</summary>
    /// <returns>The module, to keep in a field.</returns>
    /// <exception cref="ModuleException">The name is empty, has a dot, or is taken; or the module has this one inside
    /// it.</exception>
    protected T Register<T>(string name, T module) where T : Module
    {
        ArgumentNullException.ThrowIfNull(module);
        RequireFree(name);
        if (module.NamedModules().Any(inner => inner.Module == this))
            throw new ModuleException($"{GetType().Name} cannot have '{name}' inside it: that one has this one inside it.");
        _children.Add(name, module);
        return module;
    }

    /// <summary>Whether outputs and inputs are forgotten after <see cref="Forward"/>, so that the caller may free them.
    /// Not so for modules of others, which may keep what they see.</summary>
    private protected virtual bool KeepsNothing => false;

    /// <summary>Whether a caller may free what it passes to a module, or what the module gives it.</summary>
    internal static bool Forgets(Module module) => module.KeepsNothing;

    /// <summary>Changes the mode of all modules until the scope is disposed, which gives each its own mode back.</summary>
    internal ModeScope EnterMode(bool training) => new(this, training);

    internal static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    private IEnumerable<(string Name, Module Module)> Walk(string path)
    {
        yield return (path, this);
        foreach (var (name, child) in _children)
        {
            foreach (var inner in child.Walk(Join(path, name)))
                yield return inner;
        }
    }

    private void RequireBuilt()
    {
        foreach (var (path, module) in NamedModules())
        {
            if (module is LazyModule { IsBuilt: false })
            {
                throw new ModuleException(
                    $"The parameters of {(path.Length == 0 ? "this" : $"'{path}',")} {module.GetType().Name} are not made " +
                    "yet, because the size of its input is not known. Call Build(inputShape) of the model, or say the " +
                    "size when the layer is made.");
            }
        }
    }

    private void RequireFree([NotNull] string? name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length == 0 || name.Contains('.'))
        {
            throw new ModuleException(
                $"{GetType().Name}: '{name}' cannot be a name. It must not be empty, and must not have the dot that joins " +
                "names.");
        }
        if (_parameters.ContainsKey(name) || _buffers.ContainsKey(name) || _children.ContainsKey(name))
            throw new ModuleException($"{GetType().Name} has a '{name}' already. Give each part a name of its own.");
    }

    /// <summary>Gives every module its mode back.</summary>
    internal readonly struct ModeScope : IDisposable
    {
        private readonly List<(Module Module, bool Training)> _before = [];

        public ModeScope(Module module, bool training)
        {
            foreach (var (_, part) in module.NamedModules())
                _before.Add((part, part.IsTraining));
            module.Train(training);
        }

        public void Dispose()
        {
            foreach (var (module, training) in _before)
                module.IsTraining = training;
        }
    }
}
