// ops/avg_pool2d.cpp: average pooling, NHWC. Contract: nativedl/pool.h.
#include "ops/avg_pool2d.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/pool.h"
#include "ops/checks.hpp"
#include "ops/window2d.hpp"

namespace ndl {
namespace {

void fill(const char* op, const ndl_avg_pool2d_options& o, const Desc& x, AvgPool2d& record) {
  require_floating(op, "x", x);
  require_image(op, "x", x);
  const Window2d window{o.kernel_h, o.kernel_w, o.stride_h, o.stride_w, o.pad_top, o.pad_bottom, o.pad_left, o.pad_right, 1, 1};
  check_window(op, window, NDL_ERROR_INVALID_ARGUMENT);
  check_pool_padding(op, window);
  require_flag(op, "ceil_mode", o.ceil_mode);
  require_flag(op, "count_include_pad", o.count_include_pad);
  if (o.divisor_override < 0)
    fail(NDL_ERROR_INVALID_ARGUMENT, op, ": divisor_override is ", o.divisor_override, "; it must be positive, or 0 for the window's size");
  record.n = x[0], record.h = x[1], record.w = x[2], record.c = x[3], record.r = o.kernel_h, record.s = o.kernel_w;
  record.stride_h = o.stride_h, record.stride_w = o.stride_w;
  record.pad_top = o.pad_top, record.pad_bottom = o.pad_bottom, record.pad_left = o.pad_left, record.pad_right = o.pad_right;
  record.divisor_override = o.divisor_override, record.count_include_pad = o.count_include_pad == 1;
  record.p = positions(op, "height", x[1], o.pad_top, o.pad_bottom, o.kernel_h, o.stride_h, o.ceil_mode == 1);
  record.q = positions(op, "width", x[2], o.pad_left, o.pad_right, o.kernel_w, o.stride_w, o.ceil_mode == 1);
  record.dtype = x.dtype;
  record.flop = product({record.n, record.p, record.q, record.c, record.r, record.s});
}

void infer_forward(const ndl_avg_pool2d_options& o, Descs& operands, AvgPool2d& record) {
  fill("avg_pool2d", o, operands[AvgPool2d::kX], record);
  operands.output(AvgPool2d::kY, record.dtype, {record.n, record.p, record.q, record.c});
}

void infer_backward(const ndl_avg_pool2d_options& o, Descs& operands, AvgPool2d& record) {
  constexpr const char* kOp = "avg_pool2d_backward";
  const Desc& dy = operands[AvgPool2d::kDy];
  const Desc x = with_dtype(operands[AvgPool2d::kXDims], dy.dtype);
  fill(kOp, o, x, record);
  require_same(kOp, "dy", dy, "the forward's y", make_desc(record.dtype, dy.device, {record.n, record.p, record.q, record.c}));
  operands.output_like(AvgPool2d::kDx, x);
}

const Implementation<AvgPool2d> kForward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, avg_pool2d_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::avg_pool2d_forward},
};
const Implementation<AvgPool2d> kBackward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, avg_pool2d_backward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::avg_pool2d_backward},
};

constexpr Operand kForwardOperands[] = {{"x", Role::in}, {"y", Role::out}};
constexpr Operand kBackwardOperands[] = {{"dy", Role::in}, {"x_dims", Role::dims}, {"dx", Role::out}};

constexpr ndl_avg_pool2d_options kDefaults{sizeof(ndl_avg_pool2d_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0};
constexpr Field kFields[] = {
    NDL_FIELD(ndl_avg_pool2d_options, kernel_h),          NDL_FIELD(ndl_avg_pool2d_options, kernel_w),
    NDL_FIELD(ndl_avg_pool2d_options, stride_h),          NDL_FIELD(ndl_avg_pool2d_options, stride_w),
    NDL_FIELD(ndl_avg_pool2d_options, pad_top),           NDL_FIELD(ndl_avg_pool2d_options, pad_bottom),
    NDL_FIELD(ndl_avg_pool2d_options, pad_left),          NDL_FIELD(ndl_avg_pool2d_options, pad_right),
    NDL_FIELD(ndl_avg_pool2d_options, ceil_mode),         NDL_FIELD(ndl_avg_pool2d_options, count_include_pad),
    NDL_FIELD(ndl_avg_pool2d_options, divisor_override),
};

constexpr PassOf<AvgPool2d, ndl_avg_pool2d_options> forward{"avg_pool2d_forward", kForwardOperands, infer_forward, kForward, kFields, &kDefaults};
constexpr PassOf<AvgPool2d, ndl_avg_pool2d_options> backward{"avg_pool2d_backward", kBackwardOperands, infer_backward, kBackward, kFields, &kDefaults};
constexpr const Pass* kPasses[] = {&forward, &backward};

}  // namespace

extern const Op avg_pool2d_op{kPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_avg_pool2d_forward(ndl_context context, const ndl_avg_pool2d_options* options, ndl_tensor x, ndl_tensor* y) {
  return submit(context, forward, options, {in(x), out(y)});
}

ndl_status ndl_avg_pool2d_backward(ndl_context context, const ndl_avg_pool2d_options* options, ndl_tensor dy, const int64_t* x_dims,
                                   int32_t x_rank, ndl_tensor* dx) {
  return submit(context, backward, options, {in(dy), dims(x_dims, x_rank), out(dx)});
}

}
