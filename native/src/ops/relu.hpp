// ops/relu.hpp: the record of relu and its kernels. Contract: nativedl/elementwise.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

struct Relu : Record {
  int64_t count;
  ndl_dtype dtype;

  enum Forward { kX, kY };
  enum Backward { kOutput, kDy, kDx };  // kOutput: the forward's y
};

namespace cpu::ref { extern const Kernel<Relu> relu_forward, relu_backward; }
NDL_DECLARE_SIMD(Kernel<Relu>, relu_forward_vector)
NDL_DECLARE_SIMD(Kernel<Relu>, relu_backward_vector)

}  // namespace ndl
