// cpu/simd.hpp: one vector type over all widths. Included only by sources that CMake builds once per instruction
// set with NDL_ISA set to its namespace.
//
// GCC and Clang vector extensions give arithmetic, comparison and select for any width; products and sums
// contract to FMA where the set has it. Written by hand are the few things that they lack.
#pragma once

#include <cstdint>
#include <cstring>

#include "core/kernel.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ndl::cpu::NDL_ISA {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif
inline constexpr int kLanes = kVectorBytes / 4;

typedef float F32 __attribute__((vector_size(kVectorBytes)));
typedef int32_t I32 __attribute__((vector_size(kVectorBytes)));  // also the mask: 0 or -1 in each lane

// Sizes.
NDL_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
NDL_INLINE int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }
NDL_INLINE int64_t at_least_1(int64_t a) { return a < 1 ? 1 : a; }
NDL_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
NDL_INLINE int64_t whole_vectors(int64_t n) { return ceil_div(n, kLanes) * kLanes; }

template <class V>
struct ElementOf;
template <>
struct ElementOf<F32> { using type = float; };
template <>
struct ElementOf<I32> { using type = int32_t; };
template <class V>
using Element = typename ElementOf<V>::type;

template <class V>
NDL_INLINE V load(const Element<V>* source) {
  V v;
  __builtin_memcpy(&v, source, sizeof(v));
  return v;
}
NDL_INLINE F32 load(const float* source) { return load<F32>(source); }

template <class V>
NDL_INLINE void store(Element<V>* target, V v) {
  __builtin_memcpy(target, &v, sizeof(v));
}

// A difference, since value + 0 would be an addition that a compiler must keep: it turns -0 into 0.
template <class V>
NDL_INLINE V broadcast(Element<V> value) {
  return value - V{};
}
NDL_INLINE F32 broadcast(float value) { return value - F32{}; }

// Where v is larger than best, or the first NaN.
NDL_INLINE I32 beats(F32 v, F32 best) { return (v > best) | ((v != v) & (best == best)); }

NDL_INLINE F32 select(I32 mask, F32 yes, F32 no) { return mask ? yes : no; }
NDL_INLINE I32 select(I32 mask, I32 yes, I32 no) { return mask ? yes : no; }
// Whether any lane of a mask is set.
NDL_INLINE bool any(I32 mask) {
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_epi8((__m256i)mask) != 0;
#elif defined(__x86_64__)
  return _mm_movemask_epi8((__m128i)mask) != 0;
#else
  int32_t all = 0;
  for (int i = 0; i < kLanes; ++i) all |= mask[i];
  return all != 0;
#endif
}
// b where either is NaN, as the instructions have it; GCC makes a comparison and a blend of `a > b ? a : b`.
NDL_INLINE F32 maximum(F32 a, F32 b) {
#if defined(__AVX512F__)
  return (F32)_mm512_maskz_max_ps(0xFFFF, (__m512)a, (__m512)b);  // maskz: the plain one warns in GCC 12
#elif defined(__AVX2__)
  return (F32)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__x86_64__)
  return (F32)_mm_max_ps((__m128)a, (__m128)b);
#else
  return a > b ? a : b;
