namespace NativeDl;

/// <summary>Whether ops are recorded for gradients. Ambient: flows across await and into tasks started inside.</summary>
public static class Autograd
{
    /// <summary>Whether ops on tensors that require a gradient are recorded here.</summary>
    public static bool IsRecording => Ambient.Current.Recording;

    /// <summary>Stops the recording until the scope that is returned is disposed: <c>using (Autograd.NoGrad()) ...</c></summary>
    public static AmbientScope NoGrad() => Ambient.Enter(Ambient.Current with { Recording = false });

    /// <summary>Records again inside <see cref="NoGrad"/>, until the scope that is returned is disposed.</summary>
    public static AmbientScope Record() => Ambient.Enter(Ambient.Current with { Recording = true });
}
