// cpu/gemm/conv2d_filter.hpp: the weight of conv2d as the packed operand of the gradient of the input.
#pragma once

#include "cpu/gemm/engine.hpp"
#include "ops/conv2d.hpp"

namespace ndl::cpu::NDL_ISA {

inline int64_t backward_input_packed_bytes(const Conv2d& r, const Env&) {
  return r.groups * Panels(r.c / r.groups).floats(r.r * r.s * (r.k / r.groups)) * 4;
}

// B[(r,s,k), c] = weight[k,r,s,c].
inline void backward_input_pack(const Conv2d& r, const void* weight, void* packed, const Exec& exec) {
  const int64_t cg = r.c / r.groups, kg = r.k / r.groups, taps = r.r * r.s, depth = taps * kg;
  const Panels panels(cg);
  exec.parallel_for(r.groups, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t g = begin; g < end; ++g) {
      const float* w = static_cast<const float*>(weight) + g * kg * taps * cg;
      pack_rows(depth, panels, 0, panels.count, static_cast<float*>(packed) + g * panels.floats(depth),
                [&](int64_t k, int64_t first, int64_t count, float* target) NDL_LAMBDA_INLINE {
                  copy_floats(target, w + (k % kg * taps + k / kg) * cg + first, count);
                });
    }
  });
}

}  // namespace ndl::cpu::NDL_ISA
