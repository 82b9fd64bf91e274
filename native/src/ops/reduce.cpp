// ops/reduce.cpp: sum, mean, max, argmax over dimensions. Contract: nativedl/reduce.h.
#include "ops/reduce.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/reduce.h"
#include "ops/checks.hpp"

namespace ndl {
namespace {

// The bits of the axes; none given: all.
uint32_t axis_set(const char* op, const Desc& x, const Desc& axes) {
  uint32_t set = 0;
  for (int i = 0; i < axes.rank; ++i) {
    const int axis = normalized_axis(op, x, axes[i]);
    if (set >> axis & 1) fail(NDL_ERROR_INVALID_ARGUMENT, op, ": axis ", axes[i], " of x ", shape_text(x), " is named twice");
    set |= 1u << axis;
  }
  return axes.rank == 0 ? (1u << x.rank) - 1 : set;
}

// Adds a dimension outside those that the walk has; the walk is turned round at the end.
void append(Reduce::Walk& walk, int64_t dim, int64_t stride, bool joins) {
  if (joins) {
    walk.dims[walk.rank - 1] *= dim;
  } else {
    walk.dims[walk.rank] = dim, walk.strides[walk.rank] = stride;
    ++walk.rank;
  }
}

void finish(Reduce::Walk& walk) {
  std::reverse(walk.dims, walk.dims + walk.rank);
  std::reverse(walk.strides, walk.strides + walk.rank);
  if (walk.rank == 0) walk.rank = 1, walk.dims[0] = 1, walk.strides[0] = 1;
}

// The record, and the shape of y.
Desc fill(const char* op, const ndl_reduce_options& o, const Desc& x, const Desc& axes, Reduce& r) {
  require_floating(op, "x", x);
  if (o.keep_dims != 0 && o.keep_dims != 1) fail(NDL_ERROR_INVALID_ARGUMENT, op, ": keep_dims is ", o.keep_dims, "; it must be 0 or 1");
  const uint32_t set = axis_set(op, x, axes);
  Desc y = x;
  y.rank = 0;
  r.outputs = r.terms = r.columns = 1;
  for (int axis = 0; axis < x.rank; ++axis) {
    const bool reduced = set >> axis & 1;
    (reduced ? r.terms : r.outputs) *= x[axis];
    if (!reduced) y[y.rank++] = x[axis];
    else if (o.keep_dims == 1) y[y.rank++] = 1;
  }
  int64_t stride = 1;
  int inside = -1;  // whether the dimension inside was reduced; -1: there is none
  for (int axis = x.rank - 1; axis >= 0; --axis) {
    if (x[axis] == 1) continue;
    const int reduced = static_cast<int>(set >> axis & 1);
    append(reduced != 0 ? r.reduced : r.kept, x[axis], stride, reduced == inside);
    if (reduced == 0 && (inside == -1 || (inside == 0 && r.reduced.rank == 0))) r.columns *= x[axis];
    stride *= x[axis];
    inside = reduced;
  }
  finish(r.kept);
  finish(r.reduced);
  r.dtype = x.dtype;
  r.flop = static_cast<double>(x.count());
  return y;
}

void infer_sum(const ndl_reduce_options& o, Descs& operands, Reduce& record) {
  operands.output_like(Reduce::kY, fill("sum", o, operands[Reduce::kX], operands[Reduce::kAxes], record));
}

void infer_mean(const ndl_reduce_options& o, Descs& operands, Reduce& record) {
  operands.output_like(Reduce::kY, fill("mean", o, operands[Reduce::kX], operands[Reduce::kAxes], record));
  record.mean = true;
}

Desc fill_max(const char* op, const ndl_reduce_options& o, const Desc& x, const Desc& axes, Reduce& record) {
  const Desc y = fill(op, o, x, axes, record);
  if (record.terms == 0 && record.outputs > 0)
    fail(NDL_ERROR_INVALID_SHAPE, op, ": x ", shape_text(x), " is empty along the axes; there is no largest of no elements");
  return y;
}

void infer_max(const ndl_reduce_options& o, Descs& operands, Reduce& record) {
  const Desc y = fill_max("max", o, operands[Reduce::kX], operands[Reduce::kAxes], record);
  operands.output_like(Reduce::kY, y);
  operands.output_like(Reduce::kArgmax, with_dtype(y, NDL_DTYPE_I64));
}

void infer_argmax(const ndl_reduce_options& o, Descs& operands, Reduce& record) {
  const Desc y = fill_max("argmax", o, operands[Reduce::kX], operands[Reduce::kAxes], record);
  operands.output_like(Reduce::kY, with_dtype(y, NDL_DTYPE_I64));
}

void infer_max_backward(const ndl_reduce_options& o, Descs& operands, Reduce& record) {
  constexpr const char* kOp = "max_backward";
  const Desc& dy = operands[Reduce::kDy];
  const Desc x = with_dtype(operands[Reduce::kXDims], dy.dtype);
  const Desc y = fill_max(kOp, o, x, operands[Reduce::kBackwardAxes], record);
  require_same(kOp, "dy", dy, "the forward's y", y);
  require_same(kOp, "argmax", operands[Reduce::kIndex], "the forward's argmax", with_dtype(y, NDL_DTYPE_I64));
  operands.output_like(Reduce::kDx, x);
}

const char* indexed_f32(const Reduce& r, const Env& env) {
  return r.terms > INT32_MAX ? "it counts terms in 32 bits" : only_f32(r, env);
}

const Implementation<Reduce> kSum[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, sum_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::sum_forward},
};
const Implementation<Reduce> kMax[] = {
    NDL_LIST_SIMD("vector", indexed_f32, cpu::plain_estimate, max_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::max_forward},
};
const Implementation<Reduce> kMaxBackward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, max_backward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::max_backward},
};
const Implementation<Reduce> kArgmax[] = {
    NDL_LIST_SIMD("vector", indexed_f32, cpu::plain_estimate, argmax_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::argmax_forward},
};

