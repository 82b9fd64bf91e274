// ops/linear.cpp: a fully connected layer, all passes. Contract: nativedl/gemm.h.
//   y[..., n] = act( sum_k x[..., k] * w[n, k] + b[n] + residual[..., n] ); the leading dimensions of x are its rows.
#include "ops/linear.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/gemm.h"
#include "ops/checks.hpp"
#include "ops/conv2d.hpp"

namespace ndl {
namespace {

void require_rows(const char* op, const char* name, const Desc& desc) {
  require_factor(op, name, desc);
  if (desc.rank < 1)
    fail(NDL_ERROR_INVALID_SHAPE, op, ": ", name, " is a scalar; it must have at least one dimension, the last of them the features. Reshape it first");
}

int64_t last_of(const Desc& desc) { return desc[desc.rank - 1]; }

// Product of the leading dimensions. An empty last dimension must not hide them.
int64_t rows_of(const Desc& desc) {
  int64_t rows = 1;
  for (int i = 0; i + 1 < desc.rank; ++i) rows *= desc[i];
  return rows;
}

Desc with_last(Desc desc, int64_t features) {
  desc[desc.rank - 1] = features;
  return desc;
}

void set(Linear& record, const Desc& rows, int64_t n, int64_t k) {
  record.rows = rows_of(rows), record.n = n, record.k = k;
  record.dtype = rows.dtype;
  record.activation = NDL_ACTIVATION_NONE;
  record.flop = 2.0 * static_cast<double>(record.rows) * static_cast<double>(n) * static_cast<double>(k);
}

void infer_forward(const ndl_linear_options& o, Descs& operands, Linear& record) {
  constexpr const char* kOp = "linear";
  const Desc &x = operands[Linear::kX], &weight = operands[Linear::kWeight];
  require_rows(kOp, "x", x);
  require_same_dtype(kOp, "x", x, "weight", weight);
  require_rank(kOp, "weight", weight, 2, "[n, k]");
  if (last_of(x) != weight[1])
    fail(NDL_ERROR_INVALID_SHAPE, kOp, ": x ", shape_text(x), " has ", last_of(x), " features in its last dimension, and weight ",
         shape_text(weight), " takes ", weight[1], "; weight must be [n, ", last_of(x), "], or x flattened to [..., ", weight[1], "]");
  set(record, x, weight[0], weight[1]);
  record.activation = o.activation;
  if (operands.has(Linear::kBias)) {
    const Desc& bias = operands[Linear::kBias];
    require_same(kOp, "bias", bias, "one value per row of weight", make_desc(record.dtype, bias.device, {record.n}));
  }
  const Desc y = with_last(x, record.n);
  if (operands.has(Linear::kResidual)) require_same(kOp, "residual", operands[Linear::kResidual], "y", y);
  operands.output(Linear::kY, y.dtype, std::span(y.dims.data(), static_cast<size_t>(y.rank)));
}

void infer_backward_input(const NoOptions&, Descs& operands, Linear& record) {
  constexpr const char* kOp = "linear_backward_input";
  const Desc &dy = operands[Linear::kDy], &weight = operands[Linear::kFilter];
  require_rows(kOp, "dy", dy);
  require_same_dtype(kOp, "dy", dy, "weight", weight);
  require_rank(kOp, "weight", weight, 2, "[n, k]");
  if (last_of(dy) != weight[0])
    fail(NDL_ERROR_INVALID_SHAPE, kOp, ": dy has shape ", shape_text(dy), ", its last dimension must be the first of weight ",
         shape_text(weight), ", ", weight[0]);
  set(record, dy, weight[0], weight[1]);
  const Desc dx = with_last(dy, record.k);
  operands.output(Linear::kDx, dx.dtype, std::span(dx.dims.data(), static_cast<size_t>(dx.rank)));
}

void infer_backward_weight(const NoOptions&, Descs& operands, Linear& record) {
  constexpr const char* kOp = "linear_backward_weight";
  const Desc &x = operands[Linear::kInput], &dy = operands[Linear::kGradient];
  require_rows(kOp, "x", x);
  require_rows(kOp, "dy", dy);
  require_same(kOp, "dy", dy, "the forward's y", with_last(x, last_of(dy)));
  set(record, x, last_of(dy), last_of(x));
  operands.output(Linear::kDw, record.dtype, {record.n, record.k});
}

void infer_backward_bias(const NoOptions&, Descs& operands, Conv2dBias& record) {
  const Desc& dy = operands[Conv2dBias::kDy];
  require_rows("linear_backward_bias", "dy", dy);
  record.rows = rows_of(dy);
  record.k = last_of(dy);
  record.dtype = dy.dtype;
  record.flop = static_cast<double>(dy.count());
  operands.output(Conv2dBias::kDb, dy.dtype, {record.k});
}

const Implementation<Linear> kForward[] = {
    NDL_LIST_BF16("gemm", only_bf16, cpu::plain_estimate, linear_forward_gemm)
    NDL_LIST_SIMD("gemm", only_f32_or_bf16, cpu::plain_estimate, linear_forward_gemm),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::linear_forward},
};
const Implementation<Linear> kBackwardInput[] = {
    NDL_LIST_BF16("gemm", only_bf16, cpu::plain_estimate, linear_backward_input_gemm)
    NDL_LIST_SIMD("gemm", only_f32_or_bf16, cpu::plain_estimate, linear_backward_input_gemm),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::linear_backward_input},
};
const Implementation<Linear> kBackwardWeight[] = {
    NDL_LIST_BF16("gemm", only_bf16, cpu::plain_estimate, linear_backward_weight_gemm)
    NDL_LIST_SIMD("gemm", only_f32_or_bf16, cpu::plain_estimate, linear_backward_weight_gemm),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::linear_backward_weight},
};
const Implementation<Conv2dBias> kBackwardBias[] = {
    NDL_LIST_SIMD("vector", only_f32_or_bf16, cpu::plain_estimate, conv2d_backward_bias_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::conv2d_backward_bias},
};

