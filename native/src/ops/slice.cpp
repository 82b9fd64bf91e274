// ops/slice.cpp: every step-th element of each dimension. Contract: nativedl/shape.h.
//   y[i...] = x[start + i*step...]
#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/shape.h"
#include "ops/checks.hpp"
#include "ops/region.hpp"

namespace ndl {
namespace {

enum Forward { kX, kStarts, kEnds, kSteps, kY };
enum Backward { kDy, kXDims, kFroms, kTos, kStrides, kDx };

// The part of x: its dimensions, its first element, and strides between its elements.
struct Part {
  Desc dims;
  int64_t first = 0;
  Strides strides{};
};

Part part_of(const char* op, const Desc& x, const Desc& starts, const Desc& ends, const Desc& steps) {
  require_per_dimension(op, "starts", starts, x);
  require_per_dimension(op, "ends", ends, x);
  require_per_dimension(op, "steps", steps, x);
  const Strides dense = dense_strides(x);
  Part part{x};
  for (int axis = 0; axis < x.rank; ++axis) {
    const int64_t start = starts[axis], end = ends[axis], step = steps[axis], size = x[axis];
    if (step == 0 || step == INT64_MIN)
      fail(NDL_ERROR_INVALID_ARGUMENT, op, ": the step of dimension ", axis, " is ", step, "; it must be positive, or negative to go backward");
    const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    if (start < low || start > high || end < low || end > high)
      fail(NDL_ERROR_INVALID_SHAPE, op, ": dimension ", axis, " of x ", shape_text(x), " is to be taken from ", start, " to ", end, " by ", step,
           "; both must lie in ", low, "..", high);
    const int64_t length = step > 0 ? end - start : start - end, stride = step > 0 ? step : -step;
    part.dims[axis] = length <= 0 ? 0 : (length - 1) / stride + 1;
    part.first += start * dense.of[axis];
    // Past the last element a step leads nowhere, and times a stride it may overflow.
    part.strides.of[axis] = part.dims[axis] > 1 ? step * dense.of[axis] : 0;
  }
  return part;
}

void infer_forward(const NoOptions&, Descs& operands, Region& record) {
  const Desc& x = operands[kX];
  const Part part = part_of("slice", x, operands[kStarts], operands[kEnds], operands[kSteps]);
  record.space = make_region_space(part.dims, part.strides, dense_strides(part.dims));
  record.from = part.first, record.to = 0;
  record.source = kX, record.target = kY;
  record.element_bytes = dtype_size(x.dtype);
  operands.output_like(kY, part.dims);
}

void infer_backward(const NoOptions&, Descs& operands, Region& record) {
  constexpr const char* kOp = "slice_backward";
  const Desc& dy = operands[kDy];
  const Desc x = with_dtype(operands[kXDims], dy.dtype);
  const Part part = part_of(kOp, x, operands[kFroms], operands[kTos], operands[kStrides]);
  require_same(kOp, "dy", dy, "the forward's y", part.dims);
  record.space = make_region_space(part.dims, dense_strides(part.dims), part.strides);
  record.from = 0, record.to = part.first;
  record.source = kDy, record.target = kDx;
  record.element_bytes = dtype_size(x.dtype);
  record.target_count = x.count(), record.fill = true, record.pattern = 0;
  operands.output_like(kDx, x);
}

const Implementation<Region> kList[] = {
    NDL_LIST_SIMD("strided", nullptr, cpu::plain_estimate, region_copy_strided),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::region_copy},
};

constexpr Operand kForwardOperands[] = {
    {"x", Role::in}, {"starts", Role::numbers}, {"ends", Role::numbers}, {"steps", Role::numbers}, {"y", Role::out}};
constexpr Operand kBackwardOperands[] = {{"dy", Role::in},         {"x_dims", Role::dims},   {"starts", Role::numbers},
                                         {"ends", Role::numbers}, {"steps", Role::numbers}, {"dx", Role::out}};

constexpr PassOf<Region> forward{"slice_forward", kForwardOperands, infer_forward, kList};
constexpr PassOf<Region> backward{"slice_backward", kBackwardOperands, infer_backward, kList};
constexpr const Pass* kPasses[] = {&forward, &backward};

}  // namespace

extern const Op slice_op{kPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_slice_forward(ndl_context context, ndl_tensor x, const int64_t* starts, int32_t start_count, const int64_t* ends,
                             int32_t end_count, const int64_t* steps, int32_t step_count, ndl_tensor* y) {
  return submit(context, forward, nullptr, {in(x), dims(starts, start_count), dims(ends, end_count), dims(steps, step_count), out(y)});
}

ndl_status ndl_slice_backward(ndl_context context, ndl_tensor dy, const int64_t* x_dims, int32_t x_rank, const int64_t* starts,
                              int32_t start_count, const int64_t* ends, int32_t end_count, const int64_t* steps, int32_t step_count,
                              ndl_tensor* dx) {
  return submit(context, backward, nullptr,
                {in(dy), dims(x_dims, x_rank), dims(starts, start_count), dims(ends, end_count), dims(steps, step_count), out(dx)});
}

}
