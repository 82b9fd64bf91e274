// ops/arithmetic.hpp: the record of add, subtract, multiply and divide, and their kernels.
// Contract: nativedl/elementwise.h.
#pragma once

#include "cpu/declare.hpp"
#include "ops/space.hpp"

namespace ndl {

struct Arithmetic : Record {
  Space space;
  ndl_dtype dtype;

  enum Operands { kA, kB, kY };
};

// What the four do to two elements; T is a number or a vector of them.
struct Add {
  template <class T>
  static NDL_INLINE T apply(T a, T b) { return a + b; }
};
struct Subtract {
  template <class T>
  static NDL_INLINE T apply(T a, T b) { return a - b; }
};
struct Multiply {
  template <class T>
  static NDL_INLINE T apply(T a, T b) { return a * b; }
};
struct Divide {
  template <class T>
  static NDL_INLINE T apply(T a, T b) { return a / b; }
};

namespace cpu::ref { extern const Kernel<Arithmetic> add_forward, subtract_forward, multiply_forward, divide_forward; }
NDL_DECLARE_SIMD(Kernel<Arithmetic>, add_forward_vector)
NDL_DECLARE_SIMD(Kernel<Arithmetic>, subtract_forward_vector)
NDL_DECLARE_SIMD(Kernel<Arithmetic>, multiply_forward_vector)
NDL_DECLARE_SIMD(Kernel<Arithmetic>, divide_forward_vector)

}  // namespace ndl
