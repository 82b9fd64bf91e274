// ops/random.cpp: uniform, normal, dropout. Contract: nativedl/random.h.
#include "ops/random.hpp"

#include <cmath>

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/random.h"
#include "ops/checks.hpp"

namespace ndl {
namespace {

void require_state(const char* op, const Desc& state) {
  require_same(op, "state", state, "the generator's (seed, offset)", make_desc(NDL_DTYPE_I64, state.device, {2}));
}

void fill(const char* op, ndl_dtype dtype, double shift, double scale, Descs& operands, Random& record) {
  require_state(op, operands[Random::kState]);
  if (!is_floating(dtype)) fail(NDL_ERROR_INVALID_DTYPE, op, ": options.dtype is ", dtype_name(dtype), "; it must be f32 or f64");
  const Desc y = with_dtype(operands[Random::kDims], dtype);
  operands.output_like(Random::kY, y);
  record.count = y.count();
  record.dtype = dtype;
  const bool wide = dtype == NDL_DTYPE_F64;
  record.shift = wide ? shift : static_cast<float>(shift);
  record.scale = wide ? scale : static_cast<float>(scale);
  record.flop = 40.0 * static_cast<double>(record.count);  // ten rounds a word
}

void infer_uniform(const ndl_uniform_options& o, Descs& operands, Random& record) {
  if (!(std::isfinite(o.low) && std::isfinite(o.high) && o.low < o.high))
    fail(NDL_ERROR_INVALID_ARGUMENT, "uniform: low is ", o.low, " and high is ", o.high, "; both must be finite, and low the smaller");
  const bool wide = o.dtype == NDL_DTYPE_F64;
  const float low = static_cast<float>(o.low), high = static_cast<float>(o.high);
  fill("uniform", o.dtype, o.low, wide ? o.high - o.low : static_cast<double>(high - low), operands, record);
  record.high = wide ? o.high : static_cast<double>(high);
  record.below = wide ? std::nextafter(o.high, o.low) : static_cast<double>(std::nextafter(high, low));
}

void infer_normal(const ndl_normal_options& o, Descs& operands, Random& record) {
  if (!(o.standard_deviation >= 0))
    fail(NDL_ERROR_INVALID_ARGUMENT, "normal: standard_deviation is ", o.standard_deviation, "; it must be at least 0");
  fill("normal", o.dtype, o.mean, o.standard_deviation, operands, record);
}

void fill(const char* op, const ndl_dropout_options& o, const char* name, const Desc& x, Dropout& record) {
  require_floating(op, name, x);
  if (!(o.p >= 0 && o.p <= 1)) fail(NDL_ERROR_INVALID_ARGUMENT, op, ": p is ", o.p, "; it must be from 0 to 1");
  record.count = x.count();
  record.dtype = x.dtype;
  record.p = o.p;
  record.scale = o.p < 1 ? 1 / (1 - static_cast<double>(o.p)) : 0;  // at 1 nothing is kept
  record.flop = static_cast<double>(record.count);
}

void infer_dropout(const ndl_dropout_options& o, Descs& operands, Dropout& record) {
  require_state("dropout", operands[Dropout::kState]);
  const Desc& x = operands[Dropout::kX];
  fill("dropout", o, "x", x, record);
  operands.output_like(Dropout::kY, x);
  operands.output_like(Dropout::kMask, with_dtype(x, NDL_DTYPE_U8));
}

void infer_dropout_backward(const ndl_dropout_options& o, Descs& operands, Dropout& record) {
  const Desc& dy = operands[Dropout::kDy];
  fill("dropout_backward", o, "dy", dy, record);
  require_same("dropout_backward", "mask", operands[Dropout::kKept], "the forward's mask", with_dtype(dy, NDL_DTYPE_U8));
  operands.output_like(Dropout::kDx, dy);
}

const Implementation<Random> kUniform[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, uniform_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::uniform_forward},
};
const Implementation<Random> kNormal[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, normal_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::normal_forward},
};
const Implementation<Dropout> kDropout[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, dropout_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::dropout_forward},
};
const Implementation<Dropout> kDropoutBackward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, dropout_backward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::dropout_backward},
};

