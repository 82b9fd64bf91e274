// ops/global_avg_pool2d.hpp: the record of global_avg_pool2d and its kernels. Contract: nativedl/pool.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

// x [n,pixels,c]; y [n,c].
struct GlobalAvgPool2d : Record {
  int64_t n, pixels, c;
  ndl_dtype dtype;

  enum Forward { kX, kY };
  enum Backward { kDy, kXDims, kDx };
};

namespace cpu::ref { extern const Kernel<GlobalAvgPool2d> global_avg_pool2d_forward, global_avg_pool2d_backward; }
NDL_DECLARE_SIMD(Kernel<GlobalAvgPool2d>, global_avg_pool2d_forward_vector)
NDL_DECLARE_SIMD(Kernel<GlobalAvgPool2d>, global_avg_pool2d_backward_vector)

}  // namespace ndl
