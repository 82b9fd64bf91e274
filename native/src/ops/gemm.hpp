// ops/gemm.hpp: the record of gemm and its kernels. Contract: nativedl/gemm.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

// y [m,n] from op(a) [m,k] times op(b) [k,n], `batch` times.
struct Gemm : Record {
  int64_t batch, m, n, k;
  bool one_a, one_b;  // of the whole batch
  bool transpose_a, transpose_b;
  float alpha, beta;
  ndl_activation activation;
  ndl_dtype dtype, y_dtype;  // of a and b; of y, c and bias

  enum Forward { kA, kB, kC, kBias, kY };
};

namespace cpu::ref { extern const Kernel<Gemm> gemm_forward; }
NDL_DECLARE_SIMD(Kernel<Gemm>, gemm_forward_packed)
NDL_DECLARE_BF16(Kernel<Gemm>, gemm_forward_packed)
NDL_DECLARE_AMX(Kernel<Gemm>, gemm_forward_split6)
NDL_DECLARE_AMX(Kernel<Gemm>, gemm_forward_split3)

}  // namespace ndl
