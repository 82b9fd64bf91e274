namespace NativeDl.Bench;

/// <summary>A goal of a group beside what was measured: the factor best peer / ours, and the least factor of one row.</summary>
internal sealed record Judgement(string Group, Goal Goal, double Factor, double Least, int Rows)
{
    public bool Met => Factor >= Goal.Must && Least >= Goal.Floor;

    /// <summary>The goals that have results. Rows that no peer ran do not count.</summary>
    public static IEnumerable<Judgement> Of(IReadOnlyList<Group> groups, IReadOnlyList<Result> results, string library, Statistic statistic)
    {
        foreach (var group in groups)
        {
            foreach (var goal in group.Goals)
            {
                var rows = results.Where(r => r.Group == group.Name && goal.Passes.Contains(r.Pass) && BestPeer(r, library, statistic) is not null).ToList();
                if (rows.Count == 0)
                    continue;
                var factors = rows.Select(r => FactorOf(r, library, statistic)!.Value).ToList();
                var factor = goal.Sum ? Summed(rows, library, statistic) : Statistics.GeometricMean(factors);
                yield return new Judgement(group.Name, goal, factor, factors.Min(), rows.Count);
            }
        }
    }

    public static (string Name, double Seconds)? BestPeer(Result result, string library, Statistic statistic)
    {
        var peers = result.Seconds.Where(s => s.Key != library).Select(s => (s.Key, s.Value.By(statistic))).ToList();
        return peers.Count == 0 ? null : peers.MinBy(p => p.Item2);
    }

    public static double? FactorOf(Result result, string library, Statistic statistic) =>
        BestPeer(result, library, statistic) is { } best ? best.Seconds / result.Seconds[library].By(statistic) : null;

    // One network is run by one peer: the best of the sums, not the sum of the bests.
    private static double Summed(List<Result> rows, string library, Statistic statistic)
    {
        double Sum(string name) => rows.Sum(r => r.Count * r.Seconds[name].By(statistic));
        var peers = rows[0].Seconds.Keys.Where(name => name != library && rows.All(r => r.Seconds.ContainsKey(name))).ToList();
        return peers.Count == 0 ? double.NaN : peers.Min(Sum) / Sum(library);
    }
}
