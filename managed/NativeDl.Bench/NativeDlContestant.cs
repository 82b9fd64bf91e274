using System.Diagnostics;

namespace NativeDl.Bench;

/// <summary>The library itself, through its C# API, as its users call it.</summary>
internal sealed class NativeDlContestant : IContestant
{
    private Dictionary<string, Tensor> _inputs = [];
    private Func<Tensor>? _call;
    private TutorialCnn? _model;
    private Tensor? _gradient;
    private ExecutionOptions _options = ExecutionOptions.Default;

    public string Name => "NativeDl";

    public Outputs? Prepare(Workload workload, IReadOnlyDictionary<string, (float[] Values, long[] Shape)> inputs, int threads)
    {
        Release();
        _options = ExecutionOptions.Default with { Threads = threads };
        using var scope = ExecutionOptions.Use(_options);
        if (workload.Op == TutorialCnn.Op)
        {
            _model = new TutorialCnn(inputs);
            return new Outputs { ["losses"] = [.. Enumerable.Range(0, 5).Select(_ => _model.Step())] };
        }
        _inputs = inputs.Where(i => i.Key != "dy").ToDictionary(i => i.Key, i => Tensor.FromArray(i.Value.Values, i.Value.Shape));
        foreach (var input in _inputs.Values)
            input.RequiresGrad = true;
        _call = OpCalls.For(workload, _inputs);
        if (_call is null)
            return null;
        using var y = _call();
        _gradient = inputs.TryGetValue("dy", out var dy) ? Tensor.FromArray(dy.Values, y.Shape) : Tensor.Ones(y.Shape);
        y.Backward(_gradient);
        var outputs = new Outputs { ["y"] = y.ToArray<float>() };
        foreach (var (name, input) in _inputs)
            outputs["d" + name] = input.Grad!.ToArray<float>();
        return outputs;
    }

    public double Time(string pass, int iterations)
    {
        using var scope = ExecutionOptions.Use(_options);
        return pass switch
        {
            "step" => Clock(iterations, () => _model!.Step()),
            "forward" => TimeForward(iterations),
            _ => TimeBackward(iterations),
        };
    }

    public void Dispose() => Release();

    private static double Clock(int iterations, Action body)
    {
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < iterations; i++)
            body();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private double TimeForward(int iterations)
    {
        using var noGrad = Autograd.NoGrad();
        return Clock(iterations, () => _call!().Dispose());
    }

    private double TimeBackward(int iterations)
    {
        using var y = _call!();
        return Clock(iterations, () =>
        {
            foreach (var input in _inputs.Values)
                input.Grad = null;
            y.Backward(_gradient, retainGraph: true);
        });
    }

    private void Release()
    {
        foreach (var input in _inputs.Values)
            input.Dispose();
        _inputs = [];
        _gradient?.Dispose();
        (_gradient, _call, _model) = (null, null, null);
    }
}
