// ops/cast.hpp: the record of cast and its kernels. Contract: nativedl/elementwise.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

struct Cast : Record {
  int64_t count;
  ndl_dtype from, to;

  enum Operands { kX, kY };
};

namespace cpu::ref {
extern const Kernel<Cast> cast_forward;
// One element by the rules of cast: y of dtype `to` from x of dtype `from`.
void cast_element(ndl_dtype from, const void* x, ndl_dtype to, void* y);
}
NDL_DECLARE_SIMD(Kernel<Cast>, cast_forward_vector)

}  // namespace ndl
