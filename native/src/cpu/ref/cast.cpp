// cpu/ref/cast.cpp: cast by the definition, every pair of dtypes. A value is an i64 or a double on its way.
#include "ops/cast.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "core/desc.hpp"

namespace ndl::cpu::ref {
namespace {

// The short floats: bits of the mantissa behind the point, exponent of the smallest normal number.
struct ShortFloat {
  int mantissa, smallest;
};
ShortFloat short_float(ndl_dtype dtype) { return dtype == NDL_DTYPE_F16 ? ShortFloat{10, -14} : ShortFloat{7, -126}; }

uint16_t encode(double v, ShortFloat format) {
  const uint32_t infinity = 0x7fffu >> format.mantissa;  // the exponent field of all ones
  const uint32_t sign = std::signbit(v) ? 0x8000u : 0;
  if (std::isnan(v)) return static_cast<uint16_t>(sign | infinity << format.mantissa | 1u << (format.mantissa - 1));
  const int exponent = v == 0 || std::isinf(v) ? format.smallest : std::max(std::ilogb(v), format.smallest);
  // In units of the last place: at most 2^(mantissa + 1), which carries into the exponent by itself.
  const double units = std::nearbyint(std::ldexp(std::abs(v), format.mantissa - exponent));
  if (std::isinf(v) || exponent > -format.smallest + 1) return static_cast<uint16_t>(sign | infinity << format.mantissa);
  const auto field = static_cast<uint32_t>(exponent - format.smallest);
  return static_cast<uint16_t>(sign | std::min((field << format.mantissa) + static_cast<uint32_t>(units), infinity << format.mantissa));
}

double decode(uint16_t bits, ShortFloat format) {
  const int field = (bits & 0x7fff) >> format.mantissa, fraction = bits & ((1 << format.mantissa) - 1);
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (field == 0) return sign * std::ldexp(fraction, format.smallest - format.mantissa);
  if (field == 0x7fff >> format.mantissa) return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  return sign * std::ldexp(fraction + (1 << format.mantissa), field - 1 + format.smallest - format.mantissa);
}

template <class T>
T load(const void* x) {
  T value;
  std::memcpy(&value, x, sizeof(value));
  return value;
}

template <class Body>
void visit(ndl_dtype from, const void* x, const Body& body) {
  switch (from) {
    case NDL_DTYPE_F32: return body(static_cast<double>(load<float>(x)));
    case NDL_DTYPE_F64: return body(load<double>(x));
    case NDL_DTYPE_F16:
    case NDL_DTYPE_BF16: return body(decode(load<uint16_t>(x), short_float(from)));
    case NDL_DTYPE_I64: return body(load<int64_t>(x));
    case NDL_DTYPE_I32: return body(static_cast<int64_t>(load<int32_t>(x)));
    case NDL_DTYPE_I8: return body(static_cast<int64_t>(load<int8_t>(x)));
    case NDL_DTYPE_U8: return body(static_cast<int64_t>(load<uint8_t>(x)));
  }
}

template <class I>
I saturate(int64_t v) {
  using Limits = std::numeric_limits<I>;
  return v < static_cast<int64_t>(Limits::min()) ? Limits::min() : v > static_cast<int64_t>(Limits::max()) ? Limits::max() : static_cast<I>(v);
}
template <class I>
I saturate(double v) {
  using Limits = std::numeric_limits<I>;
  if (std::isnan(v)) return 0;
  const double limit = std::ldexp(1.0, Limits::digits);  // one more than the largest
  if (v >= limit) return Limits::max();
  return v <= static_cast<double>(Limits::min()) ? Limits::min() : static_cast<I>(v);
}

template <class V>
void put(V value, ndl_dtype to, void* y) {
  const auto write = [&](auto v) { std::memcpy(y, &v, sizeof(v)); };
  switch (to) {
    case NDL_DTYPE_F32: return write(static_cast<float>(value));
    case NDL_DTYPE_F64: return write(static_cast<double>(value));
    case NDL_DTYPE_F16:
    case NDL_DTYPE_BF16: return write(encode(static_cast<double>(value), short_float(to)));
    case NDL_DTYPE_I64: return write(saturate<int64_t>(value));
    case NDL_DTYPE_I32: return write(saturate<int32_t>(value));
    case NDL_DTYPE_I8: return write(saturate<int8_t>(value));
    case NDL_DTYPE_U8: return write(saturate<uint8_t>(value));
  }
}

void forward(const Cast& r, const Buffers& b, const Exec&) {
  const auto* x = b.get<unsigned char>(Cast::kX);
  auto* y = b.get<unsigned char>(Cast::kY);
  const int64_t x_size = dtype_size(r.from), y_size = dtype_size(r.to);
  for (int64_t i = 0; i < r.count; ++i) cast_element(r.from, x + i * x_size, r.to, y + i * y_size);
}

}  // namespace

void cast_element(ndl_dtype from, const void* x, ndl_dtype to, void* y) {
  visit(from, x, [&](auto value) { put(value, to, y); });
}

const Kernel<Cast> cast_forward{forward};

}  // namespace ndl::cpu::ref
