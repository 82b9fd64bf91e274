using NUnit.Framework;

namespace NativeDl.Tests.Driver;

/// <summary>Runs one row of one op through the public API and compares it with the oracle.</summary>
internal static class CaseRunner
{
    /// <summary>
    /// Runs a pass of a row on one implementation by name. A refusal is thrown as it comes; one of another pass that the
    /// run needs is not expected.
    /// </summary>
    public static void Check(OpReference reference, OpCase c, string pass, string implementation)
    {
        var device = implementation.StartsWith("cpu", StringComparison.Ordinal) ? Device.Cpu : Device.Cuda();
        using (ExecutionOptions.Use(ExecutionOptions.Default.WithImplementation(pass, implementation)))
            Check(reference, c, device, withGradients: pass != $"{reference.Op}_forward" || !HasBackwardPass(reference.Op));
    }

    /// <summary>Runs a row on the implementations that the library chooses.</summary>
    public static void Check(OpReference reference, OpCase c, Device device, bool withGradients)
    {
        var oracle = Oracle.For(reference, c);
        var inputs = oracle.Inputs.Convert((name, values) =>
        {
            // Every other operand lies unaligned in memory, as a view may.
            var tensor = values.ToTensor(device, unaligned: (c.Row.Length + name.Length) % 2 == 0);
            tensor.RequiresGrad = withGradients && IsDifferentiable(reference, name, tensor);
            return tensor;
        });
        var outputs = reference.Run(c, inputs);
        Assert.That(outputs, Has.Length.EqualTo(oracle.Outputs.Length), "number of outputs");
        var outputValues = Array.ConvertAll(outputs, HostTensor.Of);
        for (var i = 0; i < outputs.Length; i++)
        {
            if (oracle.Outputs[i].Difference(outputValues[i]) is { } difference)
                Assert.Fail($"output {i} {difference}");
        }
        if (withGradients)
            CheckGradients(reference, c, oracle, inputs, outputs, outputValues, device);
    }

    /// <summary>Gradients of the outputs to begin a backward pass with, which follow from the row alone.</summary>
    public static HostTensor?[] OutputGradients(OpCase c, HostTensor[] outputs, Func<int, bool> has, bool coarse = true) =>
        [.. outputs.Select((y, i) => has(i)
            ? HostTensor.Random(new OperandSpec($"dy{i}", y.Dims, y.DType, ""), c.Row, coarse)
            : null)];

    private static void CheckGradients(
        OpReference reference, OpCase c, Oracle oracle, Inputs<Tensor> inputs, Tensor[] outputs, HostTensor[] outputValues,
        Device device)
    {
        if (!inputs.Names.Any(name => inputs.List(name).Any(input => input.RequiresGrad)) ||
            !outputs.Any(output => output.DType.IsFloat()))
            return;
        var dys = OutputGradients(c, outputValues, i => outputs[i].RequiresGrad);
        for (var i = 0; i < outputs.Length; i++)
        {
            if (dys[i] is { } dy)
                outputs[i].Backward(dy.ToTensor(device, unaligned: c.Row.Length % 2 == 0));
        }
        var gradients = oracle.Gradients(outputValues, dys);
        foreach (var name in inputs.Names)
        {
            for (var item = 0; item < inputs.List(name).Length; item++)
            {
                var input = inputs.List(name)[item];
                if (!input.RequiresGrad)
                    continue;
                Assert.That(gradients, Contains.Key(name), $"the oracle has no gradient of {name}");
                Assert.That(input.Grad, Is.Not.Null, $"{name} was given no gradient");
                if (gradients[name][item].Difference(HostTensor.Of(input.Grad!)) is { } difference)
                    Assert.Fail($"gradient of {name} {difference}");
            }
        }
    }

    // The gradients of an op without one are made of other passes; they are checked with the forward pass.
    private static bool HasBackwardPass(string op) =>
        Implementations.Passes.Any(pass => pass == $"{op}_backward" || pass.StartsWith($"{op}_backward_", StringComparison.Ordinal));

    private static bool IsDifferentiable(OpReference reference, string name, Tensor tensor) =>
        tensor.DType.IsFloat() && reference.Differentiable.Contains(name);
}
