// ops/unary.hpp: the record of the functions of one element, and their kernels. Contract: nativedl/elementwise.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

struct Unary : Record {
  int64_t count;
  ndl_dtype dtype;

  enum Forward { kX, kY };
  enum Backward { kSaved, kDy, kDx };  // kSaved: the forward's x or y, whichever the derivative is computed from
};

// X(op, saved): one line per function.
#define NDL_UNARY_OPS(X) \
  X(abs, "x")            \
  X(exp, "y")            \
  X(log, "x")            \
  X(sigmoid, "y")        \
  X(sqrt, "y")           \
  X(square, "x")         \
  X(tanh, "y")

#define NDL_DECLARE_UNARY(op, saved)                                                        \
  namespace cpu::ref { extern const Kernel<Unary> op##_forward, op##_backward; }            \
  NDL_DECLARE_SIMD(Kernel<Unary>, op##_forward_vector)                                      \
  NDL_DECLARE_SIMD(Kernel<Unary>, op##_backward_vector)
NDL_UNARY_OPS(NDL_DECLARE_UNARY)
#undef NDL_DECLARE_UNARY

}  // namespace ndl
