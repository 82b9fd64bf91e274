namespace NativeDl.Bench;

/// <summary>The values of a workload's operands, seeded.</summary>
internal static class Inputs
{
    /// <summary>All operands of a row and, where the library has an adapter for it, "dy".</summary>
    public static Dictionary<string, Values> Make(Workload workload)
    {
        if (TutorialCnn.MakeInputs(workload.Op) is { } tutorial)
            return tutorial;
        var inputs = new Dictionary<string, Values>();
        foreach (var (name, operand) in workload.Operands)
            inputs[name] = Draw(operand, seed: inputs.Count + 1);
        if (LibraryContestant.OutputShape(workload, inputs) is { } y)
            inputs["dy"] = Draw(new OperandSpec(y, "", ""), seed: 0);
        return inputs;
    }

    private static Values Draw(OperandSpec operand, int seed)
    {
        var random = new Random(seed);
        var values = new float[operand.Shape.Aggregate(1L, (a, b) => a * b)];
        for (var i = 0; i < values.Length; i++)
            values[i] = random.NextSingle() * 2 - 1;
        if (operand.Hint == "positive")
            values = Array.ConvertAll(values, v => Math.Abs(v) + 0.25f);
        else if (operand.Hint.StartsWith("const", StringComparison.Ordinal))
            Array.Clear(values);
        return new Values(values, operand.Shape);
    }
}
