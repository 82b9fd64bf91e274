namespace NativeDl.Modules;

/// <summary>
/// A way around: activation(main(x) + shortcut(x)), where the shortcut is x itself unless there is one:
/// <code>new Residual(new Sequential { ... }, activation: Activation.Relu)</code>
/// </summary>
public sealed class Residual : Module
{
    private readonly Module _main;
    private readonly Module? _shortcut;

    /// <summary>Makes the module.</summary>
    /// <param name="main">What is gone around, named "main".</param>
    /// <param name="shortcut">The way around, named "shortcut"; x itself by default.</param>
    /// <param name="activation">Activation of the sum.</param>
    public Residual(Module main, Module? shortcut = null, Activation activation = Activation.None)
    {
        _main = Register("main", main);
        _shortcut = shortcut is null ? null : Register("shortcut", shortcut);
        Activation = activation;
    }

    /// <summary>Activation of the sum.</summary>
    public Activation Activation { get; }

    private protected override bool KeepsNothing => Forgets(_main) && (_shortcut is null || Forgets(_shortcut));

    /// <summary>Both ways must give the same shape.</summary>
    public override Tensor Forward(Tensor x)
    {
        var main = _main.Forward(x);
        var around = _shortcut is null ? x : _shortcut.Forward(x);
        var sum = Ops.Add(main, around);
        var y = Activation == Activation.Relu ? Ops.Relu(sum) : sum;
        if (y != sum)
            sum.Dispose();
        if (main != x && Forgets(_main))
            main.Dispose();
        if (around != x && around != main && _shortcut is not null && Forgets(_shortcut))
            around.Dispose();
        return y;
    }
}
