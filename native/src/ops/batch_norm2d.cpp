// ops/batch_norm2d.cpp: batch normalisation, NHWC, in training and in inference. Contract: nativedl/norm.h.
//   y = act( (x - mean) / sqrt(var + eps) * gamma + beta ), mean and var of the batch, or running ones
#include "ops/batch_norm2d.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/norm.h"
#include "ops/checks.hpp"

namespace ndl {
namespace {

void set_x(const char* op, const Desc& x, BatchNorm2d& record) {
  require_floating(op, "x", x);
  require_rank(op, "x", x, 4, "[n, h, w, c]");
  record.m = x[0] * x[1] * x[2], record.c = x[3];
  record.dtype = x.dtype;
  record.activation = NDL_ACTIVATION_NONE;
  record.flop = 6.0 * static_cast<double>(x.count());
}

void require_per_channel(const char* op, const Descs& operands, int operand, const char* name, const BatchNorm2d& record) {
  if (!operands.has(operand)) return;
  const Desc& desc = operands[operand];
  require_same(op, name, desc, "one value per channel of x", make_desc(record.dtype, desc.device, {record.c}));
}

void set_options(const char* op, const ndl_batch_norm2d_options& o, BatchNorm2d& record) {
  if (!(o.eps > 0)) fail(NDL_ERROR_INVALID_ARGUMENT, op, ": eps is ", o.eps, "; it must be positive");
  record.eps = o.eps;
  record.activation = o.activation;
}

void infer_forward(const ndl_batch_norm2d_options& o, Descs& operands, BatchNorm2d& record) {
  constexpr const char* kOp = "batch_norm2d";
  const Desc& x = operands[BatchNorm2d::kX];
  set_x(kOp, x, record);
  set_options(kOp, o, record);
  if (!(o.momentum >= 0 && o.momentum <= 1)) fail(NDL_ERROR_INVALID_ARGUMENT, kOp, ": momentum is ", o.momentum, "; it must lie in 0..1");
  require_flag(kOp, "cumulative", o.cumulative);
  record.momentum = o.momentum, record.cumulative = o.cumulative == 1;
  if (record.m < 2)
    fail(NDL_ERROR_INVALID_SHAPE, kOp, ": x ", shape_text(x), " has ", record.m,
         " values per channel, training needs at least 2; give a larger batch, or use batch_norm2d_inference");
  require_per_channel(kOp, operands, BatchNorm2d::kGamma, "gamma", record);
  require_per_channel(kOp, operands, BatchNorm2d::kBeta, "beta", record);
  require_per_channel(kOp, operands, BatchNorm2d::kRunningMean, "running_mean", record);
  require_per_channel(kOp, operands, BatchNorm2d::kRunningVar, "running_var", record);
  require_dtype(kOp, "num_batches", operands[BatchNorm2d::kNumBatches], NDL_DTYPE_I64);
  require_rank(kOp, "num_batches", operands[BatchNorm2d::kNumBatches], 0, "a scalar");
  operands.output_like(BatchNorm2d::kY, x);
  operands.output(BatchNorm2d::kMean, x.dtype, {record.c});
  operands.output(BatchNorm2d::kInverseStd, x.dtype, {record.c});
}

void infer_inference_forward(const ndl_batch_norm2d_options& o, Descs& operands, BatchNorm2d& record) {
  constexpr const char* kOp = "batch_norm2d_inference";
  const Desc& x = operands[BatchNorm2d::kX];
  set_x(kOp, x, record);
  set_options(kOp, o, record);
  require_per_channel(kOp, operands, BatchNorm2d::kGamma, "gamma", record);
  require_per_channel(kOp, operands, BatchNorm2d::kBeta, "beta", record);
  require_per_channel(kOp, operands, BatchNorm2d::kRunningMean, "running_mean", record);
  require_per_channel(kOp, operands, BatchNorm2d::kRunningVar, "running_var", record);
  operands.output_like(BatchNorm2d::kInferenceY, x);
}

void infer_gradients(const char* op, const ndl_batch_norm2d_options& o, Descs& operands, BatchNorm2d& record, const char* mean, const char* spread) {
  const Desc& x = operands[BatchNorm2d::kImage];
  set_x(op, x, record);
  set_options(op, o, record);
  require_per_channel(op, operands, BatchNorm2d::kScale, "gamma", record);
  require_per_channel(op, operands, BatchNorm2d::kShift, "beta", record);
  require_per_channel(op, operands, BatchNorm2d::kSavedMean, mean, record);
  require_per_channel(op, operands, BatchNorm2d::kSavedInverseStd, spread, record);
  require_same(op, "dy", operands[BatchNorm2d::kDy], "x", x);
  operands.output_like(BatchNorm2d::kDx, x);
  operands.output(BatchNorm2d::kDgamma, x.dtype, {record.c});
  operands.output(BatchNorm2d::kDbeta, x.dtype, {record.c});
}

void infer_backward(const ndl_batch_norm2d_options& o, Descs& operands, BatchNorm2d& record) {
  infer_gradients("batch_norm2d_backward", o, operands, record, "mean", "inverse_std");
}

void infer_inference_backward(const ndl_batch_norm2d_options& o, Descs& operands, BatchNorm2d& record) {
  infer_gradients("batch_norm2d_inference_backward", o, operands, record, "running_mean", "running_var");
}

#define NDL_BATCH_NORM_LIST(list, pass)                                                           \
  const Implementation<BatchNorm2d> list[] = {                                                    \
      NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, pass##_vector),                      \
      {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::pass},                \
  };
NDL_BATCH_NORM_LIST(kForward, batch_norm2d_forward)
NDL_BATCH_NORM_LIST(kBackward, batch_norm2d_backward)
NDL_BATCH_NORM_LIST(kInferenceForward, batch_norm2d_inference_forward)
NDL_BATCH_NORM_LIST(kInferenceBackward, batch_norm2d_inference_backward)

constexpr Operand kForwardOperands[] = {
    {"x", Role::in},       {"gamma", Role::optional},    {"beta", Role::optional}, {"running_mean", Role::inout}, {"running_var", Role::inout},
    {"num_batches", Role::inout}, {"y", Role::out}, {"mean", Role::out}, {"inverse_std", Role::out}};
constexpr Operand kBackwardOperands[] = {
    {"x", Role::in},  {"gamma", Role::optional}, {"beta", Role::optional}, {"mean", Role::in}, {"inverse_std", Role::in},
    {"dy", Role::in}, {"dx", Role::optional_out, false, shares(BatchNorm2d::kDy)}, {"dgamma", Role::optional_out}, {"dbeta", Role::optional_out}};
constexpr Operand kInferenceForwardOperands[] = {
    {"x", Role::in}, {"gamma", Role::optional}, {"beta", Role::optional}, {"running_mean", Role::in}, {"running_var", Role::in},
    {"y", Role::out, false, shares(BatchNorm2d::kX)}};
constexpr Operand kInferenceBackwardOperands[] = {
    {"x", Role::in},  {"gamma", Role::optional}, {"beta", Role::optional}, {"running_mean", Role::in}, {"running_var", Role::in},
    {"dy", Role::in}, {"dx", Role::optional_out, false, shares(BatchNorm2d::kDy)}, {"dgamma", Role::optional_out}, {"dbeta", Role::optional_out}};

constexpr ndl_batch_norm2d_options kDefaults{sizeof(ndl_batch_norm2d_options), NDL_ACTIVATION_NONE, 1e-5, 0.1, 0, 0};
constexpr Field kFields[] = {NDL_FIELD(ndl_batch_norm2d_options, activation), NDL_FIELD(ndl_batch_norm2d_options, eps),
                             NDL_FIELD(ndl_batch_norm2d_options, momentum), NDL_FIELD(ndl_batch_norm2d_options, cumulative)};

constexpr PassOf<BatchNorm2d, ndl_batch_norm2d_options> forward{
    "batch_norm2d_forward", kForwardOperands, infer_forward, kForward, kFields, &kDefaults};
constexpr PassOf<BatchNorm2d, ndl_batch_norm2d_options> backward{
    "batch_norm2d_backward", kBackwardOperands, infer_backward, kBackward, kFields, &kDefaults};
constexpr PassOf<BatchNorm2d, ndl_batch_norm2d_options> inference_forward{
    "batch_norm2d_inference_forward", kInferenceForwardOperands, infer_inference_forward, kInferenceForward, kFields, &kDefaults};
constexpr PassOf<BatchNorm2d, ndl_batch_norm2d_options> inference_backward{
    "batch_norm2d_inference_backward", kInferenceBackwardOperands, infer_inference_backward, kInferenceBackward, kFields, &kDefaults};
constexpr const Pass* kPasses[] = {&forward, &backward};
constexpr const Pass* kInferencePasses[] = {&inference_forward, &inference_backward};

}  // namespace

extern const Op batch_norm2d_op{kPasses};
extern const Op batch_norm2d_inference_op{kInferencePasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_batch_norm2d_forward(ndl_context context, const ndl_batch_norm2d_options* options, ndl_tensor x, ndl_tensor gamma,
                                    ndl_tensor beta, ndl_tensor running_mean, ndl_tensor running_var, ndl_tensor num_batches, ndl_tensor* y,
                                    ndl_tensor* mean, ndl_tensor* inverse_std) {
  return submit(context, forward, options,
                {in(x), in(gamma), in(beta), in(running_mean), in(running_var), in(num_batches), out(y), out(mean), out(inverse_std)});
}

ndl_status ndl_batch_norm2d_backward(ndl_context context, const ndl_batch_norm2d_options* options, ndl_tensor x, ndl_tensor gamma,
                                     ndl_tensor beta, ndl_tensor mean, ndl_tensor inverse_std, ndl_tensor dy, ndl_tensor* dx,
                                     ndl_tensor* dgamma, ndl_tensor* dbeta) {
  return submit(context, backward, options,
                {in(x), in(gamma), in(beta), in(mean), in(inverse_std), in(dy), out(dx), out(dgamma), out(dbeta)});
}

ndl_status ndl_batch_norm2d_inference_forward(ndl_context context, const ndl_batch_norm2d_options* options, ndl_tensor x, ndl_tensor gamma,
                                              ndl_tensor beta, ndl_tensor running_mean, ndl_tensor running_var, ndl_tensor* y) {
  return submit(context, inference_forward, options, {in(x), in(gamma), in(beta), in(running_mean), in(running_var), out(y)});
}

ndl_status ndl_batch_norm2d_inference_backward(ndl_context context, const ndl_batch_norm2d_options* options, ndl_tensor x, ndl_tensor gamma,
                                               ndl_tensor beta, ndl_tensor running_mean, ndl_tensor running_var, ndl_tensor dy,
                                               ndl_tensor* dx, ndl_tensor* dgamma, ndl_tensor* dbeta) {
  return submit(context, inference_backward, options,
                {in(x), in(gamma), in(beta), in(running_mean), in(running_var), in(dy), out(dx), out(dgamma), out(dbeta)});
}

}