constexpr Operand kOperands[] = {{"x", Role::in}, {"axes", Role::numbers}, {"y", Role::out}};
constexpr Operand kMaxOperands[] = {{"x", Role::in}, {"axes", Role::numbers}, {"y", Role::out}, {"argmax", Role::optional_out}};
constexpr Operand kMaxBackwardOperands[] = {
    {"dy", Role::in}, {"argmax", Role::in}, {"x_dims", Role::dims}, {"axes", Role::numbers}, {"dx", Role::out}};

constexpr ndl_reduce_options kDefaults{sizeof(ndl_reduce_options), 0};
constexpr Field kFields[] = {NDL_FIELD(ndl_reduce_options, keep_dims)};

using ReducePass = PassOf<Reduce, ndl_reduce_options>;
constexpr ReducePass sum{"sum_forward", kOperands, infer_sum, kSum, kFields, &kDefaults};
constexpr ReducePass mean{"mean_forward", kOperands, infer_mean, kSum, kFields, &kDefaults};
constexpr ReducePass max{"max_forward", kMaxOperands, infer_max, kMax, kFields, &kDefaults};
constexpr ReducePass max_backward{"max_backward", kMaxBackwardOperands, infer_max_backward, kMaxBackward, kFields, &kDefaults};
constexpr ReducePass argmax{"argmax_forward", kOperands, infer_argmax, kArgmax, kFields, &kDefaults};
constexpr const Pass* kSumPasses[] = {&sum};
constexpr const Pass* kMeanPasses[] = {&mean};
constexpr const Pass* kMaxPasses[] = {&max, &max_backward};
constexpr const Pass* kArgmaxPasses[] = {&argmax};

}  // namespace

extern const Op sum_op{kSumPasses};
extern const Op mean_op{kMeanPasses};
extern const Op max_op{kMaxPasses};
extern const Op argmax_op{kArgmaxPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_sum_forward(ndl_context context, const ndl_reduce_options* options, ndl_tensor x, const int64_t* axes, int32_t axis_count,
                           ndl_tensor* y) {
  return submit(context, sum, options, {in(x), dims(axes, axis_count), out(y)});
}

ndl_status ndl_mean_forward(ndl_context context, const ndl_reduce_options* options, ndl_tensor x, const int64_t* axes, int32_t axis_count,
                            ndl_tensor* y) {
  return submit(context, mean, options, {in(x), dims(axes, axis_count), out(y)});
}

ndl_status ndl_max_forward(ndl_context context, const ndl_reduce_options* options, ndl_tensor x, const int64_t* axes, int32_t axis_count,
                           ndl_tensor* y, ndl_tensor* argmax_out) {
  return submit(context, ndl::max, options, {in(x), dims(axes, axis_count), out(y), out(argmax_out)});
}

ndl_status ndl_max_backward(ndl_context context, const ndl_reduce_options* options, ndl_tensor dy, ndl_tensor argmax_in,
                            const int64_t* x_dims, int32_t x_rank, const int64_t* axes, int32_t axis_count, ndl_tensor* dx) {
  return submit(context, max_backward, options, {in(dy), in(argmax_in), dims(x_dims, x_rank), dims(axes, axis_count), out(dx)});
}

ndl_status ndl_argmax_forward(ndl_context context, const ndl_reduce_options* options, ndl_tensor x, const int64_t* axes, int32_t axis_count,
                              ndl_tensor* y) {
  return submit(context, argmax, options, {in(x), dims(axes, axis_count), out(y)});
}

}
