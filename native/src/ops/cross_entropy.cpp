// ops/cross_entropy.cpp: softmax and cross entropy in one, forward and backward. Contract: nativedl/loss.h.
#include "ops/cross_entropy.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "ops/checks.hpp"

namespace ndl {
namespace {

void fill(const char* op, const ndl_cross_entropy_options& o, const Descs& operands, CrossEntropy& record) {
  const Desc &logits = operands[CrossEntropy::kLogits], &labels = operands[CrossEntropy::kLabels];
  require_floating(op, "logits", logits);
  if (labels.dtype != NDL_DTYPE_I64 && labels.dtype != NDL_DTYPE_I32)
    fail(NDL_ERROR_INVALID_DTYPE, op, ": labels is ", labels, "; it must be i64 or i32, the number of each row's class");
  Desc rows = logits;
  if (--rows.rank < 0 || logits[rows.rank] == 0)
    fail(NDL_ERROR_INVALID_SHAPE, op, ": logits has shape ", shape_text(logits), "; its last dimension is the classes, at least one");
  if (!rows.same_shape(labels))
    fail(NDL_ERROR_INVALID_SHAPE, op, ": logits has shape ", shape_text(logits), " and labels ", shape_text(labels),
         "; labels must have the shape of logits without the last dimension, the classes: ", shape_text(rows));
  record.rows = rows.count(), record.classes = logits[rows.rank];
  record.dtype = logits.dtype, record.label_dtype = labels.dtype;
  if (operands.has(CrossEntropy::kClassWeights)) {
    const Desc& weights = operands[CrossEntropy::kClassWeights];
    require_same(op, "class_weights", weights, "one value per class of logits", make_desc(record.dtype, weights.device, {record.classes}));
  }
  if (!(o.label_smoothing >= 0 && o.label_smoothing <= 1))
    fail(NDL_ERROR_INVALID_ARGUMENT, op, ": label_smoothing is ", o.label_smoothing, "; it must be in 0..1");
  record.smoothing = o.label_smoothing, record.ignore_index = o.ignore_index, record.reduction = o.reduction;
  record.flop = 4.0 * static_cast<double>(logits.count());
}

// The shape of loss and dloss.
Desc loss_like(const CrossEntropy& record, const Desc& labels) {
  return record.reduction == NDL_REDUCTION_NONE ? with_dtype(labels, record.dtype) : make_desc(record.dtype, labels.device, {});
}

void infer_forward(const ndl_cross_entropy_options& o, Descs& operands, CrossEntropy& record) {
  fill("cross_entropy", o, operands, record);
  const Desc& labels = operands[CrossEntropy::kLabels];
  operands.output_like(CrossEntropy::kLoss, loss_like(record, labels));
  operands.output_like(CrossEntropy::kLogSumExp, with_dtype(labels, record.dtype));
}

void infer_backward(const ndl_cross_entropy_options& o, Descs& operands, CrossEntropy& record) {
  constexpr const char* kOp = "cross_entropy_backward";
  fill(kOp, o, operands, record);
  const Desc& labels = operands[CrossEntropy::kLabels];
  require_same(kOp, "log_sum_exp", operands[CrossEntropy::kSaved], "the forward's log_sum_exp", with_dtype(labels, record.dtype));
  require_same(kOp, "dloss", operands[CrossEntropy::kDloss], "the forward's loss", loss_like(record, labels));
  operands.output_like(CrossEntropy::kDlogits, operands[CrossEntropy::kLogits]);
}

const Implementation<CrossEntropy> kForward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, cross_entropy_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::cross_entropy_forward},
};
const Implementation<CrossEntropy> kBackward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, cross_entropy_backward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::cross_entropy_backward},
};

constexpr Operand kForwardOperands[] = {
    {"logits", Role::in}, {"labels", Role::in}, {"class_weights", Role::optional}, {"loss", Role::out}, {"log_sum_exp", Role::optional_out}};
constexpr Operand kBackwardOperands[] = {{"logits", Role::in},
                                         {"labels", Role::in},
                                         {"class_weights", Role::optional},
                                         {"log_sum_exp", Role::in},
                                         {"dloss", Role::in},
                                         {"dlogits", Role::out, false, shares(CrossEntropy::kLogits)}};

constexpr ndl_cross_entropy_options kDefaults{sizeof(ndl_cross_entropy_options), NDL_REDUCTION_MEAN, 0.0, -100};
constexpr Field kFields[] = {NDL_FIELD(ndl_cross_entropy_options, reduction), NDL_FIELD(ndl_cross_entropy_options, label_smoothing),
                             NDL_FIELD(ndl_cross_entropy_options, ignore_index)};

constexpr PassOf<CrossEntropy, ndl_cross_entropy_options> forward{
    "cross_entropy_forward", kForwardOperands, infer_forward, kForward, kFields, &kDefaults};
constexpr PassOf<CrossEntropy, ndl_cross_entropy_options> backward{
    "cross_entropy_backward", kBackwardOperands, infer_backward, kBackward, kFields, &kDefaults};
constexpr const Pass* kPasses[] = {&forward, &backward};

}  // namespace

extern const Op cross_entropy_op{kPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_cross_entropy_forward(ndl_context context, const ndl_cross_entropy_options* options, ndl_tensor logits, ndl_tensor labels,
                                     ndl_tensor class_weights, ndl_tensor* loss, ndl_tensor* log_sum_exp) {
  return submit(context, forward, options, {in(logits), in(labels), in(class_weights), out(loss), out(log_sum_exp)});
}

ndl_status ndl_cross_entropy_backward(ndl_context context, const ndl_cross_entropy_options* options, ndl_tensor logits, ndl_tensor labels,
                                      ndl_tensor class_weights, ndl_tensor log_sum_exp, ndl_tensor dloss, ndl_tensor* dlogits) {
  return submit(context, backward, options, {in(logits), in(labels), in(class_weights), in(log_sum_exp), in(dloss), out(dlogits)});
}

}
