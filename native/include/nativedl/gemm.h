/* nativedl/gemm.h: matrix products. */
#ifndef NATIVEDL_GEMM_H
#define NATIVEDL_GEMM_H

#include "nativedl/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of both ops: f32, f64, and bf16 with sums in f32, rounded at the end; bf16 numbers below 2^-126 may count as 0. Each sum
 * is formed in one fixed order: the bits do not depend on the number of threads. A NaN or infinity spreads as in plain
 * sums, with one exception that gemm states; relu keeps a NaN. Any dimension may be 0: with k = 0 the sums are 0. y may be the
 * very memory of c or of the residual, which is then added to in place; else outputs share no memory with an operand. */

/* linear: a fully connected layer.
 *
 *   y[..., n] = act( sum_k x[..., k] * w[n, k] + b[n] + residual[..., n] )
 *
 *   x [..., k], of rank 1 or more   w [n, k]   b [n]   residual [..., n]   y [..., n]
 *
 * Backward passes are those without activation: take dy through the activation's own backward first. The gradient of
 * the residual is dy itself. */
typedef struct ndl_linear_options {
  uint32_t struct_size;
  ndl_activation activation; /* default NDL_ACTIVATION_NONE */
} ndl_linear_options;

/* bias and residual may be 0. */
NDL_API ndl_status ndl_linear_forward(ndl_context context, const ndl_linear_options* options, ndl_tensor x,
                                      ndl_tensor weight, ndl_tensor bias, ndl_tensor residual, ndl_tensor* y);
/* dx[..., k] = sum_n dy[..., n] * w[n, k]. */
NDL_API ndl_status ndl_linear_backward_input(ndl_context context, ndl_tensor dy, ndl_tensor weight,
                                             ndl_tensor* dx);
/* dw[n, k] = sum over all rows of dy[..., n] * x[..., k]. */
NDL_API ndl_status ndl_linear_backward_weight(ndl_context context, ndl_tensor x, ndl_tensor dy,
                                              ndl_tensor* dw);
/* db[n] = sum over all rows of dy[..., n]. */
NDL_API ndl_status ndl_linear_backward_bias(ndl_context context, ndl_tensor dy, ndl_tensor* db);

/* gemm: the product of two matrices, or of the matrices of two batches in turn.
 *
 *   y[m, n] = act( alpha * sum_k op(a)[m, k] * op(b)[k, n] + beta * c[m, n] + bias[n] )
 *
 *   a [..., m, k], or [..., k, m] under transpose_a   c, y [..., m, n]
 *   b [..., k, n], or [..., n, k] under transpose_b   bias [n]
 *
 * The leading dimensions of a and b are equal; an operand of rank 2 is that of the whole batch.
 * With alpha and beta 1 and no c it is the plain product; under beta = 0 the values of c are not read. Its gradients are
 * products again: da = alpha dy op(b)^T, db = alpha op(a)^T dy (summed over the batch where the operand is one), dc = beta
 * dy, dbias = ndl_linear_backward_bias of dy.
 *
 * On the CPU a b of rank 2 that comes a second time with no write between is packed for good, in about as many bytes again, which
 * live as long as b's memory and which derived_bytes of ndl_memory_info counts. The bits are the same.
 *
 * On a processor with AMX a product of f32 may be one of bf16 parts, hi + mid + lo. Under precision standard all six products of
 * parts that count: over 1024 terms the mean error, against f64, was 1.1e-7 of the root mean square of y, that of FMAs 3.0e-7.
 * Under fast three: each a * b has an error of at most 2^-15 of itself, y one of 3.5e-6 in the mean. In both infinity times a
 * number is NaN, and parts and sums below 2^-126 count as 0, so that factors are exact to 2^-126 only. Strict excludes both. */
typedef struct ndl_gemm_options {
  uint32_t struct_size;
  int32_t transpose_a;       /* 0 or 1, default 0 */
  int32_t transpose_b;       /* 0 or 1, default 0 */
  ndl_activation activation; /* default NDL_ACTIVATION_NONE */
  float alpha;               /* default 1; a 0 within struct_size is a 0: the product then counts for nothing */
  float beta;                /* default 1; a 0 within struct_size is a 0: c then counts for nothing */
  int32_t output_f32;        /* 0 or 1, default 0; 1: where a and b are bf16, c, bias and y are f32 */
  int32_t reserved;          /* 0 */
} ndl_gemm_options;

/* c and bias may be 0. */
NDL_API ndl_status ndl_gemm_forward(ndl_context context, const ndl_gemm_options* options, ndl_tensor a,
                                    ndl_tensor b, ndl_tensor c, ndl_tensor bias, ndl_tensor* y);

#ifdef __cplusplus
}
#endif
#endif
