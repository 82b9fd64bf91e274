using NativeDl.Optimizers;
using NativeDl.Tests.Driver;

namespace NativeDl.Tests.Reference;

/// <summary>
/// One step of an optimizer on a state that is loaded into it. Outputs: parameters, then each list of the state, in the
/// order of the operands; all items of a list before the next.
/// </summary>
internal abstract class OptimizerReference : OpReference
{
    public override string[] Operands => ["parameters", "gradients", "learning_rate", .. StateLists.Select(l => l.Operand)];

    public override string[] Differentiable => [];

    /// <summary>The lists of the state, and what an optimizer calls an item of each.</summary>
    protected abstract (string Operand, string Name)[] StateLists { get; }

    public override Tensor[] Run(OpCase c, Inputs<Tensor> inputs)
    {
        Tensor[] parameters = [.. inputs.List("parameters").Select(p => p.Detach())];
        for (var i = 0; i < parameters.Length; i++)
        {
            parameters[i].RequiresGrad = true;
            parameters[i].Grad = inputs.List("gradients")[i];
        }
        var optimizer = Make(c, parameters);
        var lists = StateLists.Where(l => inputs.Has(l.Operand)).ToArray();
        var rate = HostTensor.Of(inputs["learning_rate"]).Data[0];
        var state = new Dictionary<string, Tensor> { ["groups.0.learning_rate"] = Tensor.Scalar(rate) };
        for (var i = 0; i < parameters.Length; i++)
        {
            foreach (var (operand, name) in lists)
                state.Add($"state.{i}.{name}", inputs.List(operand)[i]);
        }
        optimizer.LoadStateDictionary(state);
        optimizer.Step();
        var after = optimizer.StateDictionary();
        var updated = parameters.Select(p => p.Detach());
        return [.. updated, .. lists.SelectMany(l => parameters.Select((_, i) => after[$"state.{i}.{l.Name}"]))];
    }

    public override Expected[] Forward(OpCase c, Inputs<HostTensor> inputs)
    {
        var lists = StateLists.Where(l => inputs.Has(l.Operand)).Select(l => l.Operand).ToArray();
        // The rate is the F32 number that the row's tensor holds.
        var rate = inputs["learning_rate"].DType == DType.F64 ? inputs["learning_rate"].Data[0] : (float)inputs["learning_rate"].Data[0];
        var results = lists.Prepend("parameters").ToDictionary(name => name, _ => new List<Expected>());
        for (var item = 0; item < inputs.List("parameters").Length; item++)
        {
            var p = inputs.List("parameters")[item];
            var g = inputs.List("gradients")[item].Data;
            var state = lists.ToDictionary(name => name, name => inputs.List(name)[item].Data.ToArray());
            var values = p.Data.ToArray();
            for (var i = 0; i < values.Length; i++)
            {
                var gradient = c.Flag("maximize") ? -g[i] : g[i];
                if (!c.Flag("decoupled_weight_decay"))
                    gradient += c.Number("weight_decay", 0) * values[i];
                values[i] = Update(c, values[i], gradient, rate, state, i);
            }
            if (state.TryGetValue("steps", out var steps))
                steps[0]++;
            results["parameters"].Add(Expected.Of(p with { Data = values }, terms: 4));
            foreach (var name in lists)
                results[name].Add(Expected.Of(inputs.List(name)[item] with { Data = state[name] }, terms: name == "steps" ? 0 : 4));
        }
        return [.. results.Values.SelectMany(list => list)];
    }

    public override IReadOnlyDictionary<string, Expected[]> Backward(
        OpCase c, Inputs<HostTensor> inputs, HostTensor[] outputs, HostTensor?[] gradients) => new Dictionary<string, Expected[]>();

    protected abstract Optimizer Make(OpCase c, Tensor[] parameters);

    /// <summary>The updated parameter; element i of the state's lists is updated in place, steps excepted.</summary>
    protected abstract double Update(OpCase c, double p, double g, double rate, Dictionary<string, double[]> state, int i);
}

internal sealed class SgdReference : OptimizerReference
{
    public override string Op => "sgd";

