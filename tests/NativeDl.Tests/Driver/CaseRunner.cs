using NUnit.Framework;

namespace NativeDl.Tests.Driver;

/// <summary>Runs one row of one op through the public API and compares it with the oracle.</summary>
internal static class CaseRunner
{
    /// <summary>
    /// What precision "standard" may differ by, next to the direct sum: Winograd's method F(4x4), also at stride 2. On values in
    /// general its error is at most about twice a plain sum's; but the rounded values of the tables make direct sums exact,
    /// so that tolerances can be narrow, while Winograd's transforms round them too. Greatest seen: 2.7.
    /// </summary>
    private const double StandardErrorFactor = 4;

    /// <summary>
    /// Runs a pass of a row on one implementation by name. A refusal is thrown as it comes; one of another pass that the
    /// run needs is not expected.
    /// </summary>
    public static void Check(OpReference reference, OpCase c, string pass, string implementation)
    {
        var device = implementation.StartsWith("cpu", StringComparison.Ordinal) ? Device.Cpu : Device.Cuda();
        // Strict: the passes that are not named are then no less exact than the direct sum either.
        var winograd = implementation.Contains(":winograd4x4:", StringComparison.Ordinal)
            || implementation.Contains(":winograd_strided:", StringComparison.Ordinal);
        var options = ExecutionOptions.Default with { Precision = winograd ? Precision.Standard : Precision.Strict };
        using (ExecutionOptions.Use(options.WithImplementation(pass, implementation)))
        {
            Check(reference, c, device, withGradients: pass != $"{reference.Op}_forward" || !HasBackwardPass(reference.Op),
                errorFactor: winograd ? StandardErrorFactor : 1);
        }
    }

    /// <summary>Runs a row on the implementations that the library chooses.</summary>
    public static void Check(OpReference reference, OpCase c, Device device, bool withGradients) =>
        Check(reference, c, device, withGradients, StandardErrorFactor);

    private static void Check(OpReference reference, OpCase c, Device device, bool withGradients, double errorFactor)
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
            if (oracle.Outputs[i].Difference(outputValues[i], errorFactor) is { } difference)
                Assert.Fail($"output {i} {difference}");
        }
        if (withGradients)
            CheckGradients(reference, c, oracle, inputs, outputs, outputValues, device, errorFactor);
    }

    /// <summary>Gradients of the outputs to begin a backward pass with, which follow from the row alone.</summary>
    public static HostTensor?[] OutputGradients(OpCase c, HostTensor[] outputs, Func<int, bool> has, bool coarse = true) =>
        [.. outputs.Select((y, i) => has(i)
            ? HostTensor.Random(new OperandSpec($"dy{i}", y.Dims, y.DType, ""), c.Row, coarse)
            : null)];

    private static void CheckGradients(
        OpReference reference, OpCase c, Oracle oracle, Inputs<Tensor> inputs, Tensor[] outputs, HostTensor[] outputValues,
        Device device, double errorFactor)
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
                if (gradients[name][item].Difference(HostTensor.Of(input.Grad!), errorFactor) is { } difference)
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
