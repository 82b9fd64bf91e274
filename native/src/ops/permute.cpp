// ops/permute.cpp: the dimensions of a tensor in another order. Contract: nativedl/shape.h.
#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/shape.h"
#include "ops/checks.hpp"
#include "ops/region.hpp"

namespace ndl {
namespace {

enum Forward { kX, kAxes, kY };

void infer_forward(const NoOptions&, Descs& operands, Region& record) {
  constexpr const char* kOp = "permute";
  const Desc &x = operands[kX], &axes = operands[kAxes];
  require_per_dimension(kOp, "axes", axes, x);
  const Strides x_strides = dense_strides(x);
  Strides strides{};
  Desc y = x;
  uint32_t seen = 0;
  for (int i = 0; i < x.rank; ++i) {
    const int axis = normalized_axis(kOp, x, axes[i]);
    if (seen >> axis & 1) fail(NDL_ERROR_INVALID_ARGUMENT, kOp, ": axis ", axes[i], " of x ", shape_text(x), " is named twice");
    seen |= 1u << axis;
    y[i] = x[axis];
    strides.of[i] = x_strides.of[axis];
  }
  record.space = make_region_space(y, strides, dense_strides(y));
  record.from = 0, record.to = 0;
  record.source = kX, record.target = kY;
  record.element_bytes = dtype_size(x.dtype);
  operands.output_like(kY, y);
}

const Implementation<Region> kForward[] = {
    NDL_LIST_SIMD("strided", nullptr, cpu::plain_estimate, region_copy_strided),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::region_copy},
};

constexpr Operand kForwardOperands[] = {{"x", Role::in}, {"axes", Role::numbers}, {"y", Role::out}};

constexpr PassOf<Region> forward{"permute_forward", kForwardOperands, infer_forward, kForward};
constexpr const Pass* kPasses[] = {&forward};

}  // namespace

extern const Op permute_op{kPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_permute_forward(ndl_context context, ndl_tensor x, const int64_t* axes, int32_t axis_count, ndl_tensor* y) {
  return submit(context, forward, nullptr, {in(x), dims(axes, axis_count), out(y)});
}

}
