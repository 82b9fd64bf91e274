// cpu/ref/dispatch.hpp: from a dtype to an element type. The reference kernels sum in double.
#pragma once

#include "core/kernel.hpp"

namespace ndl::cpu::ref {

template <class Body>
void by_dtype(ndl_dtype dtype, const Body& body) {
  if (dtype == NDL_DTYPE_F64) body(double{});
  else body(float{});
}

}  // namespace ndl::cpu::ref
