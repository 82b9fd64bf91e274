// ops/conv2d.cpp: 2-D convolution, NHWC, all passes. Contract: nativedl/conv.h.
//   y[n,p,q,k] = act( b[k] + sum_{r,s,c} x[n, p*sh + r*dh - top, q*sw + s*dw - left, c] * w[k,r,s,c] )
#include "ops/conv2d.hpp"

#include "core/submit.hpp"
#include "cpu/conv2d_cost.hpp"
#include "nativedl/conv.h"
#include "ops/checks.hpp"
#include "ops/window2d.hpp"

namespace ndl {
namespace {

// The shape rules of all passes: what x and weight say together.
void fill(const char* op, const ndl_conv2d_options& o, const Desc& x, const Desc& weight, Conv2d& record) {
  require_floating(op, "x", x);
  require_same_dtype(op, "x", x, "weight", weight);
  require_rank(op, "x", x, 4, "[n, h, w, c]");
  require_rank(op, "weight", weight, 4, "[k, r, s, c/groups]");
  if (o.groups < 1) fail(NDL_ERROR_INVALID_ARGUMENT, op, ": groups is ", o.groups, "; it must be at least 1");
  if (x[3] % o.groups != 0 || weight[0] % o.groups != 0)
    fail(NDL_ERROR_INVALID_SHAPE, op, ": groups ", o.groups, " does not divide the channels of x ", shape_text(x), " (", x[3],
         ") and the output channels of weight ", shape_text(weight), " (", weight[0], ")");
  if (x[3] / o.groups != weight[3])
    fail(NDL_ERROR_INVALID_SHAPE, op, ": x ", shape_text(x), " has ", x[3], " channels in ", o.groups, " groups, so weight must have ",
         x[3] / o.groups, " in its last dimension; its shape is ", shape_text(weight),
         ". NHWC is expected: permute data that come as NCHW");
  const Window2d window = window_of(o, weight[1], weight[2]);
  check_window(op, window, NDL_ERROR_INVALID_SHAPE);
  record.n = x[0], record.h = x[1], record.w = x[2], record.c = x[3];
  record.k = weight[0], record.r = weight[1], record.s = weight[2];
  record.groups = o.groups;
  record.stride_h = o.stride_h, record.stride_w = o.stride_w, record.dilation_h = o.dilation_h, record.dilation_w = o.dilation_w;
  record.pad_top = o.pad_top, record.pad_left = o.pad_left;
  record.p = positions(op, "height", x[1], o.pad_top, o.pad_bottom, window.extent_h(), o.stride_h);
  record.q = positions(op, "width", x[2], o.pad_left, o.pad_right, window.extent_w(), o.stride_w);
  record.activation = o.activation;
  record.dtype = x.dtype;
  record.flop = 2 * product({record.n, record.p, record.q, record.k, record.r, record.s, weight[3]});
}

void require_gradient(const char* op, const Desc& dy, const Conv2d& r, ndl_dtype dtype) {
  Desc expected = make_desc(dtype, dy.device, {r.n, r.p, r.q, r.k});
  require_same(op, "dy", dy, "the forward's y", expected);
}

void infer_forward(const ndl_conv2d_options& o, Descs& operands, Conv2d& record) {
  constexpr const char* kOp = "conv2d";
  fill(kOp, o, operands[Conv2d::kX], operands[Conv2d::kWeight], record);
  if (operands.has(Conv2d::kBias)) {
    const Desc& bias = operands[Conv2d::kBias];
    require_same(kOp, "bias", bias, "one value per output channel of weight", make_desc(record.dtype, bias.device, {record.k}));
  }
  operands.output(Conv2d::kY, record.dtype, {record.n, record.p, record.q, record.k});
}

void infer_backward_input(const ndl_conv2d_options& o, Descs& operands, Conv2d& record) {
  constexpr const char* kOp = "conv2d_backward_input";
  const Desc& weight = operands[Conv2d::kFilter];
  const Desc x = with_dtype(operands[Conv2d::kXDims], weight.dtype);
  fill(kOp, o, x, weight, record);
  require_gradient(kOp, operands[Conv2d::kDy], record, record.dtype);
  operands.output_like(Conv2d::kDx, x);
}

void infer_backward_weight(const ndl_conv2d_options& o, Descs& operands, Conv2d& record) {
  constexpr const char* kOp = "conv2d_backward_weight";
  const Desc& x = operands[Conv2d::kImage];
  const Desc weight = with_dtype(operands[Conv2d::kWeightDims], x.dtype);
  fill(kOp, o, x, weight, record);
  require_gradient(kOp, operands[Conv2d::kGradient], record, record.dtype);
  operands.output_like(Conv2d::kDw, weight);
}

void infer_backward_bias(const NoOptions&, Descs& operands, Conv2dBias& record) {
  const Desc& dy = operands[Conv2dBias::kDy];
  require_floating("conv2d_backward_bias", "dy", dy);
  require_rank("conv2d_backward_bias", "dy", dy, 4, "[n, p, q, k]");
  record.rows = dy[0] * dy[1] * dy[2];
  record.k = dy[3];
  record.dtype = dy.dtype;
  record.flop = static_cast<double>(dy.count());
  operands.output(Conv2dBias::kDb, dy.dtype, {record.k});
}

using cpu::Conv2dPass;

template <int kTile>
const char* no_winograd(const Conv2d& r, const Env& env) {
  if (const char* why = only_f32(r, env); why != nullptr) return why;
  if (r.r != 3 || r.s != 3) return "it takes kernels of 3 x 3 only";
  if (r.stride_h != 1 || r.stride_w != 1) return "it takes stride 1 only";
  if (r.dilation_h != 1 || r.dilation_w != 1) return "it takes dilation 1 only";
  if (r.groups != 1) return "it takes one group only";
  if (kTile == 4 && env.precision == NDL_PRECISION_STRICT)
    return "its rounding error is about twice the direct sum's, which precision strict excludes";
  if (4.0 * (kTile + 2) * (kTile + 2) * static_cast<double>(r.c) * static_cast<double>(r.k) > 256e6)
    return "the transformed weight would take more than 256 MB";
  return nullptr;
}

// The two methods of conv2d_depthwise.cpp.
const char* only_depthwise(const Conv2d& r, const Env& env) {
  if (r.groups != r.c || r.k != r.c) return "it takes groups of one channel with one output each";
  return only_f32(r, env);
}
const char* only_small_groups(const Conv2d& r, const Env& env) {
  const int64_t width = r.c / r.groups;
  if (r.k != r.c || (width != 2 && width != 4 && width != 8 && width != 16))
    return "it takes groups of 2, 4, 8 or 16 channels with as many outputs";
  return only_f32(r, env);
}

const char* only_few_channels(const Conv2d& r, const Env& env) {
  if (r.groups != 1 || r.c > 4) return "it takes at most 4 channels in one group";
  if (r.dilation_w != 1) return "it takes no dilation along the width";
  return only_f32(r, env);
}
const char* only_strided(const Conv2d& r, const Env& env) {
  if (r.stride_h == 1 && r.stride_w == 1) return "it takes strides above 1 only";
  return only_f32(r, env);
}

const Implementation<Conv2d> kForward[] = {
    NDL_LIST_SIMD("depthwise", only_depthwise, cpu::conv2d_depthwise_estimate, conv2d_forward_depthwise),
    NDL_LIST_SIMD("grouped", only_small_groups, cpu::conv2d_grouped_estimate, conv2d_forward_grouped),
    NDL_LIST_SIMD("few_channels", only_few_channels, cpu::conv2d_few_channels_estimate<Conv2dPass::forward>, conv2d_forward_few_channels),
    NDL_LIST_SIMD("winograd4x4", no_winograd<4>, (cpu::conv2d_winograd_estimate<4, Conv2dPass::forward>), conv2d_forward_winograd4x4),
    NDL_LIST_SIMD("winograd2x2", no_winograd<2>, (cpu::conv2d_winograd_estimate<2, Conv2dPass::forward>), conv2d_forward_winograd2x2),
    NDL_LIST_SIMD("implicit_gemm", only_f32, cpu::conv2d_implicit_gemm_estimate<Conv2dPass::forward>, conv2d_forward_implicit_gemm),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::conv2d_forward},
};
const Implementation<Conv2d> kBackwardInput[] = {
    NDL_LIST_SIMD("depthwise", only_depthwise, cpu::conv2d_depthwise_estimate, conv2d_backward_input_depthwise),
    NDL_LIST_SIMD("grouped", only_small_groups, cpu::conv2d_grouped_estimate, conv2d_backward_input_grouped),
    NDL_LIST_SIMD("few_channels", only_few_channels, cpu::conv2d_few_channels_estimate<Conv2dPass::backward_input>, conv2d_backward_input_few_channels),
    NDL_LIST_SIMD("phases", only_strided, cpu::conv2d_phases_estimate, conv2d_backward_input_phases),
    NDL_LIST_SIMD("winograd4x4", no_winograd<4>, (cpu::conv2d_winograd_estimate<4, Conv2dPass::backward_input>), conv2d_backward_input_winograd4x4),
    NDL_LIST_SIMD("winograd2x2", no_winograd<2>, (cpu::conv2d_winograd_estimate<2, Conv2dPass::backward_input>), conv2d_backward_input_winograd2x2),
    NDL_LIST_SIMD("implicit_gemm", only_f32, cpu::conv2d_implicit_gemm_estimate<Conv2dPass::backward_input>, conv2d_backward_input_implicit_gemm),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::conv2d_backward_input},
};
const Implementation<Conv2d> kBackwardWeight[] = {
    NDL_LIST_SIMD("depthwise", only_depthwise, cpu::conv2d_depthwise_estimate, conv2d_backward_weight_depthwise),
    NDL_LIST_SIMD("grouped", only_small_groups, cpu::conv2d_grouped_estimate, conv2d_backward_weight_grouped),
    NDL_LIST_SIMD("few_channels", only_few_channels, cpu::conv2d_few_channels_estimate<Conv2dPass::backward_weight>, conv2d_backward_weight_few_channels),
    NDL_LIST_SIMD("winograd4x4", no_winograd<4>, (cpu::conv2d_winograd_estimate<4, Conv2dPass::backward_weight>), conv2d_backward_weight_winograd4x4),
    NDL_LIST_SIMD("winograd2x2", no_winograd<2>, (cpu::conv2d_winograd_estimate<2, Conv2dPass::backward_weight>), conv2d_backward_weight_winograd2x2),
    NDL_LIST_SIMD("implicit_gemm", only_f32, cpu::conv2d_implicit_gemm_estimate<Conv2dPass::backward_weight>, conv2d_backward_weight_implicit_gemm),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::conv2d_backward_weight},
};
const Implementation<Conv2dBias> kBackwardBias[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, conv2d_backward_bias_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::conv2d_backward_bias},
};

