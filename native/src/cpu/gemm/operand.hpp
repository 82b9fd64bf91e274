// cpu/gemm/operand.hpp: how f32 and bf16 operands become the steps of k that the engine multiplies: floats, or in the build
// for AVX-512 BF16 pairs of bf16 in a float's place, of which the last of an odd k is filled up with 0.
#pragma once

#include "cpu/gemm/engine.hpp"

namespace ndl::cpu::NDL_ISA {

// Steps that no block divides: one, or those of 32 elements of f32 in parts of bf16 (split.hpp).
template <class T>
inline constexpr int64_t kChunk = 1;
template <class T>
NDL_INLINE int64_t steps(int64_t k) { return kChunk<T> > 1 ? ceil_div(k, 32) * kChunk<T> : kIsBf16<T> ? (k + kStep - 1) / kStep : k; }
template <class T>
inline constexpr bool kPairs = kIsBf16<T> && kStep == 2;
template <class T>
inline constexpr int64_t kStepOf = kPairs<T> ? kStep : 1;  // elements of T in a step

// Calls body with the type of a record's elements. The builds for AVX-512 BF16 and AMX are for bf16 alone.
template <class R, class Body>
NDL_INLINE auto by_type(const R& r, const Body& body) {
  if constexpr (kStep == 1)
    if (r.dtype == NDL_DTYPE_F32) return body(float{});
  return body(Bf16{});
}

NDL_INLINE float pair(Bf16 low, Bf16 high) {
  const uint32_t bits = low.bits | static_cast<uint32_t>(high.bits) << 16;
  float v;
  __builtin_memcpy(&v, &bits, sizeof(v));
  return v;
}

// Step k of a row that lies along k, of which `left` elements are left from there on.
NDL_INLINE float step(const float* row, int64_t k, int64_t) { return row[k]; }
NDL_INLINE float step(const Bf16* row, int64_t k, int64_t left) {
  if constexpr (kStep == 1) return pair({0}, row[k]);
  return pair(row[2 * k], left > 1 ? row[2 * k + 1] : Bf16{0});
}

// Steps [k0, k0 + count) of a row of `depth` elements that lies along k.
template <class T>
NDL_INLINE void copy_along(const T* row, int64_t depth, int64_t k0, int64_t count, float* target) {
  if constexpr (kPairs<T>) {
    const int64_t whole = 2 * (k0 + count) <= depth ? count : count - 1;
    __builtin_memcpy(target, row + 2 * k0, static_cast<unsigned long>(whole) * 4);
    if (whole < count) target[whole] = step(row, k0 + whole, 1);
  } else {
    for_vectors(0, count, [&](int64_t k, int n) NDL_LAMBDA_INLINE { store_some(target + k, load_some(row + k0 + k, n), n); });
  }
}

// The same, at most kLanes of them.
template <class T>
NDL_INLINE F32 load_steps(const T* row, int64_t depth, int64_t k0, int count) {
  if constexpr (!kPairs<T>) return load_some(row + k0, count);
  if (2 * (k0 + count) <= depth) return load_some(reinterpret_cast<const float*>(row + 2 * k0), count);
  float v[kLanes] = {};
  copy_along(row, depth, k0, count, v);
  return load(v);
}

// Rows `count` wide, of a block of A: as they lie where their elements are steps, else made into such in scratch.
template <class T>
NDL_INLINE Block block_along(const T* a, int64_t ld, int64_t depth, int64_t rows, int64_t k0, int64_t count, float* scratch) {
  if constexpr (!kIsBf16<T>) return {a + k0, ld};
  if (kPairs<T> && depth % 2 == 0 && ld % 2 == 0) return {reinterpret_cast<const float*>(a) + k0, ld / 2};
  for (int64_t i = 0; i < rows; ++i) copy_along(a + i * ld, depth, k0, count, scratch + i * kScratchLd);
  return {scratch, kScratchLd};
}

// A step of `count` columns from its two rows, the second of them null behind the last.
NDL_INLINE void interleave(const Bf16* low, const Bf16* high, int64_t count, float* target) {
  for_vectors(0, count, [&](int64_t j, int n) NDL_LAMBDA_INLINE {
    const F32 odd = high == nullptr ? F32{} : load_some(high + j, n);
    store_some(target + j, (F32)((U32)load_some(low + j, n) >> 16 | (U32)odd), n);
  });
}

// Step k of `count` columns that lie side by side, rows of k being `ld` apart and `depth` in number.
template <class T>
NDL_INLINE void copy_across(const T* data, int64_t ld, int64_t depth, int64_t k, int64_t count, float* target) {
  if constexpr (kPairs<T>) {
    const T* low = data + 2 * k * ld;
    for (int64_t i = kAhead; i < kAhead + 2; ++i) prefetch(low + i * ld), prefetch(low + i * ld + count - 1);  // rows lie far apart
    interleave(low, 2 * k + 1 < depth ? low + ld : nullptr, count, target);
  } else {
    for_vectors(0, count, [&](int64_t j, int n) NDL_LAMBDA_INLINE { store_some(target + j, load_some(data + k * ld + j, n), n); });
  }
}

}  // namespace ndl::cpu::NDL_ISA
