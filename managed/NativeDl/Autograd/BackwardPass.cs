namespace NativeDl;

/// <summary>
/// Takes a gradient from one tensor to all leaves. Nodes are visited by falling sequence number: a node's consumers
/// were all recorded after it, so it is visited once, when its gradient is complete. The order of the sums is that of
/// the visits, the same in every run. No recursion, so no limit on depth.
/// </summary>
internal sealed class BackwardPass(bool retainGraph)
{
    private readonly PriorityQueue<GradientNode, long> _queue = new();
    private readonly Dictionary<GradientNode, Gradient> _arrived = [];

    /// <summary>
    /// A gradient on its way. The object always belongs to this pass; where exclusive, so does its memory, which may
    /// then be added to, or given away, without a copy.
    /// </summary>
    private readonly record struct Gradient(Tensor Tensor, bool Exclusive);

    /// <summary>Runs the pass. The seed's object is taken over.</summary>
    public void Run(GradientTarget root, Tensor seed, bool exclusive)
    {
        Deliver(root, new Gradient(seed, exclusive), "Backward");
        while (_queue.TryDequeue(out var node, out _))
        {
            _arrived.Remove(node, out var gradient);
            try
            {
                Visit(node, gradient.Tensor);
            }
            finally
            {
                node.Release(retainGraph);
                gradient.Tensor.Dispose();
            }
        }
    }

    private void Visit(GradientNode node, Tensor dy)
    {
        var results = node.Apply(dy);
        Span<ulong> storages = stackalloc ulong[results.Length];
        for (var i = 0; i < results.Length; i++)
        {
            storages[i] = results[i]?.Storage ?? 0;
            // One object each: every receiver disposes what it is given.
            if (results[i] is { } result && (result == dy || Array.IndexOf(results, result) < i))
                results[i] = result.Detach();
        }

        var dyStorage = dy.Storage;
        for (var i = 0; i < results.Length; i++)
        {
            if (results[i] is not { } result)
                continue;
            var storage = storages[i];
            var exclusive = storage != dyStorage && storages.Count(storage) == 1 && !node.HasUnpacked(storage);
            if (node.Inputs[i] is { } target)
                Deliver(target, new Gradient(result, exclusive), node.Op);
            else
                result.Dispose();
        }
    }

    private void Deliver(GradientTarget target, Gradient gradient, string op)
    {
        if (target is LeafGradient leaf)
        {
            leaf.Accumulate(gradient.Tensor, gradient.Exclusive, op);
            return;
        }
        var node = (GradientNode)target;
        if (_arrived.TryGetValue(node, out var sum))
        {
            _arrived[node] = Add(sum, gradient);
        }
        else
        {
            _arrived.Add(node, gradient);
            _queue.Enqueue(node, -node.Sequence);
        }
    }

    private static Gradient Add(Gradient left, Gradient right)
    {
        var (to, from) = left.Exclusive ? (left.Tensor, right.Tensor)
            : right.Exclusive ? (right.Tensor, left.Tensor)
            : (left.Tensor.Copy(), right.Tensor);
        to.AddInPlace(from);
        from.Dispose();
        if (!left.Exclusive && !right.Exclusive)
            left.Tensor.Dispose();
        return new Gradient(to, Exclusive: true);
    }
}
