// ops/mse_loss.hpp: the record of mse_loss and its kernels. Contract: nativedl/loss.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"
#include "nativedl/loss.h"

namespace ndl {

struct MseLoss : Record {
  int64_t count;
  ndl_reduction reduction;
  ndl_dtype dtype;

  enum Both { kX, kTarget };
  enum Forward { kLoss = 2 };
  enum Backward { kDloss = 2, kDx };
};

namespace cpu::ref { extern const Kernel<MseLoss> mse_loss_forward, mse_loss_backward; }
NDL_DECLARE_SIMD(Kernel<MseLoss>, mse_loss_forward_vector)
NDL_DECLARE_SIMD(Kernel<MseLoss>, mse_loss_backward_vector)

}  // namespace ndl
