// ops/concat.cpp: tensors one after the other along one dimension. Contract: nativedl/shape.h.
#include "ops/concat.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/shape.h"
#include "ops/checks.hpp"

namespace ndl {
namespace {

void infer_forward(const ndl_concat_options& o, Descs& operands, Concat& record) {
  constexpr const char* kOp = "concat";
  const std::span<const Desc> list = operands.list(Concat::kX);
  if (list.empty()) fail(NDL_ERROR_INVALID_ARGUMENT, kOp, ": there are no tensors; give at least one");
  const Desc& first = list[0];
  const int axis = normalized_axis(kOp, first, o.axis);
  Desc y = first;
  for (size_t i = 1; i < list.size(); ++i) {
    require_same_dtype(kOp, "the first tensor", first, "another", list[i]);
    Desc like = list[i];
    like[axis] = first[axis];
    if (!like.same_shape(first))
      fail(NDL_ERROR_INVALID_SHAPE, kOp, ": tensor ", i, " has shape ", shape_text(list[i]), " and the first ", shape_text(first),
           "; all but dimension ", axis, " must be equal");
    y[axis] += list[i][axis];  // at most 2^20 tensors of 2^62 bytes with elements: checked by output
    if (y[axis] < 0) fail(NDL_ERROR_INVALID_SHAPE, kOp, ": the sum of dimension ", axis, " overflows");
  }
  operands.output(Concat::kY, y.dtype, std::span(y.dims.data(), static_cast<size_t>(y.rank)));
  record.element_bytes = dtype_size(y.dtype);
  record.outer = 1, record.line_bytes = record.element_bytes;
  for (int i = 0; i < y.rank; ++i) (i < axis ? record.outer : record.line_bytes) *= y[i];
}

const Implementation<Concat> kForward[] = {
    NDL_LIST_SIMD("lines", nullptr, cpu::plain_estimate, concat_forward_lines),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::concat_forward},
};

constexpr Operand kForwardOperands[] = {{"x", Role::in, true}, {"y", Role::out}};

constexpr ndl_concat_options kDefaults{sizeof(ndl_concat_options), 0};
constexpr Field kFields[] = {NDL_FIELD(ndl_concat_options, axis)};

constexpr PassOf<Concat, ndl_concat_options> forward{"concat_forward", kForwardOperands, infer_forward, kForward, kFields, &kDefaults};
constexpr const Pass* kPasses[] = {&forward};

}  // namespace

extern const Op concat_op{kPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_concat_forward(ndl_context context, const ndl_concat_options* options, const ndl_tensor* x, int32_t x_count, ndl_tensor* y) {
  return submit(context, forward, options, {in_list(x, x_count), out(y)});
}

}
