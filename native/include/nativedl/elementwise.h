/* nativedl/elementwise.h: ops that work element by element. */
#ifndef NATIVEDL_ELEMENTWISE_H
#define NATIVEDL_ELEMENTWISE_H

#include "nativedl/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* add, subtract, multiply, divide: y = a op b, element by element; f32, f64, but for divide also i64, i32.
 *
 * Shapes broadcast as in NumPy: aligned at the last dimension, two dimensions are equal, or one of them is 1
 * or absent and its element is repeated; y has the larger one. a and b have the same dtype. Floats follow
 * IEEE 754 (x / 0 is an infinity or NaN), integers wrap around. y may be an operand that has y's size.
 * Gradients are these ops again, summed over the repeated dimensions (ndl_sum_forward).
 * Errors: INVALID_SHAPE for shapes that do not broadcast; INVALID_DTYPE. */
NDL_API ndl_status ndl_add_forward(ndl_context context, ndl_tensor a, ndl_tensor b, ndl_tensor* y);
NDL_API ndl_status ndl_subtract_forward(ndl_context context, ndl_tensor a, ndl_tensor b, ndl_tensor* y);
NDL_API ndl_status ndl_multiply_forward(ndl_context context, ndl_tensor a, ndl_tensor b, ndl_tensor* y);
NDL_API ndl_status ndl_divide_forward(ndl_context context, ndl_tensor a, ndl_tensor b, ndl_tensor* y);

/* copy: y = x; any shape, every dtype. y may be x itself. */
NDL_API ndl_status ndl_copy_forward(ndl_context context, ndl_tensor x, ndl_tensor* y);

/* fill: every element of y = value, cast to y's dtype as by ndl_cast_forward; any shape, every dtype. Raises
 * y's version. An i64 that no double holds is written by ndl_tensor_write. */
typedef struct ndl_fill_options {
  uint32_t struct_size;
  int32_t reserved; /* 0 */
  double value;     /* default 0 */
} ndl_fill_options;

NDL_API ndl_status ndl_fill_forward(ndl_context context, const ndl_fill_options* options, ndl_tensor y);

/* cast: y = x in another dtype, or the same; any shape, every pair of dtypes. y shares no memory with x.
 * To a float: rounded to nearest, ties to even, beyond the largest to infinity; integers on their way to f16
 * or bf16 are rounded to f64 first. To an integer: floats are cut off towards 0, NaN gives 0, and what is out
 * of range gives the nearest integer in range. NaN stays NaN; its payload may change. */
typedef struct ndl_cast_options {
  uint32_t struct_size;
  ndl_dtype dtype; /* of y, default NDL_DTYPE_F32 */
} ndl_cast_options;

NDL_API ndl_status ndl_cast_forward(ndl_context context, const ndl_cast_options* options, ndl_tensor x,
                                    ndl_tensor* y);

/* relu: y = max(x, 0), NaN stays NaN; any shape; f32, f64. y may be x itself. */
NDL_API ndl_status ndl_relu_forward(ndl_context context, ndl_tensor x, ndl_tensor* y);
/* dx = dy where y > 0, else 0. y is the forward's output. dx may be dy itself. */
NDL_API ndl_status ndl_relu_backward(ndl_context context, ndl_tensor y, ndl_tensor dy, ndl_tensor* dx);

/* abs, exp, log, sigmoid, sqrt, square, tanh: y = f(x); any shape; f32, f64. y may be x itself. A NaN stays
 * NaN; log of 0 is -inf, log and sqrt of less are NaN. The backward passes give dx = dy * f'(x) from the saved
 * x or y, as their first argument says; dx may be dy itself. Errors of f32 in units of the last place: exp 1.1,
 * log 0.9, sigmoid 2.4, tanh 1.4, the others are rounded once. */
/* abs: |x|; dx = dy where x > 0, -dy where x < 0, else 0. */
NDL_API ndl_status ndl_abs_forward(ndl_context context, ndl_tensor x, ndl_tensor* y);
NDL_API ndl_status ndl_abs_backward(ndl_context context, ndl_tensor x, ndl_tensor dy, ndl_tensor* dx);
/* exp: e^x; dx = dy * y. */
NDL_API ndl_status ndl_exp_forward(ndl_context context, ndl_tensor x, ndl_tensor* y);
NDL_API ndl_status ndl_exp_backward(ndl_context context, ndl_tensor y, ndl_tensor dy, ndl_tensor* dx);
/* log: the natural logarithm; dx = dy / x. */
NDL_API ndl_status ndl_log_forward(ndl_context context, ndl_tensor x, ndl_tensor* y);
NDL_API ndl_status ndl_log_backward(ndl_context context, ndl_tensor x, ndl_tensor dy, ndl_tensor* dx);
/* sigmoid: 1 / (1 + e^-x); dx = dy * y * (1 - y). */
NDL_API ndl_status ndl_sigmoid_forward(ndl_context context, ndl_tensor x, ndl_tensor* y);
NDL_API ndl_status ndl_sigmoid_backward(ndl_context context, ndl_tensor y, ndl_tensor dy, ndl_tensor* dx);
/* sqrt: the square root; dx = dy / (2 y). */
NDL_API ndl_status ndl_sqrt_forward(ndl_context context, ndl_tensor x, ndl_tensor* y);
NDL_API ndl_status ndl_sqrt_backward(ndl_context context, ndl_tensor y, ndl_tensor dy, ndl_tensor* dx);
/* square: x * x; dx = 2 x * dy. */
NDL_API ndl_status ndl_square_forward(ndl_context context, ndl_tensor x, ndl_tensor* y);
NDL_API ndl_status ndl_square_backward(ndl_context context, ndl_tensor x, ndl_tensor dy, ndl_tensor* dx);
/* tanh: the hyperbolic tangent; dx = dy * (1 - y * y). */
NDL_API ndl_status ndl_tanh_forward(ndl_context context, ndl_tensor x, ndl_tensor* y);
NDL_API ndl_status ndl_tanh_backward(ndl_context context, ndl_tensor y, ndl_tensor dy, ndl_tensor* dx);

#ifdef __cplusplus
}
#endif
#endif
