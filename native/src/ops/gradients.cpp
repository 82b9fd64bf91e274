// ops/gradients.cpp: the norm of all gradients, and their clipping to one. Contract: nativedl/optimizer.h.
#include "ops/gradients.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/optimizer.h"
#include "ops/checks.hpp"

namespace ndl {
namespace {

void fill(const char* op, const Descs& operands, double flop_per_element, Gradients& record) {
  const auto gradients = operands.list(Gradients::kGradients);
  record.items = static_cast<int64_t>(gradients.size());
  record.dtype = gradients.empty() ? NDL_DTYPE_F32 : gradients[0].dtype;
  for (size_t i = 0; i < gradients.size(); ++i) {
    const std::string item = text("gradients[", i, ']');
    require_floating(op, item.c_str(), gradients[i]);
    require_same_dtype(op, "gradients[0]", gradients[0], item.c_str(), gradients[i]);
    record.elements += gradients[i].count();
  }
  record.flop = flop_per_element * static_cast<double>(record.elements);
}

void infer_norm(const NoOptions&, Descs& operands, Gradients& record) {
  fill("gradient_norm", operands, 2, record);
  operands.output(Gradients::kNorm, record.dtype, {});
}

void infer_clip(const ndl_clip_gradients_options& o, Descs& operands, Gradients& record) {
  constexpr const char* kOp = "clip_gradients";
  fill(kOp, operands, 1, record);
  const Desc& norm = operands[Gradients::kNorm];
  require_same(kOp, "norm", norm, "a scalar of the gradients' dtype", make_desc(record.dtype, norm.device, {}));
  if (!(o.max_norm >= 0)) fail(NDL_ERROR_INVALID_ARGUMENT, kOp, ": max_norm is ", o.max_norm, "; it must be at least 0");
  record.max_norm = o.max_norm;
}

const Implementation<Gradients> kNorm[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, gradient_norm_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::gradient_norm_forward},
};
const Implementation<Gradients> kClip[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, clip_gradients_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::clip_gradients_forward},
};

constexpr Operand kNormOperands[] = {{"gradients", Role::in, true}, {"norm", Role::out}};
constexpr Operand kClipOperands[] = {{"gradients", Role::inout, true}, {"norm", Role::in}};

constexpr ndl_clip_gradients_options kDefaults{sizeof(ndl_clip_gradients_options), 0, 0};
constexpr Field kFields[] = {NDL_FIELD(ndl_clip_gradients_options, max_norm)};

constexpr PassOf<Gradients> norm_pass{"gradient_norm_forward", kNormOperands, infer_norm, kNorm};
constexpr PassOf<Gradients, ndl_clip_gradients_options> clip_pass{"clip_gradients_forward", kClipOperands, infer_clip, kClip, kFields, &kDefaults};
constexpr const Pass* kNormPasses[] = {&norm_pass};
constexpr const Pass* kClipPasses[] = {&clip_pass};

}  // namespace

extern const Op gradient_norm_op{kNormPasses};
extern const Op clip_gradients_op{kClipPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_gradient_norm_forward(ndl_context context, const ndl_tensor* gradients, int32_t count, ndl_tensor* norm) {
  return submit(context, norm_pass, nullptr, {in_list(gradients, count), out(norm)});
}

ndl_status ndl_clip_gradients_forward(ndl_context context, const ndl_clip_gradients_options* options, const ndl_tensor* gradients,
                                      ndl_tensor norm, int32_t count) {
  return submit(context, clip_pass, options, {in_list(gradients, count), in(norm)});
}

}
