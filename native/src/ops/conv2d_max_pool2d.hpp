// ops/conv2d_max_pool2d.hpp: the record of conv2d_max_pool2d and its kernels. Contract: nativedl/conv.h.
#pragma once

#include "ops/conv2d.hpp"

namespace ndl {

// y, dy, argmax [n,p,q,k] with p = conv.p / pool_h, q = conv.q / pool_w.
struct Conv2dMaxPool2d : Record {
  Conv2d conv;  // one group; its p and q are those that whole windows cover
  int64_t pool_h, pool_w, p, q;

  enum Forward { kX, kWeight, kBias, kY, kArgmax };
  enum BackwardInput { kDy, kIndex, kFilter, kXDims, kDx };
  enum BackwardWeight { kImage, kGradient, kPosition, kWeightDims, kDw };
};
inline constexpr const char* kBadPosition = "an argmax is neither a position of a pooling window nor 255";
inline constexpr int32_t kNoGradient = 255;  // argmax where relu passes none on

// db[k] = sum over rows of dy[rows, k] where argmax is not kNoGradient.
struct Conv2dMaxPool2dBias : Record {
  int64_t rows, k;
  ndl_dtype dtype;

  enum Operands { kDy, kIndex, kDb };
};

namespace cpu::ref {
extern const Kernel<Conv2dMaxPool2d> conv2d_max_pool2d_forward, conv2d_max_pool2d_backward_input, conv2d_max_pool2d_backward_weight;
extern const Kernel<Conv2dMaxPool2dBias> conv2d_max_pool2d_backward_bias;
}
NDL_DECLARE_SIMD(Kernel<Conv2dMaxPool2d>, conv2d_max_pool2d_forward_implicit_gemm)
NDL_DECLARE_SIMD(Kernel<Conv2dMaxPool2d>, conv2d_max_pool2d_forward_few_channels)
NDL_DECLARE_SIMD(Kernel<Conv2dMaxPool2d>, conv2d_max_pool2d_forward_winograd2x2)
NDL_DECLARE_SIMD(Kernel<Conv2dMaxPool2d>, conv2d_max_pool2d_forward_winograd4x4)
NDL_DECLARE_SIMD(Kernel<Conv2dMaxPool2d>, conv2d_max_pool2d_backward_input_implicit_gemm)
NDL_DECLARE_SIMD(Kernel<Conv2dMaxPool2d>, conv2d_max_pool2d_backward_input_few_channels)
NDL_DECLARE_SIMD(Kernel<Conv2dMaxPool2d>, conv2d_max_pool2d_backward_input_winograd2x2)
NDL_DECLARE_SIMD(Kernel<Conv2dMaxPool2d>, conv2d_max_pool2d_backward_input_winograd4x4)
NDL_DECLARE_SIMD(Kernel<Conv2dMaxPool2d>, conv2d_max_pool2d_backward_weight_implicit_gemm)
NDL_DECLARE_SIMD(Kernel<Conv2dMaxPool2d>, conv2d_max_pool2d_backward_weight_few_channels)
NDL_DECLARE_SIMD(Kernel<Conv2dMaxPool2d>, conv2d_max_pool2d_backward_weight_winograd2x2)
NDL_DECLARE_SIMD(Kernel<Conv2dMaxPool2d>, conv2d_max_pool2d_backward_weight_winograd4x4)
#if defined(__x86_64__)
namespace cpu::avx512 { extern const Kernel<Conv2dMaxPool2d> conv2d_max_pool2d_backward_weight_patch; }
#endif
NDL_DECLARE_SIMD(Kernel<Conv2dMaxPool2dBias>, conv2d_max_pool2d_backward_bias_vector)

}  // namespace ndl
