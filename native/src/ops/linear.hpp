// ops/linear.hpp: the record of linear and its kernels. Contract: nativedl/gemm.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

// One record for the passes that multiply: x [rows,k], weight [n,k], y [rows,n]. The gradient of the bias is conv2d's.
struct Linear : Record {
  int64_t rows, n, k;
  ndl_activation activation;
  ndl_dtype dtype;

  enum Forward { kX, kWeight, kBias, kResidual, kY };
  enum BackwardInput { kDy, kFilter, kDx };
  enum BackwardWeight { kInput, kGradient, kDw };
};

namespace cpu::ref { extern const Kernel<Linear> linear_forward, linear_backward_input, linear_backward_weight; }
NDL_DECLARE_SIMD(Kernel<Linear>, linear_forward_gemm)
NDL_DECLARE_SIMD(Kernel<Linear>, linear_backward_input_gemm)
NDL_DECLARE_SIMD(Kernel<Linear>, linear_backward_weight_gemm)
NDL_DECLARE_BF16(Kernel<Linear>, linear_forward_gemm)
NDL_DECLARE_BF16(Kernel<Linear>, linear_backward_input_gemm)
NDL_DECLARE_BF16(Kernel<Linear>, linear_backward_weight_gemm)

}  // namespace ndl
