using System.Text;

namespace NativeDl.Modules;

/// <summary>A module is used or put together in a way that it does not allow.</summary>
public sealed class ModuleException(string message) : NativeDlException(message);

/// <summary>A state dictionary does not fit a module or an optimizer. Nothing was changed.</summary>
public sealed class StateDictionaryException : NativeDlException
{
    internal StateDictionaryException(
        IReadOnlyList<string> missing, IReadOnlyList<string> unexpected, IReadOnlyList<StateMismatch> mismatched,
        string owner = "module")
        : base(Describe(missing, unexpected, mismatched, owner))
    {
        Missing = missing;
        Unexpected = unexpected;
        Mismatched = mismatched;
    }

    /// <summary>Names that the owner has and the dictionary has not.</summary>
    public IReadOnlyList<string> Missing { get; }

    /// <summary>Names that the dictionary has and the owner has not.</summary>
    public IReadOnlyList<string> Unexpected { get; }

    /// <summary>Names that both have, with another shape or dtype.</summary>
    public IReadOnlyList<StateMismatch> Mismatched { get; }

    private static string Describe(
        IReadOnlyList<string> missing, IReadOnlyList<string> unexpected, IReadOnlyList<StateMismatch> mismatched,
        string owner)
    {
        var text = new StringBuilder($"The state does not fit the {owner}, which was left as it was.");
        Append("Missing: ", missing, name => name);
        Append("Unexpected: ", unexpected, name => name);
        Append("Mismatched: ", mismatched, m => m.ToString());
        if (missing.Count > 0 || unexpected.Count > 0)
        {
            text.Append($"\nUse the {owner} that the state was saved from");
            text.Append(owner == "module" ? ", or strict: false to load what both have." : ".");
        }
        return text.ToString();

        void Append<T>(string title, IReadOnlyList<T> items, Func<T, string> format)
        {
            const int Shown = 20;
            if (items.Count == 0)
                return;
            text.Append('\n').Append(title).AppendJoin(", ", items.Take(Shown).Select(format));
            if (items.Count > Shown)
                text.Append($", and {items.Count - Shown} more");
        }
    }
}

/// <summary>A name whose tensors differ in shape or dtype.</summary>
/// <param name="Name">The name.</param>
/// <param name="Shape">The shape in the module.</param>
/// <param name="DType">The dtype in the module.</param>
/// <param name="StateShape">The shape in the state dictionary.</param>
/// <param name="StateDType">The dtype in the state dictionary.</param>
public sealed record StateMismatch(string Name, Shape Shape, DType DType, Shape StateShape, DType StateDType)
{
    /// <summary>"conv1.weight is F32 [8, 3, 3, 1] in the module and F32 [8, 3, 3, 3] in the state".</summary>
    public override string ToString() =>
        $"{Name} is {DType} {Shape} in the module and {StateDType} {StateShape} in the state";
}
