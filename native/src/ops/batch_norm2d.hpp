// ops/batch_norm2d.hpp: the record of batch_norm2d and batch_norm2d_inference, and their kernels.
// Contract: nativedl/norm.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

// One record for all passes: x, y [m,c], m = n*h*w; all else [c].
struct BatchNorm2d : Record {
  int64_t m, c;
  double eps, momentum;
  bool cumulative;
  ndl_activation activation;
  ndl_dtype dtype;

  enum Forward { kX, kGamma, kBeta, kRunningMean, kRunningVar, kNumBatches, kY, kMean, kInverseStd };
  enum InferenceForward { kInferenceY = 5 };  // the first five as above
  // In inference, kSavedMean and kSavedInverseStd are the running mean and variance.
  enum Backward { kImage, kScale, kShift, kSavedMean, kSavedInverseStd, kDy, kDx, kDgamma, kDbeta };
};

namespace cpu::ref {
extern const Kernel<BatchNorm2d> batch_norm2d_forward, batch_norm2d_backward;
extern const Kernel<BatchNorm2d> batch_norm2d_inference_forward, batch_norm2d_inference_backward;
}
NDL_DECLARE_SIMD(Kernel<BatchNorm2d>, batch_norm2d_forward_vector)
NDL_DECLARE_SIMD(Kernel<BatchNorm2d>, batch_norm2d_backward_vector)
NDL_DECLARE_SIMD(Kernel<BatchNorm2d>, batch_norm2d_inference_forward_vector)
NDL_DECLARE_SIMD(Kernel<BatchNorm2d>, batch_norm2d_inference_backward_vector)

}  // namespace ndl
