// ops/fill.hpp: the record of fill and its kernels. Contract: nativedl/elementwise.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

struct Fill : Record {
  int64_t count, element_bytes;
  uint64_t pattern;  // the element's bits, in its first element_bytes bytes

  enum Operands { kY };
};

namespace cpu::ref { extern const Kernel<Fill> fill_forward; }
NDL_DECLARE_SIMD(Kernel<Fill>, fill_forward_vector)

}  // namespace ndl
