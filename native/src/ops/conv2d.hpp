// ops/conv2d.hpp: the records of conv2d and its kernels. Contract: nativedl/conv.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

// One record for all passes. Math dimensions: x [n,h,w,c], weight [k,r,s,c/groups], y [n,p,q,k].
struct Conv2d : Record {
  int64_t n, h, w, c, k, r, s, p, q, groups;
  int64_t stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w;
  ndl_activation activation;
  ndl_dtype dtype;

  enum Forward { kX, kWeight, kBias, kResidual, kY };
  enum BackwardInput { kDy, kFilter, kXDims, kDx };
  enum BackwardWeight { kImage, kGradient, kWeightDims, kDw };
};

// db[k] = sum over rows of dy[rows, k].
struct Conv2dBias : Record {
  int64_t rows, k;
  ndl_dtype dtype;

  enum Operands { kDy, kDb };
};

namespace cpu::ref {
extern const Kernel<Conv2d> conv2d_forward, conv2d_backward_input, conv2d_backward_weight;
extern const Kernel<Conv2dBias> conv2d_backward_bias;
}
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_forward_implicit_gemm)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_input_implicit_gemm)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_weight_implicit_gemm)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_forward_winograd2x2)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_forward_winograd4x4)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_input_winograd2x2)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_input_winograd4x4)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_weight_winograd2x2)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_weight_winograd4x4)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_forward_winograd_strided)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_weight_winograd_strided)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_forward_depthwise)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_input_depthwise)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_weight_depthwise)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_forward_grouped)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_input_grouped)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_weight_grouped)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_forward_direct)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_input_direct)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_weight_direct)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_forward_few_channels)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_input_few_channels)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_weight_few_channels)
NDL_DECLARE_SIMD(Kernel<Conv2d>, conv2d_backward_input_phases)
NDL_DECLARE_SIMD(Kernel<Conv2dBias>, conv2d_backward_bias_vector)
NDL_DECLARE_BF16(Kernel<Conv2d>, conv2d_forward_implicit_gemm)
NDL_DECLARE_BF16(Kernel<Conv2d>, conv2d_backward_input_implicit_gemm)
NDL_DECLARE_BF16(Kernel<Conv2d>, conv2d_backward_weight_implicit_gemm)
NDL_DECLARE_BF16(Kernel<Conv2d>, conv2d_backward_input_phases)

}  // namespace ndl
