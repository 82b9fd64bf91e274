// ops/max_pool2d.cpp: max pooling, NHWC, with its argmax. Contract: nativedl/pool.h.
#include "ops/max_pool2d.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/pool.h"
#include "ops/checks.hpp"
#include "ops/window2d.hpp"

namespace ndl {
namespace {

void fill(const char* op, const ndl_max_pool2d_options& o, const Desc& x, MaxPool2d& record) {
  require_floating(op, "x", x);
  require_rank(op, "x", x, 4, "[n, h, w, c]");
  const Window2d window = window_of(o, o.kernel_h, o.kernel_w);
  check_window(op, window, NDL_ERROR_INVALID_ARGUMENT);
  require_flag(op, "ceil_mode", o.ceil_mode);
  check_pool_padding(op, window);
  require_flag(op, "argmax_in_window", o.argmax_in_window);
  record.argmax_in_window = o.argmax_in_window == 1;
  if (!record.argmax_in_window && x[1] * x[2] > INT32_MAX)
    fail(NDL_ERROR_INVALID_SHAPE, op, ": an image of ", x[1], " x ", x[2], " has too many pixels for an i32 argmax; argmax_in_window has no such limit");
  if (record.argmax_in_window && int64_t{o.kernel_h} * o.kernel_w > 256)
    fail(NDL_ERROR_INVALID_ARGUMENT, op, ": argmax_in_window takes windows of at most 256 elements, this one has ", o.kernel_h, " x ", o.kernel_w);
  record.n = x[0], record.h = x[1], record.w = x[2], record.c = x[3], record.r = o.kernel_h, record.s = o.kernel_w;
  record.stride_h = o.stride_h, record.stride_w = o.stride_w, record.pad_top = o.pad_top, record.pad_left = o.pad_left;
  record.dilation_h = o.dilation_h, record.dilation_w = o.dilation_w;
  record.p = positions(op, "height", x[1], o.pad_top, o.pad_bottom, window.extent_h(), o.stride_h, o.ceil_mode == 1);
  record.q = positions(op, "width", x[2], o.pad_left, o.pad_right, window.extent_w(), o.stride_w, o.ceil_mode == 1);
  require_window_inside(op, "height", x[1], o.pad_top, o.stride_h, o.dilation_h, record.p);
  require_window_inside(op, "width", x[2], o.pad_left, o.stride_w, o.dilation_w, record.q);
  record.dtype = x.dtype;
  record.flop = product({record.n, record.p, record.q, record.c, record.r, record.s});
}

Desc argmax_of(const MaxPool2d& r, Device device) {
  return make_desc(r.argmax_in_window ? NDL_DTYPE_U8 : NDL_DTYPE_I32, device, {r.n, r.p, r.q, r.c});
}

void infer_forward(const ndl_max_pool2d_options& o, Descs& operands, MaxPool2d& record) {
  fill("max_pool2d", o, operands[MaxPool2d::kX], record);
  operands.output(MaxPool2d::kY, record.dtype, {record.n, record.p, record.q, record.c});
  operands.output_like(MaxPool2d::kArgmax, argmax_of(record, operands[MaxPool2d::kX].device));
}

void infer_backward(const ndl_max_pool2d_options& o, Descs& operands, MaxPool2d& record) {
  constexpr const char* kOp = "max_pool2d_backward";
  const Desc& dy = operands[MaxPool2d::kDy];
  const Desc x = with_dtype(operands[MaxPool2d::kXDims], dy.dtype);
  fill(kOp, o, x, record);
  require_same(kOp, "dy", dy, "the forward's y", make_desc(record.dtype, dy.device, {record.n, record.p, record.q, record.c}));
  require_same(kOp, "argmax", operands[MaxPool2d::kIndex], "the forward's argmax", argmax_of(record, dy.device));
  operands.output_like(MaxPool2d::kDx, x);
}

const Implementation<MaxPool2d> kForward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, max_pool2d_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::max_pool2d_forward},
};
const Implementation<MaxPool2d> kBackward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, max_pool2d_backward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::max_pool2d_backward},
};

constexpr Operand kForwardOperands[] = {{"x", Role::in}, {"y", Role::out}, {"argmax", Role::optional_out}};
constexpr Operand kBackwardOperands[] = {{"dy", Role::in}, {"argmax", Role::in}, {"x_dims", Role::dims}, {"dx", Role::out}};

constexpr ndl_max_pool2d_options kDefaults{sizeof(ndl_max_pool2d_options), 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0};
constexpr Field kFields[] = {
    NDL_FIELD(ndl_max_pool2d_options, kernel_h),   NDL_FIELD(ndl_max_pool2d_options, kernel_w),
    NDL_FIELD(ndl_max_pool2d_options, stride_h),   NDL_FIELD(ndl_max_pool2d_options, stride_w),
    NDL_FIELD(ndl_max_pool2d_options, pad_top),    NDL_FIELD(ndl_max_pool2d_options, pad_bottom),
    NDL_FIELD(ndl_max_pool2d_options, pad_left),   NDL_FIELD(ndl_max_pool2d_options, pad_right),
    NDL_FIELD(ndl_max_pool2d_options, dilation_h), NDL_FIELD(ndl_max_pool2d_options, dilation_w),
    NDL_FIELD(ndl_max_pool2d_options, ceil_mode),  NDL_FIELD(ndl_max_pool2d_options, argmax_in_window),
};

constexpr PassOf<MaxPool2d, ndl_max_pool2d_options> forward{"max_pool2d_forward", kForwardOperands, infer_forward, kForward, kFields, &kDefaults};
constexpr PassOf<MaxPool2d, ndl_max_pool2d_options> backward{"max_pool2d_backward", kBackwardOperands, infer_backward, kBackward, kFields, &kDefaults};
constexpr const Pass* kPasses[] = {&forward, &backward};

}  // namespace

extern const Op max_pool2d_op{kPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_max_pool2d_forward(ndl_context context, const ndl_max_pool2d_options* options, ndl_tensor x, ndl_tensor* y,
                                  ndl_tensor* argmax) {
  return submit(context, forward, options, {in(x), out(y), out(argmax)});
}

ndl_status ndl_max_pool2d_backward(ndl_context context, const ndl_max_pool2d_options* options, ndl_tensor dy, ndl_tensor argmax,
                                   const int64_t* x_dims, int32_t x_rank, ndl_tensor* dx) {
  return submit(context, backward, options, {in(dy), in(argmax), dims(x_dims, x_rank), out(dx)});
}

}