constexpr Operand kForwardOperands[] = {{"x", Role::in}, {"weight", Role::in}, {"bias", Role::optional}, {"y", Role::out}};
constexpr Operand kBackwardInputOperands[] = {{"dy", Role::in}, {"weight", Role::in}, {"x_dims", Role::dims}, {"dx", Role::out}};
constexpr Operand kBackwardWeightOperands[] = {{"x", Role::in}, {"dy", Role::in}, {"weight_dims", Role::dims}, {"dw", Role::out}};
constexpr Operand kBackwardBiasOperands[] = {{"dy", Role::in}, {"db", Role::out}};

constexpr ndl_conv2d_options kDefaults{sizeof(ndl_conv2d_options), 1, 1, 1, 0, 0, 0, 0, 1, 1, NDL_ACTIVATION_NONE, 0};
constexpr Field kFields[] = {
    NDL_FIELD(ndl_conv2d_options, groups),     NDL_FIELD(ndl_conv2d_options, stride_h),   NDL_FIELD(ndl_conv2d_options, stride_w),
    NDL_FIELD(ndl_conv2d_options, pad_top),    NDL_FIELD(ndl_conv2d_options, pad_bottom), NDL_FIELD(ndl_conv2d_options, pad_left),
    NDL_FIELD(ndl_conv2d_options, pad_right),  NDL_FIELD(ndl_conv2d_options, dilation_h), NDL_FIELD(ndl_conv2d_options, dilation_w),
    NDL_FIELD(ndl_conv2d_options, activation),
};

