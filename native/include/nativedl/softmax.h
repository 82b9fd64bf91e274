/* nativedl/softmax.h: softmax and its logarithm. */
#ifndef NATIVEDL_SOFTMAX_H
#define NATIVEDL_SOFTMAX_H

#include "nativedl/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* softmax, log_softmax: over one axis of x, of rank 1 or more; f32, f64.
 *
 *   softmax:      y[i] = exp(x[i] - top) / sum_j exp(x[j] - top)          top = max_j x[j]: nothing overflows
 *   log_softmax:  y[i] = (x[i] - top) - log sum_j exp(x[j] - top)
 *
 * A NaN, +infinity, or nothing but -infinity along the axis makes all of it NaN. Empty tensors are allowed.
 * y may be x itself. The bits do not depend on the number of threads. */
typedef struct ndl_softmax_options {
  uint32_t struct_size;
  int32_t axis; /* -rank..rank-1, negative ones count from the end; default -1 */
} ndl_softmax_options;

NDL_API ndl_status ndl_softmax_forward(ndl_context context, const ndl_softmax_options* options, ndl_tensor x,
                                       ndl_tensor* y);
/* dx[i] = y[i] * (dy[i] - sum_j y[j] * dy[j]). y is the forward's output. dx may be dy itself. */
NDL_API ndl_status ndl_softmax_backward(ndl_context context, const ndl_softmax_options* options, ndl_tensor y,
                                        ndl_tensor dy, ndl_tensor* dx);

NDL_API ndl_status ndl_log_softmax_forward(ndl_context context, const ndl_softmax_options* options, ndl_tensor x,
                                           ndl_tensor* y);
/* dx[i] = dy[i] - exp(y[i]) * sum_j dy[j]. y is the forward's output. dx may be dy itself. */
NDL_API ndl_status ndl_log_softmax_backward(ndl_context context, const ndl_softmax_options* options, ndl_tensor y,
                                            ndl_tensor dy, ndl_tensor* dx);

#ifdef __cplusplus
}
#endif
#endif
