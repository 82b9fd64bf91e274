// ops/unary.cpp: the functions of one element listed in ops/unary.hpp, ndl_<op>_forward and ndl_<op>_backward.
// Contract: nativedl/elementwise.h. relu, which other ops fuse, stands by itself.
#include "ops/unary.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/elementwise.h"
#include "ops/checks.hpp"

namespace ndl {
namespace {

void fill(const Desc& x, Unary& record) {
  record.count = x.count();
  record.dtype = x.dtype;
  record.flop = 10.0 * static_cast<double>(record.count);
}

void infer_forward(const char* op, Descs& operands, Unary& record) {
  const Desc& x = operands[Unary::kX];
  require_floating(op, "x", x);
  fill(x, record);
  operands.output_like(Unary::kY, x);
}

void infer_backward(const char* op, const char* saved, Descs& operands, Unary& record) {
  const Desc& dy = operands[Unary::kDy];
  require_floating(op, "dy", dy);
  require_same(op, saved, operands[Unary::kSaved], "dy", dy);
  fill(dy, record);
  operands.output_like(Unary::kDx, dy);
}

constexpr Operand kForwardOperands[] = {{"x", Role::in}, {"y", Role::out, false, shares(Unary::kX)}};

#define NDL_UNARY_PASSES(op, saved)                                                                                           \
  namespace op##_parts {                                                                                                      \
  const Implementation<Unary> kForward[] = {                                                                                  \
      NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, op##_forward_vector),                                            \
      {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::op##_forward},                                    \
  };                                                                                                                          \
  const Implementation<Unary> kBackward[] = {                                                                                 \
      NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, op##_backward_vector),                                           \
      {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::op##_backward},                                   \
  };                                                                                                                          \
  constexpr Operand kBackwardOperands[] = {{saved, Role::in}, {"dy", Role::in}, {"dx", Role::out, false, shares(Unary::kDy)}}; \
  constexpr PassOf<Unary> forward{                                                                                            \
      #op "_forward", kForwardOperands,                                                                                       \
      [](const NoOptions&, Descs& operands, Unary& record) { infer_forward(#op, operands, record); }, kForward};              \
  constexpr PassOf<Unary> backward{                                                                                           \
      #op "_backward", kBackwardOperands,                                                                                     \
      [](const NoOptions&, Descs& operands, Unary& record) { infer_backward(#op "_backward", saved, operands, record); },     \
      kBackward};                                                                                                             \
  constexpr const Pass* kPasses[] = {&forward, &backward};                                                                    \
  }
NDL_UNARY_OPS(NDL_UNARY_PASSES)

}  // namespace

#define NDL_UNARY_OP(op, saved) extern const Op op##_op{op##_parts::kPasses};
NDL_UNARY_OPS(NDL_UNARY_OP)

}  // namespace ndl

#define NDL_UNARY_ENTRY_POINTS(op, saved)                                                                               \
  extern "C" ndl_status ndl_##op##_forward(ndl_context context, ndl_tensor x, ndl_tensor* y) {                          \
    return ndl::submit(context, ndl::op##_parts::forward, nullptr, {ndl::in(x), ndl::out(y)});                          \
  }                                                                                                                     \
  extern "C" ndl_status ndl_##op##_backward(ndl_context context, ndl_tensor kept, ndl_tensor dy, ndl_tensor* dx) {      \
    return ndl::submit(context, ndl::op##_parts::backward, nullptr, {ndl::in(kept), ndl::in(dy), ndl::out(dx)});        \
  }
NDL_UNARY_OPS(NDL_UNARY_ENTRY_POINTS)
