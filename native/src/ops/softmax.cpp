// ops/softmax.cpp: softmax and log_softmax over an axis. Contract: nativedl/softmax.h.
#include "ops/softmax.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/softmax.h"
#include "ops/checks.hpp"

namespace ndl {
namespace {

void fill(const char* op, const ndl_softmax_options& o, const char* name, const Desc& x, Softmax& record) {
  require_floating(op, name, x);
  if (x.rank == 0) fail(NDL_ERROR_INVALID_SHAPE, op, ": ", name, " is a scalar and has no axis. Reshape it to [1]");
  if (o.axis < -x.rank || o.axis >= x.rank)
    fail(NDL_ERROR_INVALID_ARGUMENT, op, ": axis ", o.axis, " is none of ", name, ' ', shape_text(x), "; it must be in ", -x.rank, "..", x.rank - 1);
  const int32_t axis = o.axis < 0 ? o.axis + x.rank : o.axis;
  record.outer = record.inner = 1;
  for (int32_t i = 0; i < axis; ++i) record.outer *= x[i];
  for (int32_t i = axis + 1; i < x.rank; ++i) record.inner *= x[i];
  record.terms = x[axis];
  record.dtype = x.dtype;
  record.flop = 4.0 * static_cast<double>(x.count());
}

void infer(const char* op, const ndl_softmax_options& o, Descs& operands, Softmax& record) {
  fill(op, o, "x", operands[Softmax::kX], record);
  operands.output_like(Softmax::kY, operands[Softmax::kX]);
}

void infer_gradient(const char* op, const ndl_softmax_options& o, Descs& operands, Softmax& record) {
  const Desc& dy = operands[Softmax::kDy];
  fill(op, o, "dy", dy, record);
  require_same(op, "y", operands[Softmax::kOutput], "dy", dy);
  operands.output_like(Softmax::kDx, dy);
}

void infer_forward(const ndl_softmax_options& o, Descs& operands, Softmax& record) { infer("softmax", o, operands, record); }
void infer_backward(const ndl_softmax_options& o, Descs& operands, Softmax& record) { infer_gradient("softmax_backward", o, operands, record); }
void infer_log_forward(const ndl_softmax_options& o, Descs& operands, Softmax& record) { infer("log_softmax", o, operands, record); }
void infer_log_backward(const ndl_softmax_options& o, Descs& operands, Softmax& record) { infer_gradient("log_softmax_backward", o, operands, record); }

const Implementation<Softmax> kSoftmaxForward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, softmax_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::softmax_forward},
};
const Implementation<Softmax> kSoftmaxBackward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, softmax_backward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::softmax_backward},
};
const Implementation<Softmax> kLogSoftmaxForward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, log_softmax_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::log_softmax_forward},
};
const Implementation<Softmax> kLogSoftmaxBackward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, log_softmax_backward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::log_softmax_backward},
};

constexpr Operand kForwardOperands[] = {{"x", Role::in}, {"y", Role::out, false, shares(Softmax::kX)}};
constexpr Operand kBackwardOperands[] = {{"y", Role::in}, {"dy", Role::in}, {"dx", Role::out, false, shares(Softmax::kDy)}};

constexpr ndl_softmax_options kDefaults{sizeof(ndl_softmax_options), -1};
constexpr Field kFields[] = {NDL_FIELD(ndl_softmax_options, axis)};

using SoftmaxPass = PassOf<Softmax, ndl_softmax_options>;
constexpr SoftmaxPass forward{"softmax_forward", kForwardOperands, infer_forward, kSoftmaxForward, kFields, &kDefaults};
constexpr SoftmaxPass backward{"softmax_backward", kBackwardOperands, infer_backward, kSoftmaxBackward, kFields, &kDefaults};
constexpr SoftmaxPass log_forward{"log_softmax_forward", kForwardOperands, infer_log_forward, kLogSoftmaxForward, kFields, &kDefaults};
constexpr SoftmaxPass log_backward{"log_softmax_backward", kBackwardOperands, infer_log_backward, kLogSoftmaxBackward, kFields, &kDefaults};
constexpr const Pass* kPasses[] = {&forward, &backward};
constexpr const Pass* kLogPasses[] = {&log_forward, &log_backward};

}  // namespace

extern const Op softmax_op{kPasses};
extern const Op log_softmax_op{kLogPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_softmax_forward(ndl_context context, const ndl_softmax_options* options, ndl_tensor x, ndl_tensor* y) {
  return submit(context, forward, options, {in(x), out(y)});
}

ndl_status ndl_softmax_backward(ndl_context context, const ndl_softmax_options* options, ndl_tensor y, ndl_tensor dy, ndl_tensor* dx) {
  return submit(context, backward, options, {in(y), in(dy), out(dx)});
}

ndl_status ndl_log_softmax_forward(ndl_context context, const ndl_softmax_options* options, ndl_tensor x, ndl_tensor* y) {
  return submit(context, log_forward, options, {in(x), out(y)});
}

ndl_status ndl_log_softmax_backward(ndl_context context, const ndl_softmax_options* options, ndl_tensor y, ndl_tensor dy, ndl_tensor* dx) {
  return submit(context, log_backward, options, {in(y), in(dy), out(dx)});
}

}
