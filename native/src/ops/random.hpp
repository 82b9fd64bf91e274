// ops/random.hpp: the records of uniform, normal and dropout, and their kernels. Contract: nativedl/random.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

inline constexpr int64_t kRandomGroup = 64;   // words drawn at a time
inline constexpr int64_t kRandomBlocks = 16;  // what the offset grows by for them

// y = shift + scale * u, or z; already rounded to y's dtype.
struct Random : Record {
  int64_t count;
  double shift, scale;
  double high, below;  // uniform: what y must not reach, and the largest number below
  ndl_dtype dtype;

  enum Operands { kState, kDims, kY };
};

struct Dropout : Record {
  int64_t count;
  float p;
  double scale;  // 1 / (1 - p)
  ndl_dtype dtype;

  enum Forward { kState, kX, kY, kMask };
  enum Backward { kDy, kKept, kDx };
};

namespace cpu::ref {
extern const Kernel<Random> uniform_forward, normal_forward;
extern const Kernel<Dropout> dropout_forward, dropout_backward;
}
NDL_DECLARE_SIMD(Kernel<Random>, uniform_forward_vector)
NDL_DECLARE_SIMD(Kernel<Random>, normal_forward_vector)
NDL_DECLARE_SIMD(Kernel<Dropout>, dropout_forward_vector)
NDL_DECLARE_SIMD(Kernel<Dropout>, dropout_backward_vector)

}  // namespace ndl
