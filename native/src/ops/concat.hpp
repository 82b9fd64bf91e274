// ops/concat.hpp: the record of concat and its kernels. Contract: nativedl/shape.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

// y is `outer` lines of `line_bytes`, in which the tensors' own lines lie side by side.
struct Concat : Record {
  int64_t outer, line_bytes, element_bytes;

  enum Forward { kX, kY };
};

namespace cpu::ref { extern const Kernel<Concat> concat_forward; }
NDL_DECLARE_SIMD(Kernel<Concat>, concat_forward_lines)

}  // namespace ndl
