// ops/copy.hpp: the record of copy and broadcast_to, and their kernels. Contract: nativedl/{elementwise,reduce}.h.
#pragma once

#include "cpu/declare.hpp"
#include "ops/space.hpp"

namespace ndl {

struct Copy : Record {
  Space space;  // x is its operand a
  int64_t element_bytes;

  enum CopyOperands { kX, kY };
  enum BroadcastOperands { kSource, kDims, kResult };
};

namespace cpu::ref { extern const Kernel<Copy> copy_forward, broadcast_to_forward; }
NDL_DECLARE_SIMD(Kernel<Copy>, copy_forward_vector)
NDL_DECLARE_SIMD(Kernel<Copy>, broadcast_to_forward_vector)

}  // namespace ndl
