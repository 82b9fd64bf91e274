/* nativedl/norm.h: normalisation. */
#ifndef NATIVEDL_NORM_H
#define NATIVEDL_NORM_H

#include "nativedl/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* batch_norm2d: batch normalisation of each channel in training, NHWC; f32, f64, as PyTorch's BatchNorm2d.
 *
 *   mean[c] = 1/m * sum of x over n,h,w      var[c] = 1/m * sum of (x - mean)^2      m = n*h*w
 *   y = act( (x - mean) * inverse_std * gamma + beta )      inverse_std = 1 / sqrt(var + eps)
 *   num_batches += 1
 *   running_mean = (1-f) * running_mean + f * mean          f = momentum, or 1 / num_batches under cumulative
 *   running_var  = (1-f) * running_var  + f * var * m/(m-1)
 *
 *   x, y [n,h,w,c]   gamma, beta, running_mean, running_var, mean, inverse_std [c]   num_batches: an i64 scalar
 *
 * m must be at least 2: one value has no variance. A NaN or infinity spreads to its channel, running values included.
 * Statistics are formed in blocks with means of their own and merged in one fixed order: a large mean costs no
 * accuracy, and the bits do not depend on the number of threads. */
typedef struct ndl_batch_norm2d_options {
  uint32_t struct_size;
  ndl_activation activation; /* default NDL_ACTIVATION_NONE */
  double eps;                /* > 0, default 1e-5 */
  double momentum;           /* 0..1, default 0.1; not read in inference, as the next field */
  int32_t cumulative;        /* 0 or 1, default 0; 1: running values are the mean over all batches */
  int32_t reserved;          /* 0 */
} ndl_batch_norm2d_options;

/* gamma and beta may be 0: 1 and 0 everywhere. y shares no memory with x. */
NDL_API ndl_status ndl_batch_norm2d_forward(ndl_context context, const ndl_batch_norm2d_options* options,
                                            ndl_tensor x, ndl_tensor gamma, ndl_tensor beta,
                                            ndl_tensor running_mean, ndl_tensor running_var,
                                            ndl_tensor num_batches, ndl_tensor* y, ndl_tensor* mean,
                                            ndl_tensor* inverse_std);
/* Operands and options as the forward had them; mean and inverse_std are its outputs.
 *   dbeta = sum of g    dgamma = sum of g * xhat    dx = gamma * inverse_std * (g - dbeta/m - xhat * dgamma/m)
 * with xhat = (x - mean) * inverse_std, and g = dy, under relu 0 where y is not above 0. y is formed anew from x, by the
 * same operations as in the forward of the same implementation, rather than read: that saves a pass over memory.
 * gamma and beta may be 0, beta is not read without an activation; a null dx, dgamma or dbeta is not wanted.
 * dx may be dy. */
NDL_API ndl_status ndl_batch_norm2d_backward(ndl_context context, const ndl_batch_norm2d_options* options,
                                             ndl_tensor x, ndl_tensor gamma, ndl_tensor beta, ndl_tensor mean,
                                             ndl_tensor inverse_std, ndl_tensor dy, ndl_tensor* dx,
                                             ndl_tensor* dgamma, ndl_tensor* dbeta);

/* batch_norm2d_inference: with the running values, which it only reads. An op of its own, since its operands,
 * its gradients and what it may be fused with are others.
 *
 *   y = act( (x - running_mean) / sqrt(running_var + eps) * gamma + beta )
 *
 * Empty batches are allowed. gamma and beta may be 0. y may be x. A negative running_var + eps gives NaN. */
NDL_API ndl_status ndl_batch_norm2d_inference_forward(ndl_context context,
                                                      const ndl_batch_norm2d_options* options, ndl_tensor x,
                                                      ndl_tensor gamma, ndl_tensor beta,
                                                      ndl_tensor running_mean, ndl_tensor running_var,
                                                      ndl_tensor* y);
/* dbeta = sum of g    dgamma = sum of g * xhat    dx = gamma / sqrt(running_var + eps) * g
 * with g and all else as for batch_norm2d. */
NDL_API ndl_status ndl_batch_norm2d_inference_backward(ndl_context context,
                                                       const ndl_batch_norm2d_options* options, ndl_tensor x,
                                                       ndl_tensor gamma, ndl_tensor beta,
                                                       ndl_tensor running_mean, ndl_tensor running_var,
                                                       ndl_tensor dy, ndl_tensor* dx, ndl_tensor* dgamma,
                                                       ndl_tensor* dbeta);

#ifdef __cplusplus
}
#endif
#endif
