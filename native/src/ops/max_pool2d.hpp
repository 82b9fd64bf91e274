// ops/max_pool2d.hpp: the record of max_pool2d and its kernels. Contract: nativedl/pool.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

// x [n,h,w,c]; y, argmax [n,p,q,c]; window r x s.
struct MaxPool2d : Record {
  int64_t n, h, w, c, p, q, r, s;
  int64_t stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w;
  bool argmax_in_window;
  ndl_dtype dtype;

  enum Forward { kX, kY, kArgmax };
  enum Backward { kDy, kIndex, kXDims, kDx };
};

namespace cpu::ref { extern const Kernel<MaxPool2d> max_pool2d_forward, max_pool2d_backward; }
NDL_DECLARE_SIMD(Kernel<MaxPool2d>, max_pool2d_forward_vector)
NDL_DECLARE_SIMD(Kernel<MaxPool2d>, max_pool2d_backward_vector)

}  // namespace ndl
