// ops/cross_entropy.hpp: the record of cross_entropy and its kernels. Contract: nativedl/loss.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"
#include "nativedl/loss.h"

namespace ndl {

// logits, dlogits [rows, classes]; labels, log_sum_exp [rows].
struct CrossEntropy : Record {
  int64_t rows, classes, ignore_index;
  double smoothing;
  ndl_reduction reduction;
  ndl_dtype dtype, label_dtype;

  enum Both { kLogits, kLabels, kClassWeights };
  enum Forward { kLoss = 3, kLogSumExp };
  enum Backward { kSaved = 3, kDloss, kDlogits };
};

namespace cpu::ref { extern const Kernel<CrossEntropy> cross_entropy_forward, cross_entropy_backward; }
NDL_DECLARE_SIMD(Kernel<CrossEntropy>, cross_entropy_forward_vector)
NDL_DECLARE_SIMD(Kernel<CrossEntropy>, cross_entropy_backward_vector)

}  // namespace ndl