constexpr Operand kForwardOperands[] = {{"x", Role::in},
                                        {"weight", Role::in},
                                        {"bias", Role::optional},
                                        {"residual", Role::optional},
                                        {"y", Role::out, false, shares(Linear::kResidual)}};
constexpr Operand kBackwardInputOperands[] = {{"dy", Role::in}, {"weight", Role::in}, {"dx", Role::out}};
constexpr Operand kBackwardWeightOperands[] = {{"x", Role::in}, {"dy", Role::in}, {"dw", Role::out}};
constexpr Operand kBackwardBiasOperands[] = {{"dy", Role::in}, {"db", Role::out}};

constexpr ndl_linear_options kDefaults{sizeof(ndl_linear_options), NDL_ACTIVATION_NONE};
constexpr Field kFields[] = {NDL_FIELD(ndl_linear_options, activation)};

constexpr PassOf<Linear, ndl_linear_options> forward{"linear_forward", kForwardOperands, infer_forward, kForward, kFields, &kDefaults};
constexpr PassOf<Linear> backward_input{"linear_backward_input", kBackwardInputOperands, infer_backward_input, kBackwardInput};
constexpr PassOf<Linear> backward_weight{"linear_backward_weight", kBackwardWeightOperands, infer_backward_weight, kBackwardWeight};
constexpr PassOf<Conv2dBias> backward_bias{"linear_backward_bias", kBackwardBiasOperands, infer_backward_bias, kBackwardBias};
constexpr const Pass* kPasses[] = {&forward, &backward_input, &backward_weight, &backward_bias};

}  // namespace

extern const Op linear_op{kPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_linear_forward(ndl_context context, const ndl_linear_options* options, ndl_tensor x, ndl_tensor weight,
                              ndl_tensor bias, ndl_tensor residual, ndl_tensor* y) {
  return submit(context, forward, options, {in(x), in(weight), in(bias), in(residual), out(y)});
}

ndl_status ndl_linear_backward_input(ndl_context context, ndl_tensor dy, ndl_tensor weight, ndl_tensor* dx) {
  return submit(context, backward_input, nullptr, {in(dy), in(weight), out(dx)});
}

ndl_status ndl_linear_backward_weight(ndl_context context, ndl_tensor x, ndl_tensor dy, ndl_tensor* dw) {
  return submit(context, backward_weight, nullptr, {in(x), in(dy), out(dw)});
}

ndl_status ndl_linear_backward_bias(ndl_context context, ndl_tensor dy, ndl_tensor* db) {
  return submit(context, backward_bias, nullptr, {in(dy), out(db)});
}

}
