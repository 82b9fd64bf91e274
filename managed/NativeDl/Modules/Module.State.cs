using NativeDl.IO;

namespace NativeDl.Modules;

public abstract partial class Module
{
    /// <summary>
    /// All parameters and buffers by name, in order. The tensors are the module's own: they change when it is trained.
    /// </summary>
    /// <exception cref="ModuleException">Some are not made yet: see <see cref="Build"/>.</exception>
    public IReadOnlyDictionary<string, Tensor> StateDictionary()
    {
        RequireBuilt();
        OrderedDictionary<string, Tensor> state = [];
        foreach (var (path, module) in NamedModules())
        {
            foreach (var (name, tensor) in module._parameters.Concat(module._buffers))
                state.Add(Join(path, name), tensor);
        }
        return state;
    }

    /// <summary>
    /// Copies a state into the parameters and buffers, all or nothing. Layers whose parameters are not made yet take
    /// their sizes from it.
    /// </summary>
    /// <param name="state">Tensors by name, of any device.</param>
    /// <param name="strict">Whether both must have the same names; if not, those are loaded that both have. Shapes and
    /// dtypes must be the same in any case.</param>
    /// <exception cref="StateDictionaryException">The state does not fit.</exception>
    public void LoadStateDictionary(IReadOnlyDictionary<string, Tensor> state, bool strict = true)
    {
        ArgumentNullException.ThrowIfNull(state);
        foreach (var (path, module) in NamedModules())
        {
            if (module is LazyModule { IsBuilt: false } lazy)
                lazy.BuildFromState(name => state.GetValueOrDefault(Join(path, name)));
        }

        HashSet<string> unexpected = [.. state.Keys];
        List<string> missing = [];
        List<StateMismatch> mismatched = [];
        List<(Tensor To, Tensor From)> copies = [];
        foreach (var (path, module) in NamedModules())
        {
            if (module is LazyModule { IsBuilt: false } lazy)
                missing.AddRange(lazy.StateNames.Select(name => Join(path, name)));
            foreach (var (name, tensor) in module._parameters.Concat(module._buffers))
            {
                var full = Join(path, name);
                unexpected.Remove(full);
                if (!state.TryGetValue(full, out var value))
                    missing.Add(full);
                else if (value.Shape != tensor.Shape || value.DType != tensor.DType)
                    mismatched.Add(new StateMismatch(full, tensor.Shape, tensor.DType, value.Shape, value.DType));
                else
                    copies.Add((tensor, value));
            }
        }
        if (mismatched.Count > 0 || (strict && (missing.Count > 0 || unexpected.Count > 0)))
            throw new StateDictionaryException(missing, [.. unexpected.Order(StringComparer.Ordinal)], mismatched);
        foreach (var (to, from) in copies)
            to.CopyBytesFrom(from);
    }

    /// <summary>
    /// Saves all parameters and buffers in a safetensors file, which other programs read too. The file appears whole or
    /// not at all; one that was there stays as it was if anything fails.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="metadata">Texts to keep with the weights.</param>
    /// <exception cref="IOException">The file could not be written.</exception>
    public void Save(string path, IReadOnlyDictionary<string, string>? metadata = null) =>
        Safetensors.Save(path, StateDictionary(), metadata);

    /// <summary>Loads a file that <see cref="Save"/> wrote, or another safetensors file with the same names.</summary>
    /// <param name="path">The file.</param>
    /// <param name="strict">As in <see cref="LoadStateDictionary"/>.</param>
    /// <exception cref="WeightFormatException">The file is no valid safetensors file.</exception>
    /// <exception cref="StateDictionaryException">The weights do not fit. Nothing was changed.</exception>
    /// <exception cref="IOException">The file could not be read.</exception>
    public void Load(string path, bool strict = true)
    {
        using var weights = Safetensors.Load(path);
        LoadStateDictionary(weights.Tensors, strict);
    }
}
