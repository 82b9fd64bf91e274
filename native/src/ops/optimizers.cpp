// ops/optimizers.cpp: sgd, adam and adadelta, each a step over all parameters. Contract: nativedl/optimizer.h.
#include "ops/optimizers.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/optimizer.h"
#include "ops/checks.hpp"

namespace ndl {
namespace {

void require_at_least_zero(const char* op, const char* name, double value) {
  if (!(value >= 0)) fail(NDL_ERROR_INVALID_ARGUMENT, op, ": ", name, " is ", value, "; it must be at least 0");
}

void require_fraction(const char* op, const char* name, double value, bool with_one) {
  if (!(value >= 0 && (value < 1 || (with_one && value == 1))))
    fail(NDL_ERROR_INVALID_ARGUMENT, op, ": ", name, " is ", value, "; it must be at least 0 and ", with_one ? "at most 1" : "below 1");
}

// A list of the state: there if it is needed, each item of its parameter's shape and dtype, or an i64 scalar (steps).
void check_list(const char* op, const char* name, const Descs& operands, int operand, bool needed, const char* reason, ndl_dtype dtype) {
  const auto parameters = operands.list(Optimizer::kParameters), items = operands.list(operand);
  if (items.size() != (needed ? parameters.size() : 0))
    fail(NDL_ERROR_INVALID_ARGUMENT, op, ": ", name, " has ", items.size(), " tensors, it must have ", needed ? parameters.size() : 0, ": ", reason);
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string item = text(name, '[', i, ']'), parameter = text("parameters[", i, ']');
    if (dtype == NDL_DTYPE_I64) require_same(op, item.c_str(), items[i], "a step count", make_desc(dtype, items[i].device, {}));
    else require_same(op, item.c_str(), items[i], parameter.c_str(), parameters[i]);
  }
}

// What all three share. The options have fields of the same names.
template <class Options>
void fill(const char* op, const Options& o, const Descs& operands, double flop_per_element, Optimizer& record) {
  require_flag(op, "maximize", o.maximize);
  require_at_least_zero(op, "weight_decay", o.weight_decay);
  record.maximize = o.maximize == 1, record.weight_decay = o.weight_decay;
  const auto parameters = operands.list(Optimizer::kParameters);
  record.items = static_cast<int64_t>(parameters.size());
  record.dtype = parameters.empty() ? NDL_DTYPE_F32 : parameters[0].dtype;
  double elements = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const std::string item = text("parameters[", i, ']');
    require_floating(op, item.c_str(), parameters[i]);
    require_same_dtype(op, "parameters[0]", parameters[0], item.c_str(), parameters[i]);
    elements += static_cast<double>(parameters[i].count());
  }
  check_list(op, "gradients", operands, Optimizer::kGradients, true, "one for each parameter", record.dtype);
  const Desc& rate = operands[Optimizer::kLearningRate];
  require_floating(op, "learning_rate", rate);
  require_rank(op, "learning_rate", rate, 0, "a scalar");
  record.rate_dtype = rate.dtype;
  record.flop = flop_per_element * elements;
}

void infer_sgd(const ndl_sgd_options& o, Descs& operands, Sgd& record) {
  constexpr const char* kOp = "sgd";
  fill(kOp, o, operands, 4, record);
  require_flag(kOp, "nesterov", o.nesterov);
  require_at_least_zero(kOp, "momentum", o.momentum);
  if (o.nesterov == 1 && (o.momentum == 0 || o.dampening != 0))
    fail(NDL_ERROR_INVALID_ARGUMENT, kOp, ": nesterov needs a momentum over 0 and a dampening of 0; they are ", o.momentum, " and ", o.dampening);
  const char* reason = o.momentum != 0 ? "one for each parameter" : "there is no momentum";
  check_list(kOp, "steps", operands, Sgd::kSteps, o.momentum != 0, reason, NDL_DTYPE_I64);
  check_list(kOp, "momentum_buffers", operands, Sgd::kMomentumBuffers, o.momentum != 0, reason, record.dtype);
  record.nesterov = o.nesterov == 1, record.momentum = o.momentum, record.dampening = o.dampening;
}

void infer_adam(const ndl_adam_options& o, Descs& operands, Adam& record) {
  constexpr const char* kOp = "adam";
  fill(kOp, o, operands, 12, record);
  require_flag(kOp, "amsgrad", o.amsgrad);
  require_flag(kOp, "decoupled_weight_decay", o.decoupled_weight_decay);
  require_fraction(kOp, "beta1", o.beta1, false);
  require_fraction(kOp, "beta2", o.beta2, false);
  require_at_least_zero(kOp, "epsilon", o.epsilon);
  constexpr const char* kEach = "one for each parameter";
  check_list(kOp, "steps", operands, Adam::kSteps, true, kEach, NDL_DTYPE_I64);
  check_list(kOp, "first_moments", operands, Adam::kFirstMoments, true, kEach, record.dtype);
  check_list(kOp, "second_moments", operands, Adam::kSecondMoments, true, kEach, record.dtype);
  check_list(kOp, "max_second_moments", operands, Adam::kMaxSecondMoments, o.amsgrad == 1, o.amsgrad == 1 ? kEach : "amsgrad is 0", record.dtype);
  record.amsgrad = o.amsgrad == 1, record.decoupled = o.decoupled_weight_decay == 1;
  record.beta1 = o.beta1, record.beta2 = o.beta2, record.epsilon = o.epsilon;
}

void infer_adadelta(const ndl_adadelta_options& o, Descs& operands, Adadelta& record) {
  constexpr const char* kOp = "adadelta";
  fill(kOp, o, operands, 14, record);
  require_fraction(kOp, "rho", o.rho, true);
  require_at_least_zero(kOp, "epsilon", o.epsilon);
  check_list(kOp, "square_averages", operands, Adadelta::kSquareAverages, true, "one for each parameter", record.dtype);
  check_list(kOp, "delta_averages", operands, Adadelta::kDeltaAverages, true, "one for each parameter", record.dtype);
  record.rho = o.rho, record.epsilon = o.epsilon;
}

