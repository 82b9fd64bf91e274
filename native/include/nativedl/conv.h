/* nativedl/conv.h: convolution. */
#ifndef NATIVEDL_CONV_H
#define NATIVEDL_CONV_H

#include "nativedl/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* conv2d: 2-D convolution (cross-correlation), NHWC; f32, f64, and bf16 with sums in f32, rounded at the end.
 *
 *   y[n,p,q,k] = act( b[k] + residual[n,p,q,k]
 *                     + sum_{r,s,c} x[n, p*stride_h + r*dilation_h - pad_top,
 *                                        q*stride_w + s*dilation_w - pad_left, g*C/G + c] * w[k,r,s,c] )
 *
 *   x [n,h,w,c]   w [k,r,s,c/groups]   b [k]   residual, y [n,p,q,k]     g = k / (K / groups); x is 0 outside
 *   p = (h + pad_top + pad_bottom - dilation_h*(r-1) - 1) / stride_h + 1, rounded down; q likewise.
 *
 * The channels c and k must be multiples of groups, and the padded image at least as large as the dilated
 * kernel. An empty batch is allowed. Each sum is formed in one fixed order: the bits do not depend on the
 * number of threads. Kernels of 3 x 3 at stride 1 may be computed by Winograd's method. By tiles of 4 x 4
 * outputs its rounding error is at most about twice that of a direct sum, taken one product after another
 * in f32, and the precision strict excludes it; by tiles of 2 x 2 it is no larger than that. Kernels of 5 to 8
 * taps each way at stride 2 in one group may be computed by the former, forward and to the weight. (The direct
 * kernels here sum in blocks and stay below it: on normal values the mean errors are, as parts of the
 * outputs' rms, 1.3 to 2.3e-7 direct, 1.8 to 2.9e-7 by 2 x 2, 3.4 to 7.6e-7 by 4 x 4.)
 * Backward passes are those of the convolution without activation: take dy through the activation's own
 * backward first (relu: ndl_relu_backward with y). All operands of a call are of one type; bf16 numbers below
 * 2^-126 may count as 0. The gradient of the residual is that dy itself. */
typedef struct ndl_conv2d_options {
  uint32_t struct_size;
  int32_t groups;            /* default 1 */
  int32_t stride_h;          /* > 0, default 1 */
  int32_t stride_w;          /* > 0, default 1 */
  int32_t pad_top;           /* >= 0, default 0, as the next three */
  int32_t pad_bottom;
  int32_t pad_left;
  int32_t pad_right;
  int32_t dilation_h;        /* > 0, default 1 */
  int32_t dilation_w;        /* > 0, default 1 */
  ndl_activation activation; /* default NDL_ACTIVATION_NONE; ignored by the backward passes */
  int32_t reserved;          /* 0 */
} ndl_conv2d_options;

/* bias and residual may be 0. y may be the very memory of the residual, which is then added to in place; else it shares
 * no memory with an operand. Errors: INVALID_SHAPE for a residual that has not the shape of y. */
NDL_API ndl_status ndl_conv2d_forward(ndl_context context, const ndl_conv2d_options* options, ndl_tensor x,
                                      ndl_tensor weight, ndl_tensor bias, ndl_tensor residual, ndl_tensor* y);
/* dx[n,h,w,c] = sum over all p,q,k,r,s that read x[n,h,w,c] of dy[n,p,q,k] * w[k,r,s,c].
 * x_dims: the four dimensions of x, which dy and weight do not determine where stride > 1. */
NDL_API ndl_status ndl_conv2d_backward_input(ndl_context context, const ndl_conv2d_options* options,
                                             ndl_tensor dy, ndl_tensor weight, const int64_t* x_dims,
                                             int32_t x_rank, ndl_tensor* dx);
/* dw[k,r,s,c] = sum_{n,p,q} dy[n,p,q,k] * x[n, p*stride_h + r*dilation_h - pad_top, ..., c].
 * weight_dims: the four dimensions of the weight. */
NDL_API ndl_status ndl_conv2d_backward_weight(ndl_context context, const ndl_conv2d_options* options,
                                              ndl_tensor x, ndl_tensor dy, const int64_t* weight_dims,
                                              int32_t weight_rank, ndl_tensor* dw);
/* db[k] = sum_{n,p,q} dy[n,p,q,k]. */
NDL_API ndl_status ndl_conv2d_backward_bias(ndl_context context, ndl_tensor dy, ndl_tensor* db);

/* conv2d_max_pool2d: the chain conv2d (one group), max_pool2d by windows side by side, without the image between them;
 * f32, f64.
 *
 *   z = conv2d(x, w, b) with its activation
 *   y[n,p,q,k] = max over r < pool_h, s < pool_w of z[n, p*pool_h + r, q*pool_w + s, k]
 *   argmax[n,p,q,k] = r*pool_w + s of that element (u8): the first one in row order; a NaN counts as largest.
 *                     255 where relu leaves no gradient: y is not above 0.
 *
 *   x [n,h,w,c]   w [k,kh,kw,c]   b [k]   y, argmax [n,p,q,k]
 *   p = (rows of z) / pool_h, rounded down; q likewise. What fills no window is never computed.
 *
 * At most 255 elements to a window, and z not smaller than one. Methods, order of sums and rounding are those of
 * conv2d: where elements of a window tie within rounding, argmax is any of them. Backward passes are those of the whole
 * chain, activation included: argmax says all that they need of y. */
typedef struct ndl_conv2d_max_pool2d_options {
  uint32_t struct_size;
  int32_t pool_h;            /* > 0, no default */
  int32_t pool_w;            /* > 0, no default */
  int32_t stride_h;          /* of the convolution, as the rest; > 0, default 1 */
  int32_t stride_w;          /* > 0, default 1 */
  int32_t pad_top;           /* >= 0, default 0, as the next three */
  int32_t pad_bottom;
  int32_t pad_left;
  int32_t pad_right;
  int32_t dilation_h;        /* > 0, default 1 */
  int32_t dilation_w;        /* > 0, default 1 */
  ndl_activation activation; /* default NDL_ACTIVATION_NONE; backward passes find it in argmax */
} ndl_conv2d_max_pool2d_options;

/* bias may be 0, argmax may be null: not wanted. Outputs share no memory with an operand. */
NDL_API ndl_status ndl_conv2d_max_pool2d_forward(ndl_context context, const ndl_conv2d_max_pool2d_options* options,
                                                 ndl_tensor x, ndl_tensor weight, ndl_tensor bias, ndl_tensor* y,
                                                 ndl_tensor* argmax);
/* dx = conv2d_backward_input of dz, where dz[n, p*pool_h + r, q*pool_w + s, k] = dy[n,p,q,k] if argmax[n,p,q,k] is
 * r*pool_w + s, else 0. x_dims: the four dimensions of x.
 * Errors: INVALID_DATA for an argmax that is neither a position of a window nor 255. */
NDL_API ndl_status ndl_conv2d_max_pool2d_backward_input(ndl_context context,
                                                        const ndl_conv2d_max_pool2d_options* options, ndl_tensor dy,
                                                        ndl_tensor argmax, ndl_tensor weight, const int64_t* x_dims,
                                                        int32_t x_rank, ndl_tensor* dx);
/* dw = conv2d_backward_weight of x and the same dz. weight_dims: the four dimensions of the weight. Errors as above. */
NDL_API ndl_status ndl_conv2d_max_pool2d_backward_weight(ndl_context context,
                                                         const ndl_conv2d_max_pool2d_options* options, ndl_tensor x,
                                                         ndl_tensor dy, ndl_tensor argmax, const int64_t* weight_dims,
                                                         int32_t weight_rank, ndl_tensor* dw);
/* db[k] = sum of dy[n,p,q,k] where argmax[n,p,q,k] is not 255. */
NDL_API ndl_status ndl_conv2d_max_pool2d_backward_bias(ndl_context context, ndl_tensor dy, ndl_tensor argmax,
                                                       ndl_tensor* db);

#ifdef __cplusplus
}
#endif
#endif
