using System.Text.Json;
using NativeDl.Optimizers;

namespace NativeDl.Tests.TorchReference;

internal static partial class Families
{
    private static readonly string[] s_optimizers = ["SGD", "Adam", "AdamW", "Adadelta"];

    private static bool HasOptimizer(JsonElement entry) => s_optimizers.Contains(entry.GetProperty("op").GetString());

    // gradients in.g<i> [steps, ...], parameters in.p<i>; the parameters after each step are out.p<i>.
    private static void Optimize(TorchCase test)
    {
        Tensor[] parameters = [.. test.Keys("in.p").Select(i => test.Input("p" + i)!)];
        foreach (var parameter in parameters)
            parameter.RequiresGrad = true;
        var optimizer = MakeOptimizer(test, parameters);
        Tensor[] gradients = [.. test.Keys("in.g").Select(i => test.Input("g" + i)!.Detach())];
        var after = parameters.Select(_ => new List<double>()).ToArray();
        for (var step = 0; step < gradients[0].Shape[0]; step++)
        {
            for (var i = 0; i < parameters.Length; i++)
                parameters[i].Grad = gradients[i][step];
            optimizer.Step();
            for (var i = 0; i < parameters.Length; i++)
                after[i].AddRange(parameters[i].ToDoubles());
        }
        for (var i = 0; i < parameters.Length; i++)
            test.Compare($"out.p{i}", [.. after[i]], test.Array($"out.p{i}").Values);
    }

    private static Optimizer MakeOptimizer(TorchCase test, Tensor[] parameters)
    {
        var rate = test.Attribute("lr", 0.0);
        var (decay, maximize) = (test.Attribute("weight_decay", 0.0), test.Attribute("maximize", false));
        switch (test.Op)
        {
            case "SGD":
                return new Sgd(parameters, rate, new SgdOptions
                {
                    Momentum = test.Attribute("momentum", 0.0), Dampening = test.Attribute("dampening", 0.0),
                    Nesterov = test.Attribute("nesterov", false), WeightDecay = decay, Maximize = maximize,
                });
            case "Adadelta":
                return new Adadelta(parameters, rate, new AdadeltaOptions
                {
                    Rho = test.Attribute("rho", 0.9), Epsilon = test.Attribute("eps", 1e-6), WeightDecay = decay, Maximize = maximize,
                });
            default:
                var betas = test.Attribute<double[]>("betas", []);
                var options = new AdamOptions
                {
                    Beta1 = betas[0], Beta2 = betas[1], Epsilon = test.Attribute("eps", 1e-8), WeightDecay = decay,
                    Amsgrad = test.Attribute("amsgrad", false), Maximize = maximize,
                };
                return test.Op == "Adam" ? new Adam(parameters, rate, options) : new AdamW(parameters, rate, options);
        }
    }

    private static bool IsNormOf2(JsonElement entry) =>
        entry.GetProperty("attrs").TryGetProperty("norm_type", out var norm) && norm.ValueKind == JsonValueKind.Number && norm.GetDouble() == 2;

    private static void ClipNorm(TorchCase test)
    {
        Tensor[] gradients = [.. test.Keys("in.g").Select(i => test.Input("g" + i)!.Detach())];
        Tensor[] parameters = [.. gradients.Select(g => Tensor.Zeros(g.Shape, g.DType))];
        for (var i = 0; i < gradients.Length; i++)
        {
            parameters[i].RequiresGrad = true;
            parameters[i].Grad = gradients[i];
        }
        test.Compare("out.norm", Gradients.ClipNorm(parameters, test.Attribute("max_norm", 0.0)));
        for (var i = 0; i < gradients.Length; i++)
            test.Compare($"out.g{i}", gradients[i]);
    }

    private static RateSchedule? ScheduleOf(JsonElement entry)
    {
        var attributes = entry.GetProperty("attrs");
        double Number(string name) => attributes.GetProperty(name).GetDouble();
        long Steps(string name) => attributes.GetProperty(name).GetInt64();
        return entry.GetProperty("op").GetString() switch
        {
            "step" => new StepDecay(Steps("step_size"), Number("gamma")),
            "multistep" => new MultiStepDecay([.. attributes.GetProperty("milestones").EnumerateArray().Select(m => m.GetInt64())], Number("gamma")),
            "exp" => new ExponentialDecay(Number("gamma")),
            "cos" or "cos_min" => new CosineDecay(Steps("T_max"), Number("eta_min")),
            "cos_restart" or "cos_restart1" => new CosineRestarts(Steps("T_0"), (int)Steps("T_mult"), Number("eta_min")),
            "linear" => new Warmup(Steps("total_iters"), Number("start_factor")),
            "poly" or "poly1" => new PolynomialDecay(Steps("total_iters"), Number("power")),
            "lambda" => new CustomRate((rate, step) => rate / (1 + (0.1 * step))),
            "warmup_cos" => new Warmup(5, 0.1, new CosineDecay(25)),
            "onecycle_cos" or "onecycle_lin" => new OneCycle(
                Number("max_lr"), Steps("total_steps"), Number("pct_start"), Number("div_factor"), Number("final_div_factor"),
                attributes.GetProperty("anneal").GetString() == "linear"),
            _ => null,
        };
    }

    private static void Schedule(TorchCase test)
    {
        var optimizer = new Sgd([Tensor.Zeros([1])], test.Attribute("base_lr", 0.0));
        var expected = test.Array("out.lr").Values;
        var actual = new double[expected.Length];
        if (test.Op == "ReduceLROnPlateau")
        {
            var plateau = new ReduceRateOnPlateau(optimizer)
            {
                HigherIsBetter = test.Attribute("mode", "min") == "max", Factor = test.Attribute("factor", 0.1),
                Patience = test.Attribute("patience", 10), Threshold = test.Attribute("threshold", 1e-4),
                ThresholdIsAbsolute = test.Attribute("threshold_mode", "rel") == "abs", Cooldown = test.Attribute("cooldown", 0),
                Minimum = test.Attribute("min_lr", 0.0),
            };
            var metric = test.Array("in.metric").Values;
            for (var i = 0; i < actual.Length; i++)
            {
                actual[i] = optimizer.LearningRate;
                plateau.Step(metric[i]);
            }
        }
        else
        {
            var scheduler = new LearningRateScheduler(optimizer, ScheduleOf(test.Entry)!);
            for (var i = 0; i < actual.Length; i++, scheduler.Step())
                actual[i] = optimizer.LearningRate;
        }
        test.Compare("out.lr", actual, expected, tolerance: 1e-12);
    }
}
