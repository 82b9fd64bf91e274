// cpu/ref/dispatch.hpp: from a dtype to an element type. The reference kernels sum in double.
#pragma once

#include "core/kernel.hpp"
#include "ops/cast.hpp"

namespace ndl::cpu::ref {

template <class Body>
void by_dtype(ndl_dtype dtype, const Body& body) {
  if (dtype == NDL_DTYPE_F64) body(double{});
  else body(float{});
}

// A bf16 element, by the rules of cast.
struct BFloat16 {
  uint16_t bits;
  explicit BFloat16(double v = 0) { cast_element(NDL_DTYPE_F64, &v, NDL_DTYPE_BF16, &bits); }
  explicit operator double() const {
    double v = 0;
    cast_element(NDL_DTYPE_BF16, &bits, NDL_DTYPE_F64, &v);
    return v;
  }
};
// As by_dtype, bf16 too.
template <class Body>
void by_factor(ndl_dtype dtype, const Body& body) {
  if (dtype == NDL_DTYPE_BF16) body(BFloat16{});
  else by_dtype(dtype, body);
}

}  // namespace ndl::cpu::ref