    protected override (string Operand, string Name)[] StateLists => [("steps", "step"), ("momentum_buffers", "momentum_buffer")];

    protected override Optimizer Make(OpCase c, Tensor[] parameters) => new Sgd(parameters, options: new SgdOptions
    {
        Momentum = c.Number("momentum", 0), Dampening = c.Number("dampening", 0), Nesterov = c.Flag("nesterov"),
        WeightDecay = c.Number("weight_decay", 0), Maximize = c.Flag("maximize"),
    });

    protected override double Update(OpCase c, double p, double g, double rate, Dictionary<string, double[]> state, int i)
    {
        var momentum = c.Number("momentum", 0);
        if (momentum == 0)
            return p - (rate * g);
        var b = state["momentum_buffers"];
        b[i] = state["steps"][0] == 0 ? g : (momentum * b[i]) + ((1 - c.Number("dampening", 0)) * g);
        return p - (rate * (c.Flag("nesterov") ? g + (momentum * b[i]) : b[i]));
    }
}

internal sealed class AdamReference : OptimizerReference
{
    public override string Op => "adam";

    protected override (string Operand, string Name)[] StateLists =>
    [
        ("steps", "step"), ("first_moments", "first_moment"), ("second_moments", "second_moment"),
        ("max_second_moments", "max_second_moment"),
    ];

    protected override Optimizer Make(OpCase c, Tensor[] parameters)
    {
        var options = new AdamOptions
        {
            Beta1 = c.Number("beta1", 0.9), Beta2 = c.Number("beta2", 0.999), Epsilon = c.Number("epsilon", 1e-8),
            WeightDecay = c.Number("weight_decay", 0), Amsgrad = c.Flag("amsgrad"), Maximize = c.Flag("maximize"),
        };
        return c.Flag("decoupled_weight_decay") ? new AdamW(parameters, options: options) : new Adam(parameters, options: options);
    }

    protected override double Update(OpCase c, double p, double g, double rate, Dictionary<string, double[]> state, int i)
    {
        var (beta1, beta2, t) = (c.Number("beta1", 0.9), c.Number("beta2", 0.999), state["steps"][0] + 1);
        if (c.Flag("decoupled_weight_decay"))
            p -= rate * c.Number("weight_decay", 0) * p;
        var (m, v) = (state["first_moments"], state["second_moments"]);
        m[i] = (beta1 * m[i]) + ((1 - beta1) * g);
        v[i] = (beta2 * v[i]) + ((1 - beta2) * g * g);
        var u = v[i];
        if (state.TryGetValue("max_second_moments", out var most))
            u = most[i] = Math.Max(most[i], u);
        var (mean, square) = (m[i] / (1 - Math.Pow(beta1, t)), u / (1 - Math.Pow(beta2, t)));
        return p - (rate * mean / (Math.Sqrt(square) + c.Number("epsilon", 1e-8)));
    }
}

internal sealed class AdadeltaReference : OptimizerReference
{
    public override string Op => "adadelta";

    protected override (string Operand, string Name)[] StateLists =>
        [("square_averages", "square_average"), ("delta_averages", "delta_average")];

    protected override Optimizer Make(OpCase c, Tensor[] parameters) => new Adadelta(parameters, options: new AdadeltaOptions
    {
        Rho = c.Number("rho", 0.9), Epsilon = c.Number("epsilon", 1e-6), WeightDecay = c.Number("weight_decay", 0),
        Maximize = c.Flag("maximize"),
    });

    protected override double Update(OpCase c, double p, double g, double rate, Dictionary<string, double[]> state, int i)
    {
        var (rho, epsilon) = (c.Number("rho", 0.9), c.Number("epsilon", 1e-6));
        var (s, a) = (state["square_averages"], state["delta_averages"]);
        s[i] = (rho * s[i]) + ((1 - rho) * g * g);
        var delta = Math.Sqrt(a[i] + epsilon) / Math.Sqrt(s[i] + epsilon) * g;
        a[i] = (rho * a[i]) + ((1 - rho) * delta * delta);
        return p - (rate * delta);
    }
}