constexpr PassOf<Conv2d, ndl_conv2d_options> forward{"conv2d_forward", kForwardOperands, infer_forward, kForward, kFields, &kDefaults};
constexpr PassOf<Conv2d, ndl_conv2d_options> backward_input{
    "conv2d_backward_input", kBackwardInputOperands, infer_backward_input, kBackwardInput, kFields, &kDefaults};
constexpr PassOf<Conv2d, ndl_conv2d_options> backward_weight{
    "conv2d_backward_weight", kBackwardWeightOperands, infer_backward_weight, kBackwardWeight, kFields, &kDefaults};
constexpr PassOf<Conv2dBias> backward_bias{"conv2d_backward_bias", kBackwardBiasOperands, infer_backward_bias, kBackwardBias};
constexpr const Pass* kPasses[] = {&forward, &backward_input, &backward_weight, &backward_bias};

}  // namespace

extern const Op conv2d_op{kPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_conv2d_forward(ndl_context context, const ndl_conv2d_options* options, ndl_tensor x, ndl_tensor weight,
                              ndl_tensor bias, ndl_tensor* y) {
  return submit(context, forward, options, {in(x), in(weight), in(bias), out(y)});
}

ndl_status ndl_conv2d_backward_input(ndl_context context, const ndl_conv2d_options* options, ndl_tensor dy, ndl_tensor weight,
                                     const int64_t* x_dims, int32_t x_rank, ndl_tensor* dx) {
  return submit(context, backward_input, options, {in(dy), in(weight), dims(x_dims, x_rank), out(dx)});
}

ndl_status ndl_conv2d_backward_weight(ndl_context context, const ndl_conv2d_options* options, ndl_tensor x, ndl_tensor dy,
                                      const int64_t* weight_dims, int32_t weight_rank, ndl_tensor* dw) {
  return submit(context, backward_weight, options, {in(x), in(dy), dims(weight_dims, weight_rank), out(dw)});
}

ndl_status ndl_conv2d_backward_bias(ndl_context context, ndl_tensor dy, ndl_tensor* db) {
  return submit(context, backward_bias, nullptr, {in(dy), out(db)});
}

}
