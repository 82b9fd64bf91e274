// ops/conv2d.cpp: 2-D convolution, NHWC, all passes. Contract: nativedl/conv.h.
//   y[n,p,q,k] = act( b[k] + residual[n,p,q,k] + sum_{r,s,c} x[n, p*sh + r*dh - top, q*sw + s*dw - left, c] * w[k,r,s,c] )
#include "ops/conv2d.hpp"

#include "core/submit.hpp"
#include "ops/conv2d_rules.hpp"

namespace ndl {
namespace {

Desc output_of(const Conv2d& r, const Desc& x) { return make_desc(r.dtype, x.device, {r.n, r.p, r.q, r.k}); }

void require_gradient(const char* op, const Desc& dy, const Conv2d& r) {
  require_same(op, "dy", dy, "the forward's y", output_of(r, dy));
}

void infer_forward(const ndl_conv2d_options& o, Descs& operands, Conv2d& record) {
  constexpr const char* kOp = "conv2d";
  require_factor(kOp, "x", operands[Conv2d::kX]);
  conv2d_shape(kOp, o, operands[Conv2d::kX], operands[Conv2d::kWeight], record);
  if (operands.has(Conv2d::kBias)) {
    const Desc& bias = operands[Conv2d::kBias];
    require_same(kOp, "bias", bias, "one value per output channel of weight", make_desc(record.dtype, bias.device, {record.k}));
  }
  const Desc y = output_of(record, operands[Conv2d::kX]);
  if (operands.has(Conv2d::kResidual)) require_same(kOp, "residual", operands[Conv2d::kResidual], "y", y);
  operands.output_like(Conv2d::kY, y);
}

void infer_backward_input(const ndl_conv2d_options& o, Descs& operands, Conv2d& record) {
  constexpr const char* kOp = "conv2d_backward_input";
  const Desc& weight = operands[Conv2d::kFilter];
  const Desc x = with_dtype(operands[Conv2d::kXDims], weight.dtype);
  require_factor(kOp, "weight", weight);
  conv2d_shape(kOp, o, x, weight, record);
  require_gradient(kOp, operands[Conv2d::kDy], record);
  operands.output_like(Conv2d::kDx, x);
}

void infer_backward_weight(const ndl_conv2d_options& o, Descs& operands, Conv2d& record) {
  constexpr const char* kOp = "conv2d_backward_weight";
  const Desc& x = operands[Conv2d::kImage];
  const Desc weight = with_dtype(operands[Conv2d::kWeightDims], x.dtype);
  require_factor(kOp, "x", x);
  conv2d_shape(kOp, o, x, weight, record);
  require_gradient(kOp, operands[Conv2d::kGradient], record);
  operands.output_like(Conv2d::kDw, weight);
}

void infer_backward_bias(const NoOptions&, Descs& operands, Conv2dBias& record) {
  const Desc& dy = operands[Conv2dBias::kDy];
  require_factor("conv2d_backward_bias", "dy", dy);
  require_rank("conv2d_backward_bias", "dy", dy, 4, "[n, p, q, k]");
  record.rows = dy[0] * dy[1] * dy[2];
  record.k = dy[3];
  record.dtype = dy.dtype;
  record.flop = static_cast<double>(dy.count());
  operands.output(Conv2dBias::kDb, dy.dtype, {record.k});
}

using cpu::Conv2dPass;

// The two methods of conv2d_depthwise.cpp.
const char* only_depthwise(const Conv2d& r, const Env& env) {
  if (r.groups != r.c || r.k != r.c) return "it takes groups of one channel with one output each";
  return only_f32_or_bf16(r, env);
}
const char* only_small_groups(const Conv2d& r, const Env& env) {
  const int64_t width = r.c / r.groups;
  if (r.k != r.c || (width != 2 && width != 4)) return "it takes groups of 2 or 4 channels with as many outputs";
  return only_f32_or_bf16(r, env);
}

const char* only_strided(const Conv2d& r, const Env& env) {
  if (r.stride_h == 1 && r.stride_w == 1) return "it takes strides above 1 only";
  return only_f32_or_bf16(r, env);
}
[[maybe_unused]] const char* only_strided_bf16(const Conv2d& r, const Env& env) {
  const char* why = only_strided(r, env);
  return why != nullptr ? why : only_bf16(r, env);
}

const char* no_winograd_strided(const Conv2d& r, const Env& env) {
  if (const char* why = only_f32_or_bf16(r, env); why != nullptr) return why;
  if (r.r < 5 || r.r > 8 || r.s < 5 || r.s > 8) return "it takes kernels of 5 to 8 taps each way only";
  if (r.stride_h != 2 || r.stride_w != 2) return "it takes stride 2 only";
  if (r.dilation_h != 1 || r.dilation_w != 1) return "it takes dilation 1 only";
  if (r.groups != 1) return "it takes one group only";
  if (env.precision == NDL_PRECISION_STRICT) return "its rounding error is about twice the direct sum's, which precision strict excludes";
  return nullptr;
}

// Whose gradient of the input is added up in dx itself.
const char* only_few_channels_f32(const Conv2d& r, const Env& env) {
  const char* why = only_few_channels(r, env);
  return why != nullptr ? why : only_f32(r, env);
}

const Implementation<Conv2d> kForward[] = {
    NDL_LIST_SIMD("depthwise", only_depthwise, cpu::conv2d_depthwise_estimate, conv2d_forward_depthwise),
    NDL_LIST_SIMD("grouped", only_small_groups, cpu::conv2d_grouped_estimate, conv2d_forward_grouped),
    NDL_LIST_SIMD("direct", only_f32_or_bf16, cpu::conv2d_direct_estimate<Conv2dPass::forward>, conv2d_forward_direct),
    NDL_LIST_SIMD("few_channels", only_few_channels, cpu::conv2d_few_channels_estimate<Conv2dPass::forward>, conv2d_forward_few_channels),
    NDL_LIST_SIMD("winograd_strided", no_winograd_strided, cpu::conv2d_winograd_strided_estimate<Conv2dPass::forward>, conv2d_forward_winograd_strided),
    NDL_LIST_SIMD("winograd4x4", no_winograd<4>, (cpu::conv2d_winograd_estimate<4, Conv2dPass::forward>), conv2d_forward_winograd4x4),
    NDL_LIST_SIMD("winograd2x2", no_winograd<2>, (cpu::conv2d_winograd_estimate<2, Conv2dPass::forward>), conv2d_forward_winograd2x2),
    NDL_LIST_BF16("implicit_gemm", only_bf16, cpu::conv2d_implicit_gemm_estimate<Conv2dPass::forward>, conv2d_forward_implicit_gemm)
    NDL_LIST_SIMD("implicit_gemm", only_f32_or_bf16, cpu::conv2d_implicit_gemm_estimate<Conv2dPass::forward>, conv2d_forward_implicit_gemm),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::conv2d_forward},
};
const Implementation<Conv2d> kBackwardInput[] = {
    NDL_LIST_SIMD("depthwise", only_depthwise, cpu::conv2d_depthwise_estimate, conv2d_backward_input_depthwise),
    NDL_LIST_SIMD("grouped", only_small_groups, cpu::conv2d_grouped_estimate, conv2d_backward_input_grouped),
    NDL_LIST_SIMD("direct", only_f32_or_bf16, cpu::conv2d_direct_estimate<Conv2dPass::backward_input>, conv2d_backward_input_direct),
    NDL_LIST_SIMD("few_channels", only_few_channels_f32, cpu::conv2d_few_channels_estimate<Conv2dPass::backward_input>, conv2d_backward_input_few_channels),
    NDL_LIST_BF16("phases", only_strided_bf16, cpu::conv2d_phases_estimate, conv2d_backward_input_phases)
    NDL_LIST_SIMD("phases", only_strided, cpu::conv2d_phases_estimate, conv2d_backward_input_phases),
    NDL_LIST_SIMD("winograd4x4", no_winograd<4>, (cpu::conv2d_winograd_estimate<4, Conv2dPass::backward_input>), conv2d_backward_input_winograd4x4),
    NDL_LIST_SIMD("winograd2x2", no_winograd<2>, (cpu::conv2d_winograd_estimate<2, Conv2dPass::backward_input>), conv2d_backward_input_winograd2x2),
    NDL_LIST_BF16("implicit_gemm", only_bf16, cpu::conv2d_implicit_gemm_estimate<Conv2dPass::backward_input>, conv2d_backward_input_implicit_gemm)
    NDL_LIST_SIMD("implicit_gemm", only_f32_or_bf16, cpu::conv2d_implicit_gemm_estimate<Conv2dPass::backward_input>, conv2d_backward_input_implicit_gemm),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::conv2d_backward_input},
};
const Implementation<Conv2d> kBackwardWeight[] = {
    NDL_LIST_SIMD("depthwise", only_depthwise, cpu::conv2d_depthwise_estimate, conv2d_backward_weight_depthwise),
    NDL_LIST_SIMD("grouped", only_small_groups, cpu::conv2d_grouped_estimate, conv2d_backward_weight_grouped),
    NDL_LIST_SIMD("direct", only_f32_or_bf16, cpu::conv2d_direct_estimate<Conv2dPass::backward_weight>, conv2d_backward_weight_direct),
    NDL_LIST_SIMD("few_channels", only_few_channels, cpu::conv2d_few_channels_estimate<Conv2dPass::backward_weight>, conv2d_backward_weight_few_channels),
    NDL_LIST_SIMD("winograd_strided", no_winograd_strided, cpu::conv2d_winograd_strided_estimate<Conv2dPass::backward_weight>, conv2d_backward_weight_winograd_strided),
    NDL_LIST_SIMD("winograd4x4", no_winograd<4>, (cpu::conv2d_winograd_estimate<4, Conv2dPass::backward_weight>), conv2d_backward_weight_winograd4x4),
    NDL_LIST_SIMD("winograd2x2", no_winograd<2>, (cpu::conv2d_winograd_estimate<2, Conv2dPass::backward_weight>), conv2d_backward_weight_winograd2x2),
    NDL_LIST_BF16("implicit_gemm", only_bf16, cpu::conv2d_implicit_gemm_estimate<Conv2dPass::backward_weight>, conv2d_backward_weight_implicit_gemm)
    NDL_LIST_SIMD("implicit_gemm", only_f32_or_bf16, cpu::conv2d_implicit_gemm_estimate<Conv2dPass::backward_weight>, conv2d_backward_weight_implicit_gemm),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::conv2d_backward_weight},
};
const Implementation<Conv2dBias> kBackwardBias[] = {
    NDL_LIST_SIMD("vector", only_f32_or_bf16, cpu::plain_estimate, conv2d_backward_bias_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::conv2d_backward_bias},
};

constexpr Operand kForwardOperands[] = {{"x", Role::in},
                                        {"weight", Role::in},
                                        {"bias", Role::optional},
                                        {"residual", Role::optional},
                                        {"y", Role::out, false, shares(Conv2d::kResidual)}};
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
                              ndl_tensor bias, ndl_tensor residual, ndl_tensor* y) {
  return submit(context, forward, options, {in(x), in(weight), in(bias), in(residual), out(y)});
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
