// ops/arithmetic.cpp: add, subtract, multiply, divide. Contract: nativedl/elementwise.h.
//   y = a op b, dimensions aligned at the last, those of size 1 repeated
#include "ops/arithmetic.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/elementwise.h"
#include "ops/broadcast.hpp"
#include "ops/checks.hpp"

namespace ndl {
namespace {

void infer(const char* op, bool integers, Descs& operands, Arithmetic& record) {
  const Desc &a = operands[Arithmetic::kA], &b = operands[Arithmetic::kB];
  const bool takes = is_floating(a.dtype) || (integers && (a.dtype == NDL_DTYPE_I64 || a.dtype == NDL_DTYPE_I32));
  if (!takes)
    fail(NDL_ERROR_INVALID_DTYPE, op, ": a is ", a, "; it must be f32", integers ? ", f64, i64 or i32" : " or f64", ". Cast it first");
  require_same_dtype(op, "a", a, "b", b);
  const Desc y = broadcast_shapes(op, "a", a, "b", b);
  operands.output_like(Arithmetic::kY, y);
  record.space = make_space(a, b, y);
  record.dtype = a.dtype;
  record.flop = static_cast<double>(record.space.count);
}

void infer_add(const NoOptions&, Descs& operands, Arithmetic& record) { infer("add", true, operands, record); }
void infer_subtract(const NoOptions&, Descs& operands, Arithmetic& record) { infer("subtract", true, operands, record); }
void infer_multiply(const NoOptions&, Descs& operands, Arithmetic& record) { infer("multiply", true, operands, record); }
void infer_divide(const NoOptions&, Descs& operands, Arithmetic& record) { infer("divide", false, operands, record); }

const Implementation<Arithmetic> kAdd[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, add_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::add_forward},
};
const Implementation<Arithmetic> kSubtract[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, subtract_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::subtract_forward},
};
const Implementation<Arithmetic> kMultiply[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, multiply_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::multiply_forward},
};
const Implementation<Arithmetic> kDivide[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, divide_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::divide_forward},
};

// y may be an operand that is not repeated; submit refuses one of another size.
constexpr Operand kOperands[] = {
    {"a", Role::in}, {"b", Role::in}, {"y", Role::out, false, shares(Arithmetic::kA) | shares(Arithmetic::kB)}};

constexpr PassOf<Arithmetic> add{"add_forward", kOperands, infer_add, kAdd};
constexpr PassOf<Arithmetic> subtract{"subtract_forward", kOperands, infer_subtract, kSubtract};
constexpr PassOf<Arithmetic> multiply{"multiply_forward", kOperands, infer_multiply, kMultiply};
constexpr PassOf<Arithmetic> divide{"divide_forward", kOperands, infer_divide, kDivide};
constexpr const Pass* kAddPasses[] = {&add};
constexpr const Pass* kSubtractPasses[] = {&subtract};
constexpr const Pass* kMultiplyPasses[] = {&multiply};
constexpr const Pass* kDividePasses[] = {&divide};

}  // namespace

extern const Op add_op{kAddPasses};
extern const Op subtract_op{kSubtractPasses};
extern const Op multiply_op{kMultiplyPasses};
extern const Op divide_op{kDividePasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_add_forward(ndl_context context, ndl_tensor a, ndl_tensor b, ndl_tensor* y) {
  return submit(context, add, nullptr, {in(a), in(b), out(y)});
}

ndl_status ndl_subtract_forward(ndl_context context, ndl_tensor a, ndl_tensor b, ndl_tensor* y) {
  return submit(context, subtract, nullptr, {in(a), in(b), out(y)});
}

ndl_status ndl_multiply_forward(ndl_context context, ndl_tensor a, ndl_tensor b, ndl_tensor* y) {
  return submit(context, multiply, nullptr, {in(a), in(b), out(y)});
}

ndl_status ndl_divide_forward(ndl_context context, ndl_tensor a, ndl_tensor b, ndl_tensor* y) {
  return submit(context, divide, nullptr, {in(a), in(b), out(y)});
}

}
