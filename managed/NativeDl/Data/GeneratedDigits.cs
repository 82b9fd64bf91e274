using System.Numerics;

namespace NativeDl.Data;

/// <summary>
/// Images of handwritten-looking digits, drawn by this library: 28 by 28, grey, light ink on dark, ten classes. They
/// are for learning and testing without a download: in the shape of MNIST, and like it not to be solved by a linear
/// model. An image depends on nothing but the seed and its index, and is the same, bit for bit, on every machine.
/// </summary>
public static class GeneratedDigits
{
    /// <summary>Rows and columns of an image.</summary>
    public const int Size = 28;

    private const int StepsPerSpan = 5;

    /// <summary>The names of the ten classes.</summary>
    public static IReadOnlyList<string> ClassNames { get; } = Array.AsReadOnly(
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);

    /// <summary>Draws a set of digits, on all cores.</summary>
    /// <param name="count">How many.</param>
    /// <param name="seed">Another seed gives other images: use one for training and another for testing.</param>
    public static ImageSet Generate(int count, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Array.MaxLength / (Size * Size));
        var pixels = new byte[count * Size * Size];
        var labels = new int[count];
        const int block = 64;
        Parallel.For(0, (count + block - 1) / block, b =>
        {
            for (var i = b * block; i < Math.Min(count, (b + 1) * block); i++)
                labels[i] = Draw(seed, i, pixels.AsSpan(i * Size * Size, Size * Size));
        });
        return new ImageSet(pixels, labels, Size, Size, 1, ClassNames);
    }

    /// <summary>Draws one digit.</summary>
    /// <param name="seed">The seed of the set.</param>
    /// <param name="index">The place in the set.</param>
    /// <param name="pixels">Takes the 28 by 28 bytes.</param>
    /// <returns>The digit.</returns>
    public static int Draw(ulong seed, int index, Span<byte> pixels)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfNotEqual(pixels.Length, Size * Size);
        var random = new CounterRandom(seed, (ulong)index);
        var digit = random.Next(10);
        var styles = DigitStyles.Of(digit);
        Span<float> ink = stackalloc float[Size * Size];
        ink.Clear();
        DrawStrokes(styles[random.Next(styles.Length)], ink, ref random);
        Expose(ink, pixels, ref random);
        return digit;
    }

    private static void DrawStrokes(ReadOnlySpan<Anchor> glyph, Span<float> ink, ref CounterRandom random)
    {
        Span<Vector2> anchors = stackalloc Vector2[glyph.Length];
        for (var i = 0; i < glyph.Length; i++)
            anchors[i] = glyph[i].Position + 2f * new Vector2(random.Bell(), random.Bell());
        var hand = new Hand(ref random);
        var pen = new Pen(ref random);
        for (var i = 0; i + 1 < glyph.Length; i++)
        {
            if (glyph[i].Move == PenMove.Lift)
                continue;
            // A curve through p1 and p2 (Catmull and Rom) whose ends there point along p0 p2 and p1 p3.
            var (p1, p2) = (anchors[i], anchors[i + 1]);
            var p0 = i > 0 && glyph[i - 1].Move != PenMove.Lift && glyph[i].Move == PenMove.Smooth
                ? anchors[i - 1] : p1;
            var p3 = glyph[i + 1].Move == PenMove.Smooth ? anchors[i + 2] : p2;
            var from = hand.Place(p1);
            for (var step = 1; step <= StepsPerSpan; step++)
            {
                var t = step * (1f / StepsPerSpan);
                var point = p1 + (0.5f * t) * (p2 - p0
                    + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)));
                var to = hand.Place(point);
                pen.Draw(from, to, ink);
                from = to;
            }
        }
    }

    /// <summary>From ink in [0, 1] to bytes: contrast, background and noise.</summary>
    private static void Expose(ReadOnlySpan<float> ink, Span<byte> pixels, ref CounterRandom random)
    {
        var paper = Math.Max(0, random.Uniform(-40, 30));
        var contrast = random.Uniform(150, 255 - paper);
        var grain = Math.Max(0, random.Uniform(-0.06f, 0.08f));
        var bits = 0ul;
        for (var i = 0; i < pixels.Length; i++)
        {
            bits = i % 4 == 0 ? random.NextUInt64() : bits >> 16;
            var noise = (int)(bits & 0xFF) + (int)(bits >> 8 & 0xFF) - 255;
            var value = paper + contrast * ink[i] + grain * noise;
            pixels[i] = (byte)(Math.Clamp(value, 0f, 255f) + 0.5f);
        }
    }

    /// <summary>Where a point of the glyph's box falls in the image: a smooth warp, then an affine map.</summary>
    private readonly ref struct Hand
    {
        private readonly Vector2 _right, _down, _origin;
        private readonly Warp _warp;

        public Hand(ref CounterRandom random)
        {
            // Half the angle's tangent gives its sine and cosine without functions that differ between machines.
            var half = 0.08f * random.Bell();
            var cos = (1 - half * half) / (1 + half * half);
            var sin = 2 * half / (1 + half * half);
            var slant = -0.08f + 0.14f * random.Bell();
            var size = random.Uniform(0.16f, 0.21f);
            var width = size * random.Uniform(0.75f, 1.1f);
            _right = width * new Vector2(cos, sin);
            _down = size * (new Vector2(-sin, cos) + slant * new Vector2(cos, sin));
            var shift = new Vector2(random.Uniform(-2.2f, 2.2f), random.Uniform(-2.2f, 2.2f));
            _origin = new Vector2((Size - 1) * 0.5f) + shift - 50 * (_right + _down);
            for (var i = 0; i < Warp.Nodes * Warp.Nodes; i++)
                _warp[i] = 5f * new Vector2(random.Bell(), random.Bell());
        }

        public Vector2 Place(Vector2 p)
        {
            p += Displacement(p);
            return _origin + p.X * _right + p.Y * _down;
        }

        private Vector2 Displacement(Vector2 p)
        {
            const float scale = (Warp.Nodes - 1) / 100f;
            var x = Math.Clamp(p.X * scale, 0, Warp.Nodes - 1.001f);
            var y = Math.Clamp(p.Y * scale, 0, Warp.Nodes - 1.001f);
            var (column, row) = ((int)x, (int)y);
            var (u, v) = (Ease(x - column), Ease(y - row));
            var at = row * Warp.Nodes + column;
            var above = _warp[at] + u * (_warp[at + 1] - _warp[at]);
            var below = _warp[at + Warp.Nodes] + u * (_warp[at + Warp.Nodes + 1] - _warp[at + Warp.Nodes]);
            return above + v * (below - above);

            static float Ease(float t) => t * t * (3 - 2 * t);
        }
    }

    /// <summary>Displacements at the nodes of a grid over the glyph's box.</summary>
    [System.Runtime.CompilerServices.InlineArray(Nodes * Nodes)]
    private struct Warp
    {
        public const int Nodes = 4;

        private Vector2 _first;
    }

    /// <summary>A round pen whose pressure, and so its radius, drifts along the way.</summary>
    private struct Pen
    {
        private readonly float _softness, _drift, _min, _max;
        private float _radius;

        public Pen(ref CounterRandom random)
        {
            _softness = random.Uniform(0.8f, 1.6f);
            _radius = random.Uniform(0.6f, 1.6f);
            _drift = 0.008f * random.Bell();
            _min = Math.Max(0.5f, _radius * 0.7f);
            _max = _radius * 1.3f;
        }

        /// <summary>Inks the pixels near the segment: fully within the radius, fading out around it.</summary>
        public void Draw(Vector2 from, Vector2 to, Span<float> ink)
        {
            _radius = Math.Clamp(_radius + _drift, _min, _max);
            var along = to - from;
            var squared = along.X * along.X + along.Y * along.Y;
            var inverse = squared > 0 ? 1 / squared : 0;
            var reach = _radius + 0.5f * _softness;
            var fade = 1 / _softness;
            var (left, right) = Range(from.X, to.X, reach);
            var (top, bottom) = Range(from.Y, to.Y, reach);
            for (var y = top; y <= bottom; y++)
            {
                for (var x = left; x <= right; x++)
                {
                    var offset = new Vector2(x, y) - from;
                    var t = Math.Clamp((offset.X * along.X + offset.Y * along.Y) * inverse, 0f, 1f);
                    offset -= t * along;
                    var distance = offset.X * offset.X + offset.Y * offset.Y;
                    if (distance >= reach * reach)
                        continue;
                    ref var pixel = ref ink[y * Size + x];
                    pixel = Math.Max(pixel, Math.Min(1, (reach - MathF.Sqrt(distance)) * fade));
                }
            }
        }

        private static (int First, int Last) Range(float a, float b, float reach) =>
            ((int)Math.Clamp(MathF.Ceiling(Math.Min(a, b) - reach), 0, Size),
             (int)Math.Clamp(MathF.Floor(Math.Max(a, b) + reach), -1, Size - 1));
    }
}
