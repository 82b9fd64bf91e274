using System.Globalization;
using System.Numerics;

namespace NativeDl.Data;

/// <summary>How the pen leaves an anchor of a glyph.</summary>
internal enum PenMove : byte
{
    Smooth,
    Corner,
    Lift,
}

internal readonly record struct Anchor(Vector2 Position, PenMove Move);

/// <summary>
/// The ways to write each digit. A glyph is a list of anchors "x,y" in a box of 100 by 100, y down, through which
/// a smooth curve runs; "!" after an anchor makes it a corner, "|" lifts the pen.
/// </summary>
internal static class DigitStyles
{
    private static readonly Anchor[][][] Glyphs = Array.ConvertAll<string[], Anchor[][]>(
    [
        [
            "50,5 26,22 18,52 30,84 52,95 80,70 78,26 48,5",
            "52,4 34,24 30,52 36,80 52,95 66,78 70,50 66,24 48,5",
            "70,16 48,5 24,24 18,54 30,86 54,94 78,76 80,44 66,16 44,10",
        ],
        [
            "52,4 50,50 48,96",
            "62,4 50,50 40,96",
            "38,22 54,5! 53,50 52,96",
            "38,20 52,6! 52,50 52,94 | 30,95 74,94",
        ],
        [
            "20,28 34,9 60,7 76,26 66,50 42,74 18,94! 50,93 82,93",
            "22,24 40,6 66,10 74,32 56,60 32,84 18,90 20,76 36,78 58,92 84,90",
            "24,20 50,6 74,20 70,42 22,92! 82,94",
        ],
        [
            "22,18 46,5 72,16 68,38 42,47! 74,56 78,80 50,96 18,84",
            "22,8 76,8! 46,42! 74,54 78,78 52,95 18,84",
            "24,14 50,5 72,20 62,40 44,46 46,50 66,54 78,74 60,94 34,94 18,82",
        ],
        [
            "32,6 26,34 20,56! 82,56 | 66,10 64,50 62,96",
            "64,95 64,50 64,5! 18,66! 84,66",
            "26,10 24,40 36,54 60,50 70,40 | 72,8 68,50 64,96",
        ],
        [
            "74,7 30,8! 26,44! 50,38 74,50 78,72 58,94 20,88",
            "32,10 28,46! 54,40 76,56 74,80 50,95 22,88 | 32,10 76,7",
            "76,12 46,8 28,24 40,44 66,54 74,74 56,94 22,88",
        ],
        [
            "66,6 40,24 24,54 26,82 50,95 74,82 72,60 50,52 26,68",
            "54,4 36,36 24,66 34,92 58,94 76,76 64,58 44,58 28,74",
            "74,18 58,6 36,20 22,52 26,84 52,95 76,78 68,56 44,54 24,70",
        ],
        [
            "20,10 80,8! 60,46 44,95",
            "20,10 80,8! 60,46 44,95 | 34,52 74,50",
            "22,26 20,10! 78,8! 62,36 50,66 46,96",
            "18,12 50,14 80,6! 52,50 46,96",
        ],
        [
            "70,18 48,5 28,20 38,40 62,54 76,76 52,96 26,80 36,56 62,40 72,20 56,6",
            "50,5 28,16 30,38 50,47 70,38 72,16 50,5 | 50,47 22,60 24,88 50,96 76,88 78,60 50,47",
            "66,12 44,6 32,22 46,42 64,60 66,84 48,96 30,84 36,60 56,40 66,22 60,10",
        ],
        [
            "72,24 52,6 28,18 26,42 48,52 70,38 74,18! 72,56 66,96",
            "74,26 54,5 28,18 26,42 48,52 70,40 76,20! 76,60 60,90 28,92",
            "70,14 44,6 24,26 38,50 62,44 74,16 68,60 58,96",
        ],
    ],
    styles => Array.ConvertAll(styles, Parse));

    /// <summary>The styles of a digit.</summary>
    public static ReadOnlySpan<Anchor[]> Of(int digit) => Glyphs[digit];

    private static Anchor[] Parse(string glyph)
    {
        var anchors = new List<Anchor>();
        foreach (var word in glyph.Split(' '))
        {
            if (word == "|")
            {
                anchors[^1] = anchors[^1] with { Move = PenMove.Lift };
                continue;
            }
            var xy = word.TrimEnd('!').Split(',');
            var position = new Vector2(Coordinate(xy[0]), Coordinate(xy[1]));
            anchors.Add(new Anchor(position, word.EndsWith('!') ? PenMove.Corner : PenMove.Smooth));
        }
        anchors[^1] = anchors[^1] with { Move = PenMove.Lift };
        return [.. anchors];

        static float Coordinate(string text) => int.Parse(text, CultureInfo.InvariantCulture);
    }
}
