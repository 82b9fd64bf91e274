// cpu/gemm/conv2d_operands.hpp: what convolutions made of matrix products share: the weight as the packed operand, and the walk
// over the pixels that are the rows of the other.
#pragma once

#include "cpu/gemm/engine.hpp"
#include "ops/conv2d.hpp"

namespace ndl::cpu::NDL_ISA {

// B of each group: forward B[(r,s,c), k] = weight[k,r,s,c], for the gradient of the input B[(r,s,k), c].
template <bool kForward>
int64_t filter_packed_bytes(const Conv2d& r, const Env&) {
  const int64_t cg = r.c / r.groups, kg = r.k / r.groups;
  return r.groups * Panels(kForward ? kg : cg).floats(r.r * r.s * (kForward ? cg : kg)) * 4;
}

template <bool kForward>
void pack_filter(const Conv2d& r, const void* weight, void* packed, const Exec& exec) {
  const int64_t cg = r.c / r.groups, kg = r.k / r.groups, taps = r.r * r.s, depth = taps * (kForward ? cg : kg);
  const Panels panels(kForward ? kg : cg);
  exec.parallel_for(r.groups, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t g = begin; g < end; ++g) {
      const float* w = static_cast<const float*>(weight) + g * kg * taps * cg;
      pack_rows(depth, panels, 0, panels.count, static_cast<float*>(packed) + g * panels.floats(depth),
                [&](int64_t k, int64_t first, int64_t count, float* target) NDL_LAMBDA_INLINE {
                  if constexpr (kForward)
                    for (int64_t j = 0; j < count; ++j) target[j] = w[(first + j) * depth + k];
                  else
                    copy_floats(target, w + (k % kg * taps + k / kg) * cg + first, count);
                });
    }
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
