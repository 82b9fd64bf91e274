using NUnit.Framework;

namespace NativeDl.Tests;

public sealed class UnaryTests
{
    private static readonly Func<Tensor, Tensor>[] All =
        [Ops.Abs, Ops.Exp, Ops.Log, Ops.Sigmoid, Ops.Sqrt, Ops.Square, Ops.Tanh];

    [TestCaseSource(nameof(All))]
    public void Unary_Integers_Throws(Func<Tensor, Tensor> op) =>
        Assert.Throws<DTypeException>(() => op(Tensor.Ones([3], DType.I32)));

    [TestCaseSource(nameof(All))]
    public void Unary_NaN_StaysNaN(Func<Tensor, Tensor> op) =>
        Assert.That(op(Tensor.Full([17], float.NaN)).ToArray<float>(), Is.All.NaN);

    [Test]
    public void Unary_AtTheEdges()
    {
        var x = Tensor.FromArray([float.NegativeInfinity, -200, 0, 200, float.PositiveInfinity]);
        Assert.Multiple(() =>
        {
            Assert.That(x.Exp().ToArray<float>(), Is.EqualTo(new[] { 0, 0, 1, float.PositiveInfinity, float.PositiveInfinity }));
            Assert.That(x.Sigmoid().ToArray<float>(), Is.EqualTo(new[] { 0, 0, 0.5f, 1, 1 }));
            Assert.That(x.Tanh().ToArray<float>(), Is.EqualTo(new[] { -1f, -1, 0, 1, 1 }));
            Assert.That(x.Abs().Log().ToArray<float>()[2], Is.EqualTo(float.NegativeInfinity));
            Assert.That(x.Abs().Sqrt().ToArray<float>()[4], Is.EqualTo(float.PositiveInfinity));
            Assert.That(x.Log().ToArray<float>()[1], Is.NaN);
            Assert.That(x.Sqrt().ToArray<float>()[1], Is.NaN);
        });
    }

    // A tolerance of the largest output, as the driver has, would not see the small ones.
    [Test]
    public void Unary_SmallResults_HaveTheirDigits([Values("cpu:vector:avx512", "cpu:vector:avx2", "cpu:vector:sse4")] string name)
    {
        var values = Enumerable.Range(0, 20000).Select(i => (float)(i - 10000) * 0.008f).ToArray();
        var x = Tensor.FromArray(values);
        void Check(string pass, Func<Tensor, Tensor> op, Func<double, double> f)
        {
            if (!Implementations.Of(pass).Any(i => i.Name == name && i.Obstacle is null))
                return;
            using (ExecutionOptions.Use(ExecutionOptions.Default.WithImplementation(pass, name)))
            {
                var y = op(x).ToArray<float>();
                for (var i = 0; i < y.Length; i++)
                    Assert.That(y[i], Is.EqualTo(f(values[i])).Within(3e-7 * Math.Abs(f(values[i]))), $"{pass} at {values[i]}");
            }
        }
        Check("exp_forward", Ops.Exp, Math.Exp);
        Check("sigmoid_forward", Ops.Sigmoid, v => v < 0 ? Math.Exp(v) / (1 + Math.Exp(v)) : 1 / (1 + Math.Exp(-v)));
        Check("tanh_forward", Ops.Tanh, Math.Tanh);
    }
}
