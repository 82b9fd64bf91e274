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
}
