// ops/copy.cpp: copy and broadcast_to. Contract: nativedl/elementwise.h, nativedl/reduce.h.
#include "ops/copy.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/elementwise.h"
#include "nativedl/reduce.h"
#include "ops/broadcast.hpp"
#include "ops/checks.hpp"

namespace ndl {
namespace {

void fill(const Desc& x, const Desc& y, Copy& record) {
  record.space = make_space(x, x, y);
  record.element_bytes = dtype_size(x.dtype);
}

void infer_copy(const NoOptions&, Descs& operands, Copy& record) {
  const Desc& x = operands[Copy::kX];
  fill(x, x, record);
  operands.output_like(Copy::kY, x);
}

void infer_broadcast_to(const NoOptions&, Descs& operands, Copy& record) {
  const Desc& x = operands[Copy::kSource];
  const Desc y = with_dtype(operands[Copy::kDims], x.dtype);
  if (!broadcast_shapes("broadcast_to", "x", x, "the result", y).same_shape(y))
    fail(NDL_ERROR_INVALID_SHAPE, "broadcast_to: x has shape ", shape_text(x), ", which does not repeat to ", shape_text(y),
         "; a dimension must be equal, or 1 or absent in x");
  fill(x, y, record);
  operands.output_like(Copy::kResult, y);
}

const Implementation<Copy> kCopy[] = {
    NDL_LIST_SIMD("vector", nullptr, cpu::plain_estimate, copy_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::copy_forward},
};
const Implementation<Copy> kBroadcastTo[] = {
    NDL_LIST_SIMD("vector", nullptr, cpu::plain_estimate, broadcast_to_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::broadcast_to_forward},
};

constexpr Operand kCopyOperands[] = {{"x", Role::in}, {"y", Role::out, false, shares(Copy::kX)}};
constexpr Operand kBroadcastToOperands[] = {{"x", Role::in}, {"dims", Role::dims}, {"y", Role::out}};

constexpr PassOf<Copy> copy{"copy_forward", kCopyOperands, infer_copy, kCopy};
constexpr PassOf<Copy> broadcast_to{"broadcast_to_forward", kBroadcastToOperands, infer_broadcast_to, kBroadcastTo};
constexpr const Pass* kCopyPasses[] = {&copy};
constexpr const Pass* kBroadcastToPasses[] = {&broadcast_to};

}  // namespace

extern const Op copy_op{kCopyPasses};
extern const Op broadcast_to_op{kBroadcastToPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_copy_forward(ndl_context context, ndl_tensor x, ndl_tensor* y) {
  return submit(context, ndl::copy, nullptr, {in(x), out(y)});
}

ndl_status ndl_broadcast_to_forward(ndl_context context, ndl_tensor x, const int64_t* result_dims, int32_t rank, ndl_tensor* y) {
  return submit(context, broadcast_to, nullptr, {in(x), dims(result_dims, rank), out(y)});
}

}
