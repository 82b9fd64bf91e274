/* nativedl/shape.h: ops that move elements and change none. Any dtype; NaNs and infinities move like all others. */
#ifndef NATIVEDL_SHAPE_H
#define NATIVEDL_SHAPE_H

#include "nativedl/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of all ops here: y shares no memory with an operand. Lists of numbers have one for each dimension of x. */

/* slice: every step-th element of each dimension, from start on, before end.
 *
 *   y[i...] = x[start + i*step...]      dimension of y = (end - start) / step, rounded up, or 0 where that is negative
 *
 * A step may be negative, but not 0. Positions are not wrapped or cut: start and end lie in 0..dimension, or, under a
 * negative step, in -1..dimension-1, where end = -1 takes the elements down to the first.
 * Errors: INVALID_ARGUMENT for another number of positions or a step of 0; INVALID_SHAPE for one outside. */
NDL_API ndl_status ndl_slice_forward(ndl_context context, ndl_tensor x, const int64_t* starts,
                                     int32_t start_count, const int64_t* ends, int32_t end_count,
                                     const int64_t* steps, int32_t step_count, ndl_tensor* y);
/* dx[start + i*step...] = dy[i...], 0 elsewhere. x_dims: the dimensions of x. */
NDL_API ndl_status ndl_slice_backward(ndl_context context, ndl_tensor dy, const int64_t* x_dims,
                                      int32_t x_rank, const int64_t* starts, int32_t start_count,
                                      const int64_t* ends, int32_t end_count, const int64_t* steps,
                                      int32_t step_count, ndl_tensor* dx);

/* pad: elements of one value put before and after each dimension, or, where a number is negative, taken away.
 *
 *   y[i...] = x[i - before...] inside x, else value      dimension of y = before + dimension of x + after, at least 0
 *
 * The value is converted as by cast. The gradient is pad by -before, -after with 0. */
typedef struct ndl_pad_options {
  uint32_t struct_size;
  int32_t reserved; /* 0 */
  double value;     /* default 0 */
} ndl_pad_options;

NDL_API ndl_status ndl_pad_forward(ndl_context context, const ndl_pad_options* options, ndl_tensor x,
                                   const int64_t* before, int32_t before_count, const int64_t* after,
                                   int32_t after_count, ndl_tensor* y);

/* permute: dimension i of y is dimension axes[i] of x, in which -1 is the last. axes names each dimension once.
 * The gradient is permute by the inverse. [0, 2, 3, 1] takes NCHW to NHWC, [0, 3, 1, 2] back. */
NDL_API ndl_status ndl_permute_forward(ndl_context context, ndl_tensor x, const int64_t* axes,
                                       int32_t axis_count, ndl_tensor* y);

/* concat: tensors one after the other along one dimension; all others, and the dtype, are the same. At least one
 * tensor; empty ones are allowed. The gradients are slices. */
typedef struct ndl_concat_options {
  uint32_t struct_size;
  int32_t axis; /* default 0; -1 is the last */
} ndl_concat_options;

NDL_API ndl_status ndl_concat_forward(ndl_context context, const ndl_concat_options* options,
                                      const ndl_tensor* x, int32_t x_count, ndl_tensor* y);

#ifdef __cplusplus
}
#endif
#endif
