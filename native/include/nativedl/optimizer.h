/* nativedl/optimizer.h: optimizer steps, and the norm of all gradients; each one call over all parameters.
 *
 * Common to all optimizers: parameters p, gradients g and the state are lists of `count` tensors each; item i of every list has
 * the shape and dtype of parameter i, f32 or f64, the same for all. Parameters and state are read and overwritten; no
 * two of them share memory. learning_rate is a scalar, f32 or f64. steps holds an i64 scalar per parameter: the
 * updates that it has had. The op reads and advances it, so that a parameter that was left out of some steps keeps its
 * own count, as in PyTorch. State begins at zero, and so do steps.
 *
 * The updates are PyTorch's, and so are the defaults. In all of them g is -g under maximize, and then g + weight_decay
 * * p where the decay is not 0. NaN and infinities go where the arithmetic takes them. An empty list is allowed. The
 * bits do not depend on the number of threads.
 *
 * Errors: INVALID_SHAPE and INVALID_DTYPE name the list and the item; INVALID_ARGUMENT for options out of their range
 * and for a list that the options need (or do not) and that is absent (or not); OVERLAP. */
#ifndef NATIVEDL_OPTIMIZER_H
#define NATIVEDL_OPTIMIZER_H

#include "nativedl/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* sgd:  b = momentum*b + (1 - dampening)*g, in the first step b = g;   d = nesterov ? g + momentum*b : b
 *       p -= learning_rate * d        d = g where momentum is 0: steps and momentum_buffers are then null */
typedef struct ndl_sgd_options {
  uint32_t struct_size;
  int32_t nesterov;    /* 0 or 1, default 0; needs a momentum and no dampening */
  double momentum;     /* >= 0, default 0 */
  double dampening;    /* default 0 */
  double weight_decay; /* >= 0, default 0 */
  int32_t maximize;    /* 0 or 1, default 0 */
  int32_t reserved;    /* 0 */
} ndl_sgd_options;

NDL_API ndl_status ndl_sgd_forward(ndl_context context, const ndl_sgd_options* options, const ndl_tensor* parameters,
                                   const ndl_tensor* gradients, ndl_tensor learning_rate, const ndl_tensor* steps,
                                   const ndl_tensor* momentum_buffers, int32_t count);

/* adam: t = ++step;   m = beta1*m + (1 - beta1)*g;   v = beta2*v + (1 - beta2)*g*g;   u = amsgrad ? max of all v : v
 *       p -= learning_rate * (m / (1 - beta1^t)) / (sqrt(u / (1 - beta2^t)) + epsilon)
 * With decoupled_weight_decay (AdamW) the decay is p *= 1 - learning_rate*weight_decay before the update instead. */
typedef struct ndl_adam_options {
  uint32_t struct_size;
  int32_t amsgrad;                /* 0 or 1, default 0: max_second_moments is null */
  double beta1;                   /* 0 <= beta1 < 1, default 0.9 */
  double beta2;                   /* 0 <= beta2 < 1, default 0.999 */
  double epsilon;                 /* >= 0, default 1e-8 */
  double weight_decay;            /* >= 0, default 0 */
  int32_t decoupled_weight_decay; /* 0 or 1, default 0 */
  int32_t maximize;               /* 0 or 1, default 0 */
} ndl_adam_options;

NDL_API ndl_status ndl_adam_forward(ndl_context context, const ndl_adam_options* options, const ndl_tensor* parameters,
                                    const ndl_tensor* gradients, ndl_tensor learning_rate, const ndl_tensor* steps,
                                    const ndl_tensor* first_moments, const ndl_tensor* second_moments,
                                    const ndl_tensor* max_second_moments, int32_t count);

/* adadelta: s = rho*s + (1 - rho)*g*g;   d = sqrt(a + epsilon) / sqrt(s + epsilon) * g;   a = rho*a + (1 - rho)*d*d
 *           p -= learning_rate * d        square_averages s, delta_averages a */
typedef struct ndl_adadelta_options {
  uint32_t struct_size;
  int32_t maximize;    /* 0 or 1, default 0 */
  double rho;          /* 0..1, default 0.9 */
  double epsilon;      /* >= 0, default 1e-6 */
  double weight_decay; /* >= 0, default 0 */
} ndl_adadelta_options;

NDL_API ndl_status ndl_adadelta_forward(ndl_context context, const ndl_adadelta_options* options,
                                        const ndl_tensor* parameters, const ndl_tensor* gradients,
                                        ndl_tensor learning_rate, const ndl_tensor* square_averages,
                                        const ndl_tensor* delta_averages, int32_t count);

/* gradient_norm: norm = sqrt(sum of all elements' squares) of a list of tensors, f32 or f64, the same for all; norm is
 * a scalar of that dtype, 0 for an empty list. Sums are kept in double, in an order that does not depend on the number
 * of threads. */
NDL_API ndl_status ndl_gradient_norm_forward(ndl_context context, const ndl_tensor* gradients, int32_t count,
                                             ndl_tensor* norm);

/* clip_gradients: g *= min(1, max_norm / (norm + 1e-6)) for all tensors of a list, in place, so that their norm is at
 * most max_norm. norm is that of ndl_gradient_norm_forward. A NaN or infinite norm makes them NaN or 0, as in PyTorch. */
typedef struct ndl_clip_gradients_options {
  uint32_t struct_size;
  int32_t reserved; /* 0 */
  double max_norm;  /* >= 0, no default */
} ndl_clip_gradients_options;

NDL_API ndl_status ndl_clip_gradients_forward(ndl_context context, const ndl_clip_gradients_options* options,
                                              const ndl_tensor* gradients, ndl_tensor norm, int32_t count);

#ifdef __cplusplus
}
#endif
#endif
