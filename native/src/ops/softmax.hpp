// ops/softmax.hpp: the record of softmax and log_softmax and their kernels. Contract: nativedl/softmax.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

// All tensors [outer, terms, inner], normalised over terms.
struct Softmax : Record {
  int64_t outer, terms, inner;
  ndl_dtype dtype;

  enum Forward { kX, kY };
  enum Backward { kOutput, kDy, kDx };  // kOutput: the forward's y
};

namespace cpu::ref { extern const Kernel<Softmax> softmax_forward, softmax_backward, log_softmax_forward, log_softmax_backward; }
NDL_DECLARE_SIMD(Kernel<Softmax>, softmax_forward_vector)
NDL_DECLARE_SIMD(Kernel<Softmax>, softmax_backward_vector)
NDL_DECLARE_SIMD(Kernel<Softmax>, log_softmax_forward_vector)
NDL_DECLARE_SIMD(Kernel<Softmax>, log_softmax_backward_vector)

}  // namespace ndl
