// ops/relu.cpp: relu, forward and backward. Contract: nativedl/elementwise.h.
#include "ops/relu.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/elementwise.h"
#include "ops/checks.hpp"

namespace ndl {
namespace {

void infer_forward(const NoOptions&, Descs& operands, Relu& record) {
  const Desc& x = operands[Relu::kX];
  require_floating("relu", "x", x);
  record.count = x.count();
  record.dtype = x.dtype;
  record.flop = static_cast<double>(record.count);
  operands.output_like(Relu::kY, x);
}

void infer_backward(const NoOptions&, Descs& operands, Relu& record) {
  const Desc& dy = operands[Relu::kDy];
  require_floating("relu_backward", "dy", dy);
  require_same("relu_backward", "y", operands[Relu::kOutput], "dy", dy);
  record.count = dy.count();
  record.dtype = dy.dtype;
  record.flop = static_cast<double>(record.count);
  operands.output_like(Relu::kDx, dy);
}

const Implementation<Relu> kForward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, relu_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::relu_forward},
};
const Implementation<Relu> kBackward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, relu_backward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::relu_backward},
};

constexpr Operand kForwardOperands[] = {{"x", Role::in}, {"y", Role::out, false, shares(Relu::kX)}};
constexpr Operand kBackwardOperands[] = {
    {"y", Role::in}, {"dy", Role::in}, {"dx", Role::out, false, shares(Relu::kDy)}};

constexpr PassOf<Relu> forward{"relu_forward", kForwardOperands, infer_forward, kForward};
constexpr PassOf<Relu> backward{"relu_backward", kBackwardOperands, infer_backward, kBackward};
constexpr const Pass* kPasses[] = {&forward, &backward};

}  // namespace

extern const Op relu_op{kPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_relu_forward(ndl_context context, ndl_tensor x, ndl_tensor* y) {
  return submit(context, forward, nullptr, {in(x), out(y)});
}

ndl_status ndl_relu_backward(ndl_context context, ndl_tensor y, ndl_tensor dy, ndl_tensor* dx) {
  return submit(context, backward, nullptr, {in(y), in(dy), out(dx)});
}

}