constexpr Operand kRandomOperands[] = {{"state", Role::inout}, {"dims", Role::dims}, {"y", Role::out}};
constexpr Operand kDropoutOperands[] = {
    {"state", Role::inout}, {"x", Role::in}, {"y", Role::out, false, shares(Dropout::kX)}, {"mask", Role::out}};
constexpr Operand kDropoutBackwardOperands[] = {{"dy", Role::in}, {"mask", Role::in}, {"dx", Role::out, false, shares(Dropout::kDy)}};

constexpr ndl_uniform_options kUniformDefaults{sizeof(ndl_uniform_options), NDL_DTYPE_F32, 0, 1};
constexpr ndl_normal_options kNormalDefaults{sizeof(ndl_normal_options), NDL_DTYPE_F32, 0, 1};
constexpr ndl_dropout_options kDropoutDefaults{sizeof(ndl_dropout_options), 0.5f};
constexpr Field kUniformFields[] = {
    NDL_FIELD(ndl_uniform_options, dtype), NDL_FIELD(ndl_uniform_options, low), NDL_FIELD(ndl_uniform_options, high)};
constexpr Field kNormalFields[] = {
    NDL_FIELD(ndl_normal_options, dtype), NDL_FIELD(ndl_normal_options, mean), NDL_FIELD(ndl_normal_options, standard_deviation)};
constexpr Field kDropoutFields[] = {NDL_FIELD(ndl_dropout_options, p)};

constexpr PassOf<Random, ndl_uniform_options> uniform{"uniform_forward", kRandomOperands, infer_uniform, kUniform, kUniformFields, &kUniformDefaults};
constexpr PassOf<Random, ndl_normal_options> normal{"normal_forward", kRandomOperands, infer_normal, kNormal, kNormalFields, &kNormalDefaults};
constexpr PassOf<Dropout, ndl_dropout_options> dropout{"dropout_forward", kDropoutOperands, infer_dropout, kDropout, kDropoutFields, &kDropoutDefaults};
constexpr PassOf<Dropout, ndl_dropout_options> dropout_backward{
    "dropout_backward", kDropoutBackwardOperands, infer_dropout_backward, kDropoutBackward, kDropoutFields, &kDropoutDefaults};
constexpr const Pass* kUniformPasses[] = {&uniform};
constexpr const Pass* kNormalPasses[] = {&normal};
constexpr const Pass* kDropoutPasses[] = {&dropout, &dropout_backward};

}  // namespace

extern const Op uniform_op{kUniformPasses};
extern const Op normal_op{kNormalPasses};
extern const Op dropout_op{kDropoutPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_uniform_forward(ndl_context context, const ndl_uniform_options* options, ndl_tensor state, const int64_t* y_dims, int32_t rank,
                               ndl_tensor* y) {
  return submit(context, uniform, options, {in(state), dims(y_dims, rank), out(y)});
}

ndl_status ndl_normal_forward(ndl_context context, const ndl_normal_options* options, ndl_tensor state, const int64_t* y_dims, int32_t rank,
                              ndl_tensor* y) {
  return submit(context, normal, options, {in(state), dims(y_dims, rank), out(y)});
}

ndl_status ndl_dropout_forward(ndl_context context, const ndl_dropout_options* options, ndl_tensor state, ndl_tensor x, ndl_tensor* y,
                               ndl_tensor* mask) {
  return submit(context, dropout, options, {in(state), in(x), out(y), out(mask)});
}

ndl_status ndl_dropout_backward(ndl_context context, const ndl_dropout_options* options, ndl_tensor dy, ndl_tensor mask, ndl_tensor* dx) {
  return submit(context, dropout_backward, options, {in(dy), in(mask), out(dx)});
}

}