const Implementation<Sgd> kSgd[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, sgd_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::sgd_forward},
};
const Implementation<Adam> kAdam[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, adam_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::adam_forward},
};
const Implementation<Adadelta> kAdadelta[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, adadelta_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::adadelta_forward},
};

constexpr Operand list_of(const char* name, Role role) { return {name, role, true}; }
constexpr Operand kSgdOperands[] = {list_of("parameters", Role::inout), list_of("gradients", Role::in), {"learning_rate", Role::in},
                                    list_of("steps", Role::inout), list_of("momentum_buffers", Role::inout)};
constexpr Operand kAdamOperands[] = {list_of("parameters", Role::inout),    list_of("gradients", Role::in),
                                     {"learning_rate", Role::in},           list_of("steps", Role::inout),
                                     list_of("first_moments", Role::inout), list_of("second_moments", Role::inout),
                                     list_of("max_second_moments", Role::inout)};
constexpr Operand kAdadeltaOperands[] = {list_of("parameters", Role::inout), list_of("gradients", Role::in), {"learning_rate", Role::in},
                                         list_of("square_averages", Role::inout), list_of("delta_averages", Role::inout)};

constexpr ndl_sgd_options kSgdDefaults{sizeof(ndl_sgd_options), 0, 0, 0, 0, 0, 0};
constexpr ndl_adam_options kAdamDefaults{sizeof(ndl_adam_options), 0, 0.9, 0.999, 1e-8, 0, 0, 0};
constexpr ndl_adadelta_options kAdadeltaDefaults{sizeof(ndl_adadelta_options), 0, 0.9, 1e-6, 0};
constexpr Field kSgdFields[] = {NDL_FIELD(ndl_sgd_options, nesterov), NDL_FIELD(ndl_sgd_options, momentum), NDL_FIELD(ndl_sgd_options, dampening),
                                NDL_FIELD(ndl_sgd_options, weight_decay), NDL_FIELD(ndl_sgd_options, maximize)};
constexpr Field kAdamFields[] = {
    NDL_FIELD(ndl_adam_options, amsgrad),      NDL_FIELD(ndl_adam_options, beta1),
    NDL_FIELD(ndl_adam_options, beta2),        NDL_FIELD(ndl_adam_options, epsilon),
    NDL_FIELD(ndl_adam_options, weight_decay), NDL_FIELD(ndl_adam_options, decoupled_weight_decay),
    NDL_FIELD(ndl_adam_options, maximize)};
constexpr Field kAdadeltaFields[] = {NDL_FIELD(ndl_adadelta_options, maximize), NDL_FIELD(ndl_adadelta_options, rho),
                                     NDL_FIELD(ndl_adadelta_options, epsilon), NDL_FIELD(ndl_adadelta_options, weight_decay)};

constexpr PassOf<Sgd, ndl_sgd_options> sgd{"sgd_forward", kSgdOperands, infer_sgd, kSgd, kSgdFields, &kSgdDefaults};
constexpr PassOf<Adam, ndl_adam_options> adam{"adam_forward", kAdamOperands, infer_adam, kAdam, kAdamFields, &kAdamDefaults};
constexpr PassOf<Adadelta, ndl_adadelta_options> adadelta{
    "adadelta_forward", kAdadeltaOperands, infer_adadelta, kAdadelta, kAdadeltaFields, &kAdadeltaDefaults};
constexpr const Pass* kSgdPasses[] = {&sgd};
constexpr const Pass* kAdamPasses[] = {&adam};
constexpr const Pass* kAdadeltaPasses[] = {&adadelta};

// A list that the options may do without: a null pointer stands for none.
Arg optional_list(const ndl_tensor* handles, int32_t count) { return in_list(handles, handles == nullptr ? 0 : count); }

}  // namespace

extern const Op sgd_op{kSgdPasses};
extern const Op adam_op{kAdamPasses};
extern const Op adadelta_op{kAdadeltaPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_sgd_forward(ndl_context context, const ndl_sgd_options* options, const ndl_tensor* parameters, const ndl_tensor* gradients,
                           ndl_tensor learning_rate, const ndl_tensor* steps, const ndl_tensor* momentum_buffers, int32_t count) {
  return submit(context, sgd, options,
                {in_list(parameters, count), in_list(gradients, count), in(learning_rate), optional_list(steps, count),
                 optional_list(momentum_buffers, count)});
}

ndl_status ndl_adam_forward(ndl_context context, const ndl_adam_options* options, const ndl_tensor* parameters, const ndl_tensor* gradients,
                            ndl_tensor learning_rate, const ndl_tensor* steps, const ndl_tensor* first_moments,
                            const ndl_tensor* second_moments, const ndl_tensor* max_second_moments, int32_t count) {
  return submit(context, adam, options,
                {in_list(parameters, count), in_list(gradients, count), in(learning_rate), in_list(steps, count), in_list(first_moments, count),
                 in_list(second_moments, count), optional_list(max_second_moments, count)});
}

ndl_status ndl_adadelta_forward(ndl_context context, const ndl_adadelta_options* options, const ndl_tensor* parameters,
                                const ndl_tensor* gradients, ndl_tensor learning_rate, const ndl_tensor* square_averages,
                                const ndl_tensor* delta_averages, int32_t count) {
  return submit(context, adadelta, options,
                {in_list(parameters, count), in_list(gradients, count), in(learning_rate), in_list(square_averages, count),
                 in_list(delta_averages, count)});
}

}
