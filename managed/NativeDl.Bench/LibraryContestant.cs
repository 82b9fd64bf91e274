using System.Diagnostics;
using Abi = NativeDl.Bindings.NativeMethods.__Internal;

namespace NativeDl.Bench;

/// <summary>The library itself, through its C# calls.</summary>
internal sealed class LibraryContestant : IContestant
{
    private readonly Dictionary<string, Tensor> _tensors = [];
    private Dictionary<string, PassCall> _calls = [];

    public string Name => "NativeDl";

    /// <summary>How it is run; a change holds for the passes that are prepared.</summary>
    public ExecutionOptions Options { get; set; } = ExecutionOptions.Default;

    /// <summary>The passes that are prepared.</summary>
    public IReadOnlyDictionary<string, PassCall> Calls => _calls;

    /// <summary>The shape of a workload's output; null where there is no adapter for it, or no output to be had.</summary>
    public static long[]? OutputShape(Workload workload, IReadOnlyDictionary<string, Values> inputs)
    {
        using var contestant = new LibraryContestant();
        contestant.Load(workload, inputs);
        if (OpCalls.For(workload, contestant._tensors) is not { } calls)
            return null;
        var outputs = calls[0].Run();
        var shape = outputs[0]!.Shape.Dims.ToArray();
        Free(outputs);
        return shape;
    }

    public Prepared? Prepare(Workload workload, IReadOnlyDictionary<string, Values> inputs, int threads)
    {
        Release();
        Options = ExecutionOptions.Default with { Threads = threads };
        using var scope = ExecutionOptions.Use(Options);
        using var noGrad = Autograd.NoGrad();
        var results = new Dictionary<string, float[]>();
        var calls = workload.Op switch
        {
            TutorialCnn.StepOp => TutorialCnn.Step(inputs, results),
            TutorialCnn.FitOp => TutorialCnn.Fit(inputs),
            _ => ForOp(),
        };
        if (calls is null)
            return null;
        _calls = calls.ToDictionary(c => c.Name);
        var methods = new Dictionary<string, string>();
        var scratch = new Dictionary<string, Scratch>();
        foreach (var call in calls)
        {
            if (call.Native.Length == 0)
            {
                methods[call.Name] = "";
                continue;
            }
            var outputs = call.Run();
            for (var i = 0; i < outputs.Length; i++)
            {
                if (call.Outputs[i].Length == 0)
                    continue;
                using var wide = outputs[i]!.Cast(DType.F32);
                results[call.Outputs[i]] = wide.ToArray<float>();
            }
            Free(outputs);
            Free(call.Run()); // what is kept of an operand that comes again is there from the second call on
            (methods[call.Name], scratch[call.Name]) = LastCall(Options);
        }
        return new Prepared(methods, results) { Scratch = scratch };

        PassCall[]? ForOp()
        {
            Load(workload, inputs);
            return OpCalls.For(workload, _tensors);
        }
    }

    public double Time(string pass, int iterations)
    {
        using var scope = ExecutionOptions.Use(Options);
        using var grad = _calls[pass].Native.Length > 0 ? Autograd.NoGrad() : Autograd.Record();
        var run = _calls[pass].Run;
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < iterations; i++)
            Free(run());
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    public void Dispose() => Release();

    private void Load(Workload workload, IReadOnlyDictionary<string, Values> inputs)
    {
        foreach (var (name, values) in inputs)
        {
            var type = workload.TypeOf(name);
            var tensor = Tensor.FromArray(values.Data, values.Shape);
            _tensors[name] = type is "" or "f32" ? tensor : tensor.Cast(Enum.Parse<DType>(type, ignoreCase: true));
        }
    }

    // The name of what the last call under these options ran, and the memory that it asked for.
    private static unsafe (string Method, Scratch Scratch) LastCall(ExecutionOptions options)
    {
        var pool = options.PoolFor(Device.Cpu);
        var context = pool.Rent();
        try
        {
            long workspace, derived;
            NativeStatus.Check(Abi.ContextLastMemory(context, &workspace, &derived));
            return (NativeText.Read((buffer, capacity, length) => Abi.ContextLastImplementation(context, buffer, capacity, length)),
                new Scratch(workspace, derived));
        }
        finally
        {
            pool.Return(context);
        }
    }

    private static void Free(Tensor?[] tensors)
    {
        foreach (var tensor in tensors)
            tensor?.Dispose();
    }

    private void Release()
    {
        _calls = [];
        foreach (var tensor in _tensors.Values)
            tensor.Dispose();
        _tensors.Clear();
        NativeMemory.Trim();
    }
}
