/* nativedl/reduce.h: reductions over dimensions, and their counterpart that repeats dimensions. */
#ifndef NATIVEDL_REDUCE_H
#define NATIVEDL_REDUCE_H

#include "nativedl/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All reductions: x of any shape, f32, f64. axes holds axis_count distinct dimensions of x, those below 0
 * counted from the end; none (null and 0) means all. y has the shape of x without them, or with 1 in their
 * place under keep_dims. The order of every sum depends on the shape alone: the bits do not depend on the
 * number of threads. y shares no memory with an operand.
 * Errors: INVALID_ARGUMENT for an axis that x does not have, or twice; INVALID_DTYPE. */
typedef struct ndl_reduce_options {
  uint32_t struct_size;
  int32_t keep_dims; /* 0 or 1, default 0 */
} ndl_reduce_options;

/* sum: y = sum of the elements of x over axes; 0 where there are none. */
NDL_API ndl_status ndl_sum_forward(ndl_context context, const ndl_reduce_options* options, ndl_tensor x,
                                   const int64_t* axes, int32_t axis_count, ndl_tensor* y);
/* mean: the sum divided by the number of elements; NaN where there are none. */
NDL_API ndl_status ndl_mean_forward(ndl_context context, const ndl_reduce_options* options, ndl_tensor x,
                                    const int64_t* axes, int32_t axis_count, ndl_tensor* y);

/* max: y = largest element over axes; a NaN counts as largest.
 * argmax (i64, of y's shape; may be null: not wanted): where it stands among the elements that y's one is
 * taken from, numbered in row order of the reduced dimensions; of equal ones the first.
 * Errors: INVALID_SHAPE where y has elements and each would be the largest of none. */
NDL_API ndl_status ndl_max_forward(ndl_context context, const ndl_reduce_options* options, ndl_tensor x,
                                   const int64_t* axes, int32_t axis_count, ndl_tensor* y, ndl_tensor* argmax);
/* dx = dy at the element that argmax names, 0 elsewhere. x_dims: the dimensions of x; options and axes as in
 * the forward pass. Errors: INVALID_DATA for an argmax out of range. */
NDL_API ndl_status ndl_max_backward(ndl_context context, const ndl_reduce_options* options, ndl_tensor dy,
                                    ndl_tensor argmax, const int64_t* x_dims, int32_t x_rank,
                                    const int64_t* axes, int32_t axis_count, ndl_tensor* dx);
/* argmax: the argmax of max alone, as y (i64). Errors: as max. */
NDL_API ndl_status ndl_argmax_forward(ndl_context context, const ndl_reduce_options* options, ndl_tensor x,
                                      const int64_t* axes, int32_t axis_count, ndl_tensor* y);

/* broadcast_to: y = x repeated to the shape dims, by the rule of ndl_add_forward; every dtype. It is the
 * gradient of sum, and sum is its gradient. y shares no memory with x.
 * Errors: INVALID_SHAPE where x does not broadcast to dims. */
NDL_API ndl_status ndl_broadcast_to_forward(ndl_context context, ndl_tensor x, const int64_t* dims,
                                            int32_t rank, ndl_tensor* y);

#ifdef __cplusplus
}
#endif
#endif
