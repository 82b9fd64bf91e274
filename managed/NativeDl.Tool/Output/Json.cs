using System.Text.Json;
using System.Text.Json.Serialization;

namespace NativeDl.Tool;

/// <summary>Results as one line of JSON.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new FiniteConverter() },
    };

    public static void Print<T>(Terminal terminal, T result) =>
        terminal.Out.WriteLine(JsonSerializer.Serialize(result, Options));

    /// <summary>JSON has no word for a loss that has become infinite: it is null.</summary>
    private sealed class FiniteConverter : JsonConverter<double>
    {
        public override double Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            reader.GetDouble();

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            if (double.IsFinite(value))
                writer.WriteNumberValue(value);
            else
                writer.WriteNullValue();
        }
    }
}
