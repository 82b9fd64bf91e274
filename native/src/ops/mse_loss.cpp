// ops/mse_loss.cpp: the squared error, forward and backward. Contract: nativedl/loss.h.
#include "ops/mse_loss.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "ops/checks.hpp"

namespace ndl {
namespace {

// Gives the shape of loss and dloss.
Desc fill(const char* op, const ndl_mse_loss_options& o, const Descs& operands, MseLoss& record) {
  const Desc& x = operands[MseLoss::kX];
  require_floating(op, "x", x);
  require_same(op, "x", x, "target", operands[MseLoss::kTarget]);
  record.count = x.count();
  record.reduction = o.reduction, record.dtype = x.dtype;
  record.flop = 3.0 * static_cast<double>(record.count);
  return o.reduction == NDL_REDUCTION_NONE ? x : make_desc(x.dtype, x.device, {});
}

void infer_forward(const ndl_mse_loss_options& o, Descs& operands, MseLoss& record) {
  operands.output_like(MseLoss::kLoss, fill("mse_loss", o, operands, record));
}

void infer_backward(const ndl_mse_loss_options& o, Descs& operands, MseLoss& record) {
  constexpr const char* kOp = "mse_loss_backward";
  require_same(kOp, "dloss", operands[MseLoss::kDloss], "the forward's loss", fill(kOp, o, operands, record));
  operands.output_like(MseLoss::kDx, operands[MseLoss::kX]);
}

const Implementation<MseLoss> kForward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, mse_loss_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::mse_loss_forward},
};
const Implementation<MseLoss> kBackward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, mse_loss_backward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::mse_loss_backward},
};

constexpr Operand kForwardOperands[] = {
    {"x", Role::in}, {"target", Role::in}, {"loss", Role::out, false, shares(MseLoss::kX) | shares(MseLoss::kTarget)}};
constexpr Operand kBackwardOperands[] = {
    {"x", Role::in}, {"target", Role::in}, {"dloss", Role::in}, {"dx", Role::out, false, shares(MseLoss::kX)}};

constexpr ndl_mse_loss_options kDefaults{sizeof(ndl_mse_loss_options), NDL_REDUCTION_MEAN};
constexpr Field kFields[] = {NDL_FIELD(ndl_mse_loss_options, reduction)};

constexpr PassOf<MseLoss, ndl_mse_loss_options> forward{"mse_loss_forward", kForwardOperands, infer_forward, kForward, kFields, &kDefaults};
constexpr PassOf<MseLoss, ndl_mse_loss_options> backward{"mse_loss_backward", kBackwardOperands, infer_backward, kBackward, kFields, &kDefaults};
constexpr const Pass* kPasses[] = {&forward, &backward};

}  // namespace

extern const Op mse_loss_op{kPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_mse_loss_forward(ndl_context context, const ndl_mse_loss_options* options, ndl_tensor x, ndl_tensor target, ndl_tensor* loss) {
  return submit(context, forward, options, {in(x), in(target), out(loss)});
}

ndl_status ndl_mse_loss_backward(ndl_context context, const ndl_mse_loss_options* options, ndl_tensor x, ndl_tensor target, ndl_tensor dloss,
                                 ndl_tensor* dx) {
  return submit(context, backward, options, {in(x), in(target), in(dloss), out(dx)});
}

}
