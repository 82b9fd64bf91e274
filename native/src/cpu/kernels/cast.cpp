// cpu/kernels/cast.cpp: from every dtype to every other.
//   y[i] = x[i] in the other dtype: to floats rounded to nearest even, to integers truncated and saturated, NaN to 0
// Mapping: plain loops over branch-free conversions of one element, which the compiler turns into vectors.
// f16 and bf16 are read as f32, which is exact. What is not exact in f32 is first rounded to an odd f32, so that the
// second rounding, to f16 or bf16, decides as if it were the only one (Boldo, Melquiond, "When double rounding is odd").
// Refuses nothing. Bound: memory bandwidth.
#include "cpu/simd.hpp"
#include "ops/cast.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

NDL_INLINE uint32_t bits_of(float v) {
  uint32_t bits;
  __builtin_memcpy(&bits, &v, sizeof(bits));
  return bits;
}
NDL_INLINE float float_of(uint32_t bits) {
  float v;
  __builtin_memcpy(&v, &bits, sizeof(v));
  return v;
}

template <class T>
NDL_INLINE T widen(T v) { return v; }
NDL_INLINE float widen(BFloat16 v) { return float_of(static_cast<uint32_t>(v.bits) << 16); }
NDL_INLINE float widen(Half v) {
  const uint32_t magnitude = v.bits & 0x7fffu;
  const uint32_t finite = bits_of(float_of(magnitude << 13) * 0x1p112f);  // rebased exponent; denormals come out normal
  const uint32_t special = magnitude >= 0x7c00u ? 0x7f800000u | magnitude << 13 : finite;
  return float_of(special | (static_cast<uint32_t>(v.bits) & 0x8000u) << 16);
}

NDL_INLINE float round_to_odd(double v) {
  const auto nearest = static_cast<float>(v);
  const uint32_t cut = bits_of(nearest) - (__builtin_fabs(static_cast<double>(nearest)) > __builtin_fabs(v) ? 1u : 0u);
  return float_of(static_cast<double>(float_of(cut)) == v ? cut : cut | 1u);
}

template <class To>
struct Narrow {  // to integers
  static constexpr bool kSigned = static_cast<To>(-1) < 0;
  static constexpr int kBits = static_cast<int>(sizeof(To)) * 8 - (kSigned ? 1 : 0);
  static constexpr To kMax = static_cast<To>(~uint64_t{0} >> (64 - kBits));
  static constexpr To kMin = kSigned ? static_cast<To>(-kMax - 1) : To{0};

  template <class F>
  static NDL_INLINE To from_float(F v) {
    const F low = static_cast<F>(kMin), high = static_cast<F>(uint64_t{1} << kBits);  // high: one more than the largest
    F inside = v > low ? v : low;
    inside = inside < high ? inside : F{0};
    const To whole = v >= high ? kMax : static_cast<To>(inside);
    return v == v ? whole : To{0};
  }
  static NDL_INLINE To of(float v) { return from_float(v); }
  static NDL_INLINE To of(double v) { return from_float(v); }
  template <class I>
  static NDL_INLINE To of(I v) {
    const auto wide = static_cast<int64_t>(v);
    return wide < static_cast<int64_t>(kMin) ? kMin : wide > static_cast<int64_t>(kMax) ? kMax : static_cast<To>(v);
  }
};
template <>
struct Narrow<float> {
  template <class T>
  static NDL_INLINE float of(T v) { return static_cast<float>(v); }
};
template <>
struct Narrow<double> {
  template <class T>
  static NDL_INLINE double of(T v) { return static_cast<double>(v); }
};
template <>
struct Narrow<Half> {
  static NDL_INLINE Half of(float v) {
    const uint32_t bits = bits_of(v), magnitude = bits & 0x7fffffffu, rebased = magnitude - (112u << 23);
    const uint32_t normal = (rebased + 0xfffu + (rebased >> 13 & 1u)) >> 13;
    const uint32_t denormal = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);  // 0.5's last bit is the smallest half
    uint32_t result = magnitude < (113u << 23) ? denormal : normal;
    result = magnitude >= bits_of(65520.0f) ? 0x7c00u : result;
    result = magnitude > 0x7f800000u ? 0x7e00u : result;
    return {static_cast<uint16_t>(result | (bits >> 16 & 0x8000u))};
  }
  static NDL_INLINE Half of(double v) { return of(round_to_odd(v)); }
  template <class I>
  static NDL_INLINE Half of(I v) { return of(static_cast<double>(v)); }
};
template <>
struct Narrow<BFloat16> {
  static NDL_INLINE BFloat16 of(float v) {
    const uint32_t bits = bits_of(v), rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return {static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : rounded)};
  }
  static NDL_INLINE BFloat16 of(double v) { return of(round_to_odd(v)); }
  template <class I>
  static NDL_INLINE BFloat16 of(I v) { return of(static_cast<double>(v)); }
};

template <class From, class To>
void convert(const Cast& r, const Buffers& b, const Exec& exec) {
  const From* x = b.get<From>(Cast::kX);
  To* y = b.get<To>(Cast::kY);
  exec.parallel_for(r.count, 16384, [=](int64_t begin, int64_t end, int32_t) {
    const From* __restrict from = x + begin;
    To* __restrict to = y + begin;
    for (int64_t i = 0; i < end - begin; ++i) to[i] = Narrow<To>::of(widen(from[i]));
  });
}

template <class T>
void copy(const Cast& r, const Buffers& b, const Exec& exec) {
  const T* x = b.get<T>(Cast::kX);
  T* y = b.get<T>(Cast::kY);
  exec.parallel_for(r.count, 16384, [=](int64_t begin, int64_t end, int32_t) {
    __builtin_memcpy(y + begin, x + begin, static_cast<unsigned long>(end - begin) * sizeof(T));
  });
}

template <class From>
void from(const Cast& r, const Buffers& b, const Exec& exec) {
  if (r.from == r.to) return copy<From>(r, b, exec);
  switch (r.to) {
    case NDL_DTYPE_F32: return convert<From, float>(r, b, exec);
    case NDL_DTYPE_F64: return convert<From, double>(r, b, exec);
    case NDL_DTYPE_F16: return convert<From, Half>(r, b, exec);
    case NDL_DTYPE_BF16: return convert<From, BFloat16>(r, b, exec);
    case NDL_DTYPE_I64: return convert<From, int64_t>(r, b, exec);
    case NDL_DTYPE_I32: return convert<From, int32_t>(r, b, exec);
    case NDL_DTYPE_I8: return convert<From, int8_t>(r, b, exec);
    case NDL_DTYPE_U8: return convert<From, uint8_t>(r, b, exec);
  }
}

void forward(const Cast& r, const Buffers& b, const Exec& exec) {
  switch (r.from) {
    case NDL_DTYPE_F32: return from<float>(r, b, exec);
    case NDL_DTYPE_F64: return from<double>(r, b, exec);
    case NDL_DTYPE_F16: return from<Half>(r, b, exec);
    case NDL_DTYPE_BF16: return from<BFloat16>(r, b, exec);
    case NDL_DTYPE_I64: return from<int64_t>(r, b, exec);
    case NDL_DTYPE_I32: return from<int32_t>(r, b, exec);
    case NDL_DTYPE_I8: return from<int8_t>(r, b, exec);
    case NDL_DTYPE_U8: return from<uint8_t>(r, b, exec);
  }
}

}  // namespace

const Kernel<Cast> cast_forward_vector{forward};

}  // namespace ndl::cpu::NDL_ISA
