// ops/gradients.hpp: the record of gradient_norm and clip_gradients and their kernels. Contract: nativedl/optimizer.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

struct Gradients : Record {
  int64_t items, elements;
  double max_norm;  // of clip_gradients
  ndl_dtype dtype;

  enum Operands { kGradients, kNorm };
};

namespace cpu::ref { extern const Kernel<Gradients> gradient_norm_forward, clip_gradients_forward; }
NDL_DECLARE_SIMD(Kernel<Gradients>, gradient_norm_forward_vector)
NDL_DECLARE_SIMD(Kernel<Gradients>, clip_gradients_forward_vector)

}  // namespace ndl
