// ops/conv2d_max_pool2d.cpp: convolution and max pooling by windows side by side, as one op. Contract: nativedl/conv.h.
#include "ops/conv2d_max_pool2d.hpp"

#include "core/submit.hpp"
#include "ops/conv2d_rules.hpp"

namespace ndl {
namespace {

void fill(const char* op, const ndl_conv2d_max_pool2d_options& o, const Desc& x, const Desc& weight, Conv2dMaxPool2d& record) {
  const ndl_conv2d_options conv{sizeof(ndl_conv2d_options), 1,           o.stride_h,    o.stride_w,   o.pad_top,    o.pad_bottom, o.pad_left,
                                o.pad_right,                o.dilation_h, o.dilation_w, o.activation, 0};
  require_floating(op, "x", x);
  conv2d_shape(op, conv, x, weight, record.conv);
  if (o.pool_h < 1 || o.pool_w < 1 || int64_t{o.pool_h} * o.pool_w > 255)
    fail(NDL_ERROR_INVALID_ARGUMENT, op, ": the pooling window is ", o.pool_h, " x ", o.pool_w,
         "; both sides must be at least 1, and their product at most 255");
  Conv2d& c = record.conv;
  if (c.p < o.pool_h || c.q < o.pool_w)
    fail(NDL_ERROR_INVALID_SHAPE, op, ": the convolution of x ", shape_text(x), " by weight ", shape_text(weight), " has ", c.p, " x ", c.q,
         " pixels, less than a pooling window of ", o.pool_h, " x ", o.pool_w, "; use a smaller window or more padding");
  record.pool_h = o.pool_h, record.pool_w = o.pool_w;
  record.p = c.p / o.pool_h, record.q = c.q / o.pool_w;
  c.p = record.p * o.pool_h, c.q = record.q * o.pool_w;
  c.flop = 2 * product({c.n, c.p, c.q, c.k, c.r, c.s, c.c});
  record.flop = c.flop;
}

void require_pooled(const char* op, const Desc& dy, const Desc& argmax, const Conv2dMaxPool2d& r) {
  require_same(op, "dy", dy, "the forward's y", make_desc(r.conv.dtype, dy.device, {r.conv.n, r.p, r.q, r.conv.k}));
  require_same(op, "argmax", argmax, "the forward's argmax", make_desc(NDL_DTYPE_U8, dy.device, {r.conv.n, r.p, r.q, r.conv.k}));
}

void infer_forward(const ndl_conv2d_max_pool2d_options& o, Descs& operands, Conv2dMaxPool2d& record) {
  constexpr const char* kOp = "conv2d_max_pool2d";
  fill(kOp, o, operands[Conv2dMaxPool2d::kX], operands[Conv2dMaxPool2d::kWeight], record);
  const Conv2d& c = record.conv;
  if (operands.has(Conv2dMaxPool2d::kBias)) {
    const Desc& bias = operands[Conv2dMaxPool2d::kBias];
    require_same(kOp, "bias", bias, "one value per output channel of weight", make_desc(c.dtype, bias.device, {c.k}));
  }
  operands.output(Conv2dMaxPool2d::kY, c.dtype, {c.n, record.p, record.q, c.k});
  operands.output(Conv2dMaxPool2d::kArgmax, NDL_DTYPE_U8, {c.n, record.p, record.q, c.k});
}

void infer_backward_input(const ndl_conv2d_max_pool2d_options& o, Descs& operands, Conv2dMaxPool2d& record) {
  constexpr const char* kOp = "conv2d_max_pool2d_backward_input";
  const Desc& weight = operands[Conv2dMaxPool2d::kFilter];
  const Desc x = with_dtype(operands[Conv2dMaxPool2d::kXDims], weight.dtype);
  fill(kOp, o, x, weight, record);
  require_pooled(kOp, operands[Conv2dMaxPool2d::kDy], operands[Conv2dMaxPool2d::kIndex], record);
  operands.output_like(Conv2dMaxPool2d::kDx, x);
}

void infer_backward_weight(const ndl_conv2d_max_pool2d_options& o, Descs& operands, Conv2dMaxPool2d& record) {
  constexpr const char* kOp = "conv2d_max_pool2d_backward_weight";
  const Desc& x = operands[Conv2dMaxPool2d::kImage];
  const Desc weight = with_dtype(operands[Conv2dMaxPool2d::kWeightDims], x.dtype);
  fill(kOp, o, x, weight, record);
  require_pooled(kOp, operands[Conv2dMaxPool2d::kGradient], operands[Conv2dMaxPool2d::kPosition], record);
  operands.output_like(Conv2dMaxPool2d::kDw, weight);
}

void infer_backward_bias(const NoOptions&, Descs& operands, Conv2dMaxPool2dBias& record) {
  constexpr const char* kOp = "conv2d_max_pool2d_backward_bias";
  const Desc& dy = operands[Conv2dMaxPool2dBias::kDy];
  require_floating(kOp, "dy", dy);
  require_rank(kOp, "dy", dy, 4, "[n, p, q, k]");
  require_same(kOp, "argmax", operands[Conv2dMaxPool2dBias::kIndex], "dy in u8", make_desc(NDL_DTYPE_U8, dy.device, {dy[0], dy[1], dy[2], dy[3]}));
  record.rows = dy[0] * dy[1] * dy[2];
  record.k = dy[3];
  record.dtype = dy.dtype;
  record.flop = static_cast<double>(dy.count());
  operands.output(Conv2dMaxPool2dBias::kDb, dy.dtype, {record.k});
}

// The methods are conv2d's, and choose as it does: what pooling adds is the same for all.
template <const char* (*kReject)(const Conv2d&, const Env&)>
const char* unless(const Conv2dMaxPool2d& r, const Env& env) {
  return kReject(r.conv, env);
}
template <double (*kEstimate)(const Conv2d&, const Env&, Target)>
double cost(const Conv2dMaxPool2d& r, const Env& env, Target target) {
  return kEstimate(r.conv, env, target);
}

// That of conv2d_max_pool2d_patch.cpp.
[[maybe_unused]] const char* no_patch(const Conv2dMaxPool2d& r, const Env& env) {
  const Conv2d& c = r.conv;
  if (c.c != 1 || c.r != 3 || c.s != 3 || r.pool_h != 2 || r.pool_w != 2) return "it takes 3 x 3 kernels over one channel behind pools of 2 x 2";
  if (c.stride_h != 1 || c.stride_w != 1 || c.dilation_h != 1 || c.dilation_w != 1) return "it takes no strides and no dilation";
  if (c.pad_top != 0 || c.pad_left != 0 || c.p + 2 > c.h || c.q + 2 > c.w) return "it takes no padding";
  return only_f32(c, env);
}
// A quarter of the products, each with a permutation.
[[maybe_unused]] double patch_estimate(const Conv2dMaxPool2d& r, const Env& env, Target target) {
  return cpu::conv2d_few_channels_estimate<cpu::Conv2dPass::backward_weight>(r.conv, env, target) / 2;
}

#define NDL_LIST_METHODS(pass)                                                                                                       \
  NDL_LIST_SIMD("few_channels", unless<only_few_channels>, cost<cpu::conv2d_few_channels_estimate<Conv2dPass::pass>>,                 \
                conv2d_max_pool2d_##pass##_few_channels),                                                                            \
      NDL_LIST_SIMD("winograd4x4", unless<no_winograd<4>>, (cost<cpu::conv2d_winograd_estimate<4, Conv2dPass::pass>>),                \
                    conv2d_max_pool2d_##pass##_winograd4x4),                                                                         \
      NDL_LIST_SIMD("winograd2x2", unless<no_winograd<2>>, (cost<cpu::conv2d_winograd_estimate<2, Conv2dPass::pass>>),                \
                    conv2d_max_pool2d_##pass##_winograd2x2),                                                                         \
      NDL_LIST_SIMD("implicit_gemm", unless<only_f32>, cost<cpu::conv2d_implicit_gemm_estimate<Conv2dPass::pass>>,                    \
                    conv2d_max_pool2d_##pass##_implicit_gemm),                                                                       \
      {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::conv2d_max_pool2d_##pass}

using cpu::Conv2dPass;
const Implementation<Conv2dMaxPool2d> kForward[] = {NDL_LIST_METHODS(forward)};
const Implementation<Conv2dMaxPool2d> kBackwardInput[] = {NDL_LIST_METHODS(backward_input)};
const Implementation<Conv2dMaxPool2d> kBackwardWeight[] = {
#if defined(__x86_64__)
    {"cpu:patch:avx512", Target::cpu_avx512, no_patch, patch_estimate, &cpu::avx512::conv2d_max_pool2d_backward_weight_patch},
#endif
    NDL_LIST_METHODS(backward_weight)};
#undef NDL_LIST_METHODS
const Implementation<Conv2dMaxPool2dBias> kBackwardBias[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, conv2d_max_pool2d_backward_bias_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::conv2d_max_pool2d_backward_bias},
};

constexpr Operand kForwardOperands[] = {
    {"x", Role::in}, {"weight", Role::in}, {"bias", Role::optional}, {"y", Role::out}, {"argmax", Role::optional_out}};
constexpr Operand kBackwardInputOperands[] = {
    {"dy", Role::in}, {"argmax", Role::in}, {"weight", Role::in}, {"x_dims", Role::dims}, {"dx", Role::out}};
constexpr Operand kBackwardWeightOperands[] = {
    {"x", Role::in}, {"dy", Role::in}, {"argmax", Role::in}, {"weight_dims", Role::dims}, {"dw", Role::out}};
constexpr Operand kBackwardBiasOperands[] = {{"dy", Role::in}, {"argmax", Role::in}, {"db", Role::out}};

using Options = ndl_conv2d_max_pool2d_options;
constexpr Options kDefaults{sizeof(Options), 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, NDL_ACTIVATION_NONE};
constexpr Field kFields[] = {
    NDL_FIELD(Options, pool_h),     NDL_FIELD(Options, pool_w),   NDL_FIELD(Options, stride_h),  NDL_FIELD(Options, stride_w),
    NDL_FIELD(Options, pad_top),    NDL_FIELD(Options, pad_bottom), NDL_FIELD(Options, pad_left), NDL_FIELD(Options, pad_right),
    NDL_FIELD(Options, dilation_h), NDL_FIELD(Options, dilation_w), NDL_FIELD(Options, activation),
};

constexpr PassOf<Conv2dMaxPool2d, Options> forward{"conv2d_max_pool2d_forward", kForwardOperands, infer_forward, kForward, kFields, &kDefaults};
constexpr PassOf<Conv2dMaxPool2d, Options> backward_input{
    "conv2d_max_pool2d_backward_input", kBackwardInputOperands, infer_backward_input, kBackwardInput, kFields, &kDefaults};
constexpr PassOf<Conv2dMaxPool2d, Options> backward_weight{
    "conv2d_max_pool2d_backward_weight", kBackwardWeightOperands, infer_backward_weight, kBackwardWeight, kFields, &kDefaults};
constexpr PassOf<Conv2dMaxPool2dBias> backward_bias{"conv2d_max_pool2d_backward_bias", kBackwardBiasOperands, infer_backward_bias, kBackwardBias};
constexpr const Pass* kPasses[] = {&forward, &backward_input, &backward_weight, &backward_bias};

}  // namespace

extern const Op conv2d_max_pool2d_op{kPasses, "conv2d max_pool2d"};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_conv2d_max_pool2d_forward(ndl_context context, const ndl_conv2d_max_pool2d_options* options, ndl_tensor x, ndl_tensor weight,
                                         ndl_tensor bias, ndl_tensor* y, ndl_tensor* argmax) {
  return submit(context, forward, options, {in(x), in(weight), in(bias), out(y), out(argmax)});
}

ndl_status ndl_conv2d_max_pool2d_backward_input(ndl_context context, const ndl_conv2d_max_pool2d_options* options, ndl_tensor dy,
                                                ndl_tensor argmax, ndl_tensor weight, const int64_t* x_dims, int32_t x_rank, ndl_tensor* dx) {
  return submit(context, backward_input, options, {in(dy), in(argmax), in(weight), dims(x_dims, x_rank), out(dx)});
}

ndl_status ndl_conv2d_max_pool2d_backward_weight(ndl_context context, const ndl_conv2d_max_pool2d_options* options, ndl_tensor x, ndl_tensor dy,
                                                 ndl_tensor argmax, const int64_t* weight_dims, int32_t weight_rank, ndl_tensor* dw) {
  return submit(context, backward_weight, options, {in(x), in(dy), in(argmax), dims(weight_dims, weight_rank), out(dw)});
}

ndl_status ndl_conv2d_max_pool2d_backward_bias(ndl_context context, ndl_tensor dy, ndl_tensor argmax, ndl_tensor* db) {
  return submit(context, backward_bias, nullptr, {in(dy), in(argmax), out(db)});
}

}
