/* nativedl/loss.h: losses. */
#ifndef NATIVEDL_LOSS_H
#define NATIVEDL_LOSS_H

#include "nativedl/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What becomes of the losses of the single rows or elements. */
typedef enum ndl_reduction {
  NDL_REDUCTION_NONE = 1, /* all of them are the output */
  NDL_REDUCTION_MEAN = 2,
  NDL_REDUCTION_SUM = 3
} ndl_reduction;

/* cross_entropy: softmax and negative log likelihood in one, over the last dimension; f32, f64.
 *
 *   loss[i] = (1-e) * w[t] * -log p[i,t] + e/C * sum_c w[c] * -log p[i,c]        t = labels[i], e = label_smoothing
 *   log p[i,c] = logits[i,c] - log_sum_exp[i]        log_sum_exp[i] = log sum_c exp(logits[i,c]), found without overflow
 *
 *   logits [..., C], C >= 1   labels [...], i64 or i32   class_weights w [C], 1 where absent
 *   log_sum_exp [...]         loss [...] without reduction, else a scalar
 *
 * A row labelled ignore_index has the loss and the gradient 0. The mean divides the sum of the losses by the sum of
 * w[t] over the rows that count, as PyTorch does: it is NaN where there are none, also for an empty batch.
 * f32 holds log_sum_exp, and with it every p that the backward pass forms, to about |log_sum_exp| * 6e-8 (relative, in p):
 * logits of a few thousand keep three digits of p and less; center them where that matters.
 * A NaN, or +infinity, makes its row NaN. The bits do not depend on the number of threads.
 * Errors: INVALID_DATA for a label that is neither a class nor ignore_index, with its row and value; outputs that the
 * caller gave then hold what they would if the label were ignored. */
typedef struct ndl_cross_entropy_options {
  uint32_t struct_size;
  ndl_reduction reduction; /* default NDL_REDUCTION_MEAN */
  double label_smoothing;  /* 0..1, default 0 */
  int64_t ignore_index;    /* any number, also one that names a class; default -100 */
} ndl_cross_entropy_options;

/* class_weights may be 0. log_sum_exp may be null: not wanted; the backward pass needs it. */
NDL_API ndl_status ndl_cross_entropy_forward(ndl_context context, const ndl_cross_entropy_options* options,
                                             ndl_tensor logits, ndl_tensor labels, ndl_tensor class_weights,
                                             ndl_tensor* loss, ndl_tensor* log_sum_exp);
/* dlogits[i,c] = g[i] * ( ((1-e)*w[t] + e/C * sum w) * p[i,c] - e/C * w[c] - [c = t] * (1-e)*w[t] ),
 * g[i] = dloss[i], dloss, or dloss / sum of w[t], after the reduction. dlogits may be logits itself. */
NDL_API ndl_status ndl_cross_entropy_backward(ndl_context context, const ndl_cross_entropy_options* options,
                                              ndl_tensor logits, ndl_tensor labels, ndl_tensor class_weights,
                                              ndl_tensor log_sum_exp, ndl_tensor dloss, ndl_tensor* dlogits);

/* mse_loss: the squared error; input x, target t of any equal shape; f32, f64.
 *
 *   loss[i] = (x[i] - t[i])^2 without reduction, else their mean or sum, a scalar
 *
 * The mean of nothing is NaN, the sum 0. A NaN goes where the arithmetic takes it. Sums are kept in double, in an
 * order that does not depend on the number of threads. loss may be x or target where it has their shape. */
typedef struct ndl_mse_loss_options {
  uint32_t struct_size;
  ndl_reduction reduction; /* default NDL_REDUCTION_MEAN */
} ndl_mse_loss_options;

NDL_API ndl_status ndl_mse_loss_forward(ndl_context context, const ndl_mse_loss_options* options, ndl_tensor x,
                                        ndl_tensor target, ndl_tensor* loss);
/* dx[i] = 2 * g * (x[i] - t[i]), g = dloss[i], dloss / count, or dloss, after the reduction. The target's gradient is
 * -dx: the same call with x and target exchanged. dx may be x. */
NDL_API ndl_status ndl_mse_loss_backward(ndl_context context, const ndl_mse_loss_options* options, ndl_tensor x,
                                         ndl_tensor target, ndl_tensor dloss, ndl_tensor* dx);

#ifdef __cplusplus
}
#endif
#endif
