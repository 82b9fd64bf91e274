using System.Globalization;

namespace NativeDl.Tool;

/// <summary>Numbers as people read them, the same in every country.</summary>
internal static class Words
{
    public static string Percent(double share, int digits = 2) =>
        (100 * share).ToString($"F{digits}", CultureInfo.InvariantCulture) + " %";

    public static string Number(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    public static string Decimal(double value, int digits = 4) => value.ToString($"F{digits}", CultureInfo.InvariantCulture);

    public static string Bytes(long bytes) => bytes < 1 << 20
        ? $"{Decimal(bytes / 1024.0, 1)} KiB"
        : $"{Decimal(bytes / (1024.0 * 1024), 1)} MiB";

    /// <summary>"8.1 s", "2:05 min", "1:02:05 h".</summary>
    public static string Time(double seconds)
    {
        if (!double.IsFinite(seconds))
            return "?";
        var span = TimeSpan.FromSeconds(Math.Min(seconds, TimeSpan.FromDays(999).TotalSeconds));
        return seconds < 60 ? $"{Decimal(seconds, 1)} s"
            : seconds < 3600 ? $"{span.Minutes}:{span.Seconds:00} min"
            : $"{(int)span.TotalHours}:{span.Minutes:00}:{span.Seconds:00} h";
    }
}
