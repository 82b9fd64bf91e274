namespace NativeDl.Training;

/// <summary>Sets the learning rate before each epoch: <c>new LearningRateSchedule(epoch => 0.1 / epoch)</c>.</summary>
/// <param name="rate">The learning rate of an epoch, from 1.</param>
public sealed class LearningRateSchedule(Func<int, double> rate) : Callback
{
    /// <inheritdoc/>
    public override void OnEpochBegin(FitContext fit) => fit.Optimizer.LearningRate = rate(fit.Epoch);
}
