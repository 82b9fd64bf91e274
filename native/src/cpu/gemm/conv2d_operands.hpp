// cpu/gemm/conv2d_operands.hpp: what convolutions made of matrix products share: the weight as the packed operand, and the walk
// over the pixels that are the rows of the other.
#pragma once

#include "cpu/gemm/operand.hpp"
#include "ops/conv2d.hpp"

namespace ndl::cpu::NDL_ISA {

// What an operand is gathered as: bf16 in pairs, else floats.
template <bool>
struct GatheredAs { using type = float; };
template <>
struct GatheredAs<true> { using type = Bf16; };
template <class T>
using Gathered = typename GatheredAs<kPairs<T>>::type;

NDL_INLINE void gather_run(Bf16* target, const Bf16* source, int64_t count) {
  __builtin_memcpy(target, source, static_cast<unsigned long>(count) * sizeof(Bf16));
}
template <class T>
NDL_INLINE void gather_run(float* target, const T* source, int64_t count) { copy_floats(target, source, count); }
NDL_INLINE void gather_zeros(Bf16* target, int64_t count) { __builtin_memset(target, 0, static_cast<unsigned long>(count) * sizeof(Bf16)); }
NDL_INLINE void gather_zeros(float* target, int64_t count) { fill_floats(target, 0.0f, count); }

// B of each group: forward B[(r,s,c), k] = weight[k,r,s,c], for the gradient of the input B[(r,s,k), c]. Depth in steps: of the
// former one filled up at the end, of the latter one for each tap, so that taps begin with a step.
template <class T, bool kForward>
NDL_INLINE int64_t filter_depth(const Conv2d& r) {
  return kForward ? steps<T>(r.r * r.s * (r.c / r.groups)) : r.r * r.s * steps<T>(r.k / r.groups);
}

template <bool kForward>
int64_t filter_packed_bytes(const Conv2d& r, const Env&) {
  return by_type(r, [&]<class T>(T) NDL_LAMBDA_INLINE {
    return r.groups * Panels((kForward ? r.k : r.c) / r.groups).floats(filter_depth<T, kForward>(r)) * 4;
  });
}

template <bool kForward>
void pack_filter(const Conv2d& r, const void* weight, void* packed, const Exec& exec) {
  by_type(r, [&]<class T>(T) NDL_LAMBDA_INLINE {
    const int64_t cg = r.c / r.groups, kg = r.k / r.groups, taps = r.r * r.s, depth = filter_depth<T, kForward>(r);
    const Panels panels(kForward ? kg : cg);
    exec.parallel_for(r.groups, 1, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t g = begin; g < end; ++g) {
        const T* w = static_cast<const T*>(weight) + g * kg * taps * cg;
        pack_rows(depth, panels, 0, panels.count, static_cast<float*>(packed) + g * panels.floats(depth),
                  [&](int64_t at, int64_t first, int64_t count, float* target) NDL_LAMBDA_INLINE {
                    if constexpr (kForward) {
                      for (int64_t j = 0; j < count; ++j)
                        target[j] = step(w + (first + j) * taps * cg, at, taps * cg - at * kStepOf<T>);
                    } else {
                      const int64_t tap = at / steps<T>(kg);
                      copy_across(w + tap * cg + first, taps * cg, kg, at % steps<T>(kg), count, target);
                    }
                  });
      }
    });
  });
}

// Calls visit(i, n, row, column) for the pixels first + i, i < count, of images of rows x columns.
template <class Visit>
NDL_INLINE void for_pixels(int64_t rows, int64_t columns, int64_t first, int64_t count, const Visit& visit) {
  int64_t column = first % columns, row = first / columns % rows, n = first / columns / rows;
  for (int64_t i = 0; i < count; ++i) {
    visit(i, n, row, column);
    if (++column < columns) continue;
    column = 0;
    if (++row == rows) row = 0, ++n;
  }
}

}  // namespace ndl::cpu::NDL_ISA
