// ops/pad.cpp: elements of one value put around a tensor, or elements taken away. Contract: nativedl/shape.h.
#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/shape.h"
#include "ops/cast.hpp"
#include "ops/checks.hpp"
#include "ops/region.hpp"

namespace ndl {
namespace {

enum Forward { kX, kBefore, kAfter, kY };

void infer_forward(const ndl_pad_options& o, Descs& operands, Region& record) {
  constexpr const char* kOp = "pad";
  const Desc &x = operands[kX], &before = operands[kBefore], &after = operands[kAfter];
  require_per_dimension(kOp, "before", before, x);
  require_per_dimension(kOp, "after", after, x);
  constexpr int64_t kMost = int64_t{1} << 40;  // far from an overflow; the size of y has a limit of its own
  Desc y = x, inside = x;
  record.from = 0, record.to = 0;
  for (int axis = 0; axis < x.rank; ++axis) {
    const int64_t b = before[axis], a = after[axis];
    if (b < -kMost || b > kMost || a < -kMost || a > kMost || x[axis] + b + a < 0)
      fail(NDL_ERROR_INVALID_SHAPE, kOp, ": dimension ", axis, " of x ", shape_text(x), " with ", b, " before and ", a,
           " after has no size; take away at most what is there");
    y[axis] = x[axis] + b + a;
    // The elements of x that are in y: from -b on where some are taken away.
    inside[axis] = std::max<int64_t>(0, std::min(x[axis], x[axis] + a) - std::max<int64_t>(0, -b));
  }
  operands.output(kY, x.dtype, std::span(y.dims.data(), static_cast<size_t>(y.rank)));
  const Strides x_strides = dense_strides(x), y_strides = dense_strides(y);
  for (int axis = 0; axis < x.rank; ++axis) {
    record.from += std::max<int64_t>(0, -before[axis]) * x_strides.of[axis];
    record.to += std::max<int64_t>(0, before[axis]) * y_strides.of[axis];
  }
  record.space = make_region_space(inside, x_strides, y_strides);
  record.source = kX, record.target = kY;
  record.element_bytes = dtype_size(x.dtype);
  record.target_count = y.count(), record.fill = y.count() != inside.count();
  record.pattern = 0;
  cpu::ref::cast_element(NDL_DTYPE_F64, &o.value, x.dtype, &record.pattern);
}

const Implementation<Region> kForward[] = {
    NDL_LIST_SIMD("strided", nullptr, cpu::plain_estimate, region_copy_strided),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::region_copy},
};

constexpr Operand kForwardOperands[] = {{"x", Role::in}, {"before", Role::numbers}, {"after", Role::numbers}, {"y", Role::out}};

constexpr ndl_pad_options kDefaults{sizeof(ndl_pad_options), 0, 0};
constexpr Field kFields[] = {NDL_FIELD(ndl_pad_options, value)};

constexpr PassOf<Region, ndl_pad_options> forward{"pad_forward", kForwardOperands, infer_forward, kForward, kFields, &kDefaults};
constexpr const Pass* kPasses[] = {&forward};

}  // namespace

extern const Op pad_op{kPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_pad_forward(ndl_context context, const ndl_pad_options* options, ndl_tensor x, const int64_t* before, int32_t before_count,
                           const int64_t* after, int32_t after_count, ndl_tensor* y) {
  return submit(context, forward, options, {in(x), dims(before, before_count), dims(after, after_count), out(y)});
}

}