#endif
}
NDL_INLINE F32 minimum(F32 a, F32 b) {
#if defined(__AVX512F__)
  return (F32)_mm512_maskz_min_ps(0xFFFF, (__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (F32)_mm256_min_ps((__m256)a, (__m256)b);
#elif defined(__x86_64__)
  return (F32)_mm_min_ps((__m128)a, (__m128)b);
#else
  return a < b ? a : b;
#endif
}

// The same value, in a register: GCC would rather load a value of several uses again for each, and a core loads one or two
// vectors a cycle.
template <class V>
NDL_INLINE V in_register(V v) {
#if defined(__x86_64__)
  __asm__("" : "+v"(v));
#endif
  return v;
}

// The first n lanes (0..kLanes); the others are 0. Never touches memory past them.
template <class V>
NDL_INLINE V load_n(const Element<V>* source, int n) {
#if defined(__AVX512F__)
  const auto mask = static_cast<__mmask16>((1u << n) - 1);
  return (V)_mm512_maskz_loadu_epi32(mask, source);
#elif defined(__AVX2__)
  alignas(32) static constexpr int32_t kWindow[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
  return (V)_mm256_maskload_epi32(reinterpret_cast<const int*>(source), (__m256i)load<I32>(kWindow + 8 - n));
#else
  Element<V> lanes[kLanes] = {};
  for (int i = 0; i < n; ++i) lanes[i] = source[i];
  return load<V>(lanes);
#endif
}
template <class V>
NDL_INLINE void store_n(Element<V>* target, V v, int n) {
#if defined(__AVX512F__)
  const auto mask = static_cast<__mmask16>((1u << n) - 1);
  _mm512_mask_storeu_epi32(target, mask, (__m512i)v);
#elif defined(__AVX2__)
  alignas(32) static constexpr int32_t kWindow[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
  _mm256_maskstore_epi32(reinterpret_cast<int*>(target), (__m256i)load<I32>(kWindow + 8 - n), (__m256i)v);
#else
  Element<V> lanes[kLanes];
  store<V>(lanes, v);
  for (int i = 0; i < n; ++i) target[i] = lanes[i];
#endif
}

// bfloat16, the upper half of a float: read as F32, which is exact, and written rounded to nearest, ties to even.
struct Bf16 {
  uint16_t bits;
};
typedef uint16_t U16 __attribute__((vector_size(kVectorBytes / 2)));
typedef uint32_t U32 __attribute__((vector_size(kVectorBytes)));

NDL_INLINE F32 widen(U16 v) { return (F32)(__builtin_convertvector(v, U32) << 16); }
NDL_INLINE U16 narrow(F32 v) {
#if defined(__AVX512BF16__)
  return (U16)_mm512_cvtneps_pbh((__m512)v);  // numbers below 2^-126 become 0
#endif
  const U32 bits = (U32)v, rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return __builtin_convertvector((U32)select(v == v, (I32)rounded, (I32)(bits >> 16 | 0x40)), U16);  // a NaN stays one
}
NDL_INLINE F32 load(const Bf16* source) {
  U16 v;
  __builtin_memcpy(&v, source, sizeof(v));
  return widen(v);
}
NDL_INLINE F32 load_n(const Bf16* source, int n) {
#if defined(__AVX512BW__)
  return widen((U16)_mm256_maskz_loadu_epi16(static_cast<__mmask16>((1u << n) - 1), source));
#endif
  U16 v{};
  for (int i = 0; i < n; ++i) v[i] = source[i].bits;
  return widen(v);
}

// One element as a float.
NDL_INLINE float element(const float* source) { return *source; }
NDL_INLINE float element(const Bf16* source) {
  const uint32_t bits = static_cast<uint32_t>(source->bits) << 16;
  float v;
  __builtin_memcpy(&v, &bits, sizeof(v));
  return v;
}
NDL_INLINE void set_element(float* target, float v) { *target = v; }
NDL_INLINE void set_element(Bf16* target, float v) { target->bits = narrow(broadcast(v))[0]; }

NDL_INLINE F32 square_root(F32 v) {
#if defined(__AVX512F__)
  return (F32)_mm512_maskz_sqrt_ps(0xFFFF, (__m512)v);  // maskz: the plain one warns in GCC 12
#elif defined(__AVX2__)
  return (F32)_mm256_sqrt_ps((__m256)v);
#elif defined(__x86_64__)
  return (F32)_mm_sqrt_ps((__m128)v);
#else
  F32 r;
  for (int i = 0; i < kLanes; ++i) r[i] = __builtin_sqrtf(v[i]);
  return r;
#endif
}

// Lane i of the result is lane lanes[i] of v.
NDL_INLINE F32 permute(F32 v, I32 lanes) {
#if defined(__AVX512F__)
  return (F32)_mm512_maskz_permutexvar_ps(0xFFFF, (__m512i)lanes, (__m512)v);  // maskz: as for the root
#elif defined(__AVX2__)
  return (F32)_mm256_permutevar8x32_ps((__m256)v, (__m256i)lanes);
#elif defined(__x86_64__)
  return (F32)_mm_shuffle_epi8((__m128i)v, (__m128i)(lanes * 0x04040404 + 0x03020100));  // by bytes
#else
  F32 r;
  for (int i = 0; i < kLanes; ++i) r[i] = v[lanes[i]];
  return r;
#endif
}

// Turns a square of kLanes vectors: lane j of vector i becomes lane i of vector j. Halves of 1, 2, 4... lanes change places.
template <int kStep = 1>
NDL_INLINE void transpose(F32 (&v)[kLanes]) {
  I32 upper, below, above;
  for (int i = 0; i < kLanes; ++i) upper[i] = (i & kStep) != 0 ? -1 : 0, below[i] = i & ~kStep, above[i] = i | kStep;
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if ((i & kStep) != 0) continue;
    const F32 first = v[i], second = v[i + kStep];
    v[i] = select(upper, permute(second, below), first);
    v[i + kStep] = select(upper, second, permute(first, above));
  }
  if constexpr (2 * kStep < kLanes) transpose<2 * kStep>(v);
}

// Two floats, over and over.
NDL_INLINE F32 broadcast_pair(const float* source) {
  typedef int64_t Pairs __attribute__((vector_size(kVectorBytes)));
  int64_t pair;
  __builtin_memcpy(&pair, source, sizeof(pair));
  return (F32)(pair - Pairs{});
}

// Asks for a cache line that will be read soon; any address will do.
NDL_INLINE void prefetch(const void* address) { __builtin_prefetch(address, 0, 2); }
NDL_INLINE void prefetch_to_write(const void* address) { __builtin_prefetch(address, 1, 2); }

// A store past the caches, for what nobody reads soon: target aligned to kVectorBytes. A task that has used it ends
// with stream_fence, after which its stores are in order with all others.
NDL_INLINE void stream(float* target, F32 v) {
#if defined(__AVX512F__)
  _mm512_stream_ps(target, (__m512)v);
#elif defined(__AVX2__)
  _mm256_stream_ps(target, (__m256)v);
#elif defined(__x86_64__)
  _mm_stream_ps(target, (__m128)v);
#else
  store<F32>(target, v);
#endif
}
NDL_INLINE void stream(int32_t* target, I32 v) { stream(reinterpret_cast<float*>(target), (F32)v); }
NDL_INLINE void stream_fence() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

// All lanes combined, in each lane, halves first: an order that depends on the width only.
template <int kDistance = kLanes / 2, class Combine>
NDL_INLINE F32 combine_lanes(F32 v, const Combine& combine) {
  I32 partner;
  for (int i = 0; i < kLanes; ++i) partner[i] = i ^ kDistance;
  v = combine(v, permute(v, partner));
  if constexpr (kDistance > 1) return combine_lanes<kDistance / 2>(v, combine);
  else return v;
}
NDL_INLINE F32 spread_sum(F32 v) {
  return combine_lanes(v, [](F32 a, F32 b) NDL_LAMBDA_INLINE { return a + b; });
}
// Of lanes with a NaN, any may come out.
NDL_INLINE F32 spread_max(F32 v) {
  return combine_lanes(v, [](F32 a, F32 b) NDL_LAMBDA_INLINE { return maximum(a, b); });
}
NDL_INLINE float sum_lanes(F32 v) { return spread_sum(v)[0]; }
NDL_INLINE float max_lanes(F32 v) { return spread_max(v)[0]; }

// A sum of many vectors in two levels: the rounding errors of a long sum would grow with its length.
struct LongSum {
  F32 total{}, part{};
  int terms = 0;

  NDL_INLINE void add(F32 v) {
    part += v;
    if (++terms < 64) return;
    total += part;
    part = F32{};
    terms = 0;
  }
  NDL_INLINE F32 value() const { return total + part; }
};

// Calls body(i, n) for i = 0, kLanes, 2*kLanes, ... with n = kLanes, and a last time with what is left.
// body is instantiated for full vectors with a constant n, so that its load_n and store_n become plain.
template <class Body>
NDL_INLINE void for_vectors(int64_t begin, int64_t end, const Body& body) {
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) body(i, kLanes);
  if (i < end) body(i, static_cast<int>(end - i));
}

// load_n and store_n that turn into plain moves when n is known to be kLanes.
NDL_INLINE F32 load_some(const float* source, int n) {
  return __builtin_constant_p(n) && n == kLanes ? load<F32>(source) : load_n<F32>(source, n);
}
NDL_INLINE F32 load_some(const Bf16* source, int n) {
  return __builtin_constant_p(n) && n == kLanes ? load(source) : load_n(source, n);
}
// As load_some, with `fill` in the lanes from n on.
NDL_INLINE F32 load_some_or(const float* source, int n, float fill) {
  if (__builtin_constant_p(n) && n == kLanes) return load<F32>(source);
  I32 lane;
  for (int i = 0; i < kLanes; ++i) lane[i] = i;
  return select(lane < n, load_n<F32>(source, n), broadcast(fill));
}
NDL_INLINE void store_some(float* target, F32 v, int n) {
  if (__builtin_constant_p(n) && n == kLanes) store<F32>(target, v);
  else store_n<F32>(target, v, n);
}

// n lanes (1..kLanes) from and to bytes; the lanes beyond are 0. Of a lane stored, the low eight bits count.
typedef uint8_t U8 __attribute__((vector_size(kLanes)));
NDL_INLINE I32 load_bytes(const uint8_t* source, int n) {
  U8 bytes{};
  if (__builtin_constant_p(n) && n == kLanes) __builtin_memcpy(&bytes, source, kLanes);
  else
    for (int i = 0; i < n; ++i) bytes[i] = source[i];
  return __builtin_convertvector(in_register(bytes), I32);  // GCC would load and convert each byte by itself
}
NDL_INLINE void store_bytes(uint8_t* target, I32 v, int n) {
  const U8 bytes = __builtin_convertvector(v, U8);
  if (__builtin_constant_p(n) && n == kLanes) __builtin_memcpy(target, &bytes, kLanes);
  else
    for (int i = 0; i < n; ++i) target[i] = bytes[i];
}

NDL_INLINE void store_some(Bf16* target, F32 v, int n) {
  const U16 bits = narrow(v);
  if (__builtin_constant_p(n) && n == kLanes) {
    __builtin_memcpy(target, &bits, sizeof(bits));
  } else {
#if defined(__AVX512BW__)
    _mm256_mask_storeu_epi16(target, static_cast<__mmask16>((1u << n) - 1), (__m256i)bits);
#else
    for (int i = 0; i < n; ++i) target[i].bits = bits[i];
#endif
  }
}

NDL_INLINE void stream(Bf16* target, F32 v) { store_some(target, v, kLanes); }

// A store of n lanes, past the caches where kStream: then target is aligned and n is kLanes.
template <bool kStream, class T>
NDL_INLINE void put(T* target, F32 v, int n) {
  if constexpr (kStream) stream(target, v);
  else store_some(target, v, n);
}
// Elements of a task that streams: the end of each waits until its stores are on their way.
NDL_INLINE int64_t stream_grain(bool streamed, int64_t grain) { return streamed ? 8 * grain : grain; }
// Whether rows of `row` floats from `target` on may be written by stream.
NDL_INLINE bool can_stream(const void* target, int64_t row) {
  return row % kLanes == 0 && reinterpret_cast<uintptr_t>(target) % kVectorBytes == 0;
}
// bf16 is never.
NDL_INLINE bool can_stream(const Bf16*, int64_t) { return false; }

// From floats or bf16.
template <class T>
NDL_INLINE void copy_floats(float* target, const T* source, int64_t count) {
  for_vectors(0, count, [&](int64_t i, int n) NDL_LAMBDA_INLINE { store_some(target + i, load_some(source + i, n), n); });
}
// Past the caches, but for what lies before and behind whole vectors of the target.
NDL_INLINE void stream_floats(float* target, const float* source, int64_t count) {
  const auto before = static_cast<int64_t>((0 - reinterpret_cast<uintptr_t>(target)) % kVectorBytes / sizeof(float));
  int64_t i = before < count ? before : count;
  copy_floats(target, source, i);
  for (; i + kLanes <= count; i += kLanes) stream(target + i, load(source + i));
  copy_floats(target + i, source + i, count - i);
}
NDL_INLINE void fill_floats(float* target, float value, int64_t count) {
  const F32 v = broadcast(value);
  for_vectors(0, count, [&](int64_t i, int n) NDL_LAMBDA_INLINE { store_some(target + i, v, n); });
}

// Channels [0, count) in stripes of four vectors, what is left vector by vector: body(Width<4>, c, kLanes), then
// body(Width<1>, c, n). Constants of a stripe stay in registers while rows pass.
template <int kVectors>
struct Width {
  static constexpr int value = kVectors;
};
template <class Body>
NDL_INLINE void for_stripes(int64_t count, const Body& body) {
  int64_t c = 0;
  for (; c + 4 * kLanes <= count; c += 4 * kLanes) body(Width<4>{}, c, kLanes);
  for_vectors(c, count, [&](int64_t i, int n) NDL_LAMBDA_INLINE { body(Width<1>{}, i, n); });
}

// Stores value(i, n) to target + i for i in [begin, end), past the caches where `streamed` and it can be.
template <class Value>
NDL_INLINE void write_vectors(float* target, int64_t begin, int64_t end, bool streamed, const Value& value) {
  int64_t i = begin;
  if (streamed && reinterpret_cast<uintptr_t>(target + begin) % kVectorBytes == 0) {
    for (; i + kLanes <= end; i += kLanes) stream(target + i, value(i, kLanes));
    stream_fence();
  }
  for_vectors(i, end, [&](int64_t j, int n) NDL_LAMBDA_INLINE { store_some(target + j, value(j, n), n); });
}

}  // namespace ndl::cpu::NDL_ISA
