using System.Xml.Linq;
using NativeDl.Bench;
using NUnit.Framework;

namespace NativeDl.Tests.Bench;

/// <summary>What nativedl-bench reads, counts and judges; that it measures is not tested here.</summary>
public sealed class BenchTests
{
    [Test]
    public void ShippedWorkloads_AreRowsOfTheTables_AndHaveAdapters()
    {
        var groups = WorkloadList.Read(AppContext.BaseDirectory);
        Assert.That(groups.Select(g => g.Name), Is.Unique.And.SupersetOf(new[] { "gemm", "conv3x3", "memory", "resnet50_batch16", "train" }));
        Assert.That(groups.Single(g => g.Name == "resnet50_batch1").Entries.Sum(e => e.Count), Is.EqualTo(53));
    }

    [Test]
    public void Lines_AreReadAsWritten()
    {
        var groups = WorkloadList.Parse(["# words", "group a", "goal forward,backward must=1.5 aim=2 floor=0.9 sum", "3 * relu x=2x3", "", "group b", "gemm a=2x3:bf16 b=3x4:bf16 transpose_a=0"]);
        Assert.Multiple(() =>
        {
            Assert.That(groups[0].Goals.Single(), Is.EqualTo(new Goal(groups[0].Goals[0].Passes, 1.5, 2, 0.9, true)));
            Assert.That(groups[0].Entries.Single().Count, Is.EqualTo(3));
            Assert.That(groups[0].Has("backward"), Is.True);
            Assert.That(groups[0].Has("step"), Is.False);
            Assert.That(groups[1].Has("forward"), Is.True);
            Assert.That(groups[1].Entries[0].Workload.Operands["b"].ToString(), Is.EqualTo("3x4:bf16"));
            Assert.That(groups[1].Entries[0].Workload.Operands, Does.Not.ContainKey("transpose_a"));
        });
    }

    [TestCase("relu x=3", "group NAME")]
    [TestCase("group a\ngoal forward must=high", "'high'")]
    [TestCase("group a\ngoal forward best=2", "'best=2'")]
    [TestCase("group a\nno * relu x=3", "'no'")]
    [TestCase("group a\nrelu x", "key=value")]
    public void WrongLines_AreNamed(string text, string says)
    {
        var error = Assert.Throws<InvalidDataException>(() => WorkloadList.Parse(text.Split('\n')))!;
        Assert.That(error.Message, Does.Contain(says).And.Contain($"line {text.Split('\n').Length}"));
    }

    [Test]
    public void Samples_HaveTheirQuantiles()
    {
        var sample = Sample.Of([5, 1, 2, 4, 3, 6, 7, 8, 9, 10, 11]);
        Assert.That(sample, Is.EqualTo(new Sample(6, 2, 10, 1)));
        Assert.That(sample.By(Statistic.Least), Is.EqualTo(1));
        Assert.That(Statistics.GeometricMean([1, 4]), Is.EqualTo(2).Within(1e-12));
    }

    [Test]
    public void Rounds_AreRepeatedWhileCoresAreApart()
    {
        if (Environment.ProcessorCount < 2)
            Assert.Ignore("one core has no distance");
        var calls = 0;
        var timed = new Dictionary<string, Func<int, double>> { ["x"] = _ => ++calls };
        var error = Assert.Throws<InvalidDataException>(() => Runner.Measure(timed, new RunOptions { Rounds = 1, RoundTrip = 1e-3 }, default))!;
        Assert.That(error.Message, Does.Contain("--round-trip"));
        Assert.That(calls, Is.EqualTo(2), "only to warm up");
        Assert.That(Runner.Measure(timed, new RunOptions { Rounds = 3, RoundTrip = 1e9 }, default)["x"].Least, Is.EqualTo(5));
    }

    [Test]
    public void Work_CountsOperationsAndBytes()
    {
        var w = Workload.Parse("conv2d x=1x4x4x8 weight=16x3x3x8 pad_top=1 pad_bottom=1 pad_left=1 pad_right=1");
        var work = Work.Of(w, "backward_input", Inputs.Make(w));
        // Ten of the twelve taps of an axis lie inside; F(4x4) does nothing of less than a quarter of the whole.
        Assert.That(work, Is.EqualTo(new Work(2.0 * 10 * 10 * 16 * 8, 4 * (256 + 16 * 72), 4 * 128, 2.0 * 16 * 16 * 72 / 4)));
    }

    [Test]
    public void Goals_AreJudgedByTheBestPeer()
    {
        var group = new Group("g", [new Goal(["forward"], 2, 3, 1.5, false), new Goal(["forward"], 1, 2, 0, true)], []);
        Result Row(string row, int count, double ours, params (string Name, double Seconds)[] peers) => new(
            "g", count, Workload.Parse("relu x=" + row), "forward", new Work(0, 0, 0, 0),
            peers.Append(("us", ours)).ToDictionary(p => p.Item1, p => Sample.Of([p.Item2])), new Dictionary<string, string>(), new Dictionary<string, double>());
        Result[] results = [Row("1", 1, 1, ("a", 2), ("b", 9)), Row("2", 3, 1, ("a", 9), ("b", 8))];
        var judgements = Judgement.Of([group], results, "us", Statistic.Median).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(judgements[0].Factor, Is.EqualTo(4).Within(1e-12));
            Assert.That(judgements[0].Least, Is.EqualTo(2));
            Assert.That(judgements[0].Met, Is.True);
            Assert.That(judgements[1].Factor, Is.EqualTo((2 + 27) / 4.0));
        });
    }

    [TestCase("gemm a=5x3 b=5x7 transpose_a=1")]
    [TestCase("conv2d x=2x7x5x4 weight=6x3x3x2 bias=6 groups=2 stride_h=2 dilation_w=2 pad_top=1 pad_left=2 activation=relu")]
    public void Errors_OfTheLibraryAreRounding(string row)
    {
        var (workload, inputs) = (Workload.Parse(row), Inputs.Make(Workload.Parse(row)));
        using var library = new LibraryContestant();
        var prepared = library.Prepare(workload, inputs, threads: 1)!;
        foreach (var pass in prepared.Passes.Keys)
        {
            var errors = NativeDl.Bench.Accuracy.Errors(workload, pass, inputs, new Dictionary<string, IReadOnlyDictionary<string, float[]>> { ["us"] = prepared.Outputs });
            Assert.That(errors["us"], Is.LessThan(1e-5), pass);
        }
    }

    [Test]
    public void Scale_TakesPowersOfTwoAndNeighbours_AndSeesCliffs()
    {
        Assert.That(ScaleCommand.Sizes(8, 33), Is.EqualTo([8, 9, 15, 16, 17, 31, 32, 33]));
        Assert.That(ScaleCommand.Cliffs([(1, 1), (2, 2), (3, 1.2), (4, 1)]), Is.EqualTo([2]));
    }

    [Test]
    public void Plots_AreXml()
    {
        var plot = new SvgPlot("a < b", "x", "y");
        plot.Add("one & two", [(1, 0.5), (256, 20)]);
        Assert.That(XDocument.Parse(plot.ToString()).Descendants().Count(e => e.Name.LocalName == "circle"), Is.EqualTo(2));
    }
}
