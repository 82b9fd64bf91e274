/* nativedl/pool.h: pooling. */
#ifndef NATIVEDL_POOL_H
#define NATIVEDL_POOL_H

#include "nativedl/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* max_pool2d: largest element of each window, NHWC; f32, f64.
 *
 *   y[n,p,q,c] = max over r < kernel_h, s < kernel_w, inside the image, of
 *                x[n, p*stride_h + r*dilation_h - pad_top, q*stride_w + s*dilation_w - pad_left, c]
 *   argmax[n,p,q,c] = h*W + w of that element (i32), or under argmax_in_window r*kernel_w + s (u8), a quarter of the
 *                     memory: the first one in row order; a NaN counts as largest.
 *
 *   x [n,h,w,c]   y, argmax [n,p,q,c]
 *   p = (h + pad_top + pad_bottom - dilation_h*(kernel_h-1) - 1) / stride_h + 1, rounded down, or up under
 *   ceil_mode, where a last window that would start past the image and its leading padding is dropped.
 *
 * Padding is at most half the window's extent, dilation*(kernel-1) + 1, and no window may lie wholly outside the
 * image, as one could where its taps are further apart than the image is large; h*w must fit in 31 bits, or
 * under argmax_in_window kernel_h*kernel_w be at most 256. */
typedef struct ndl_max_pool2d_options {
  uint32_t struct_size;
  int32_t kernel_h;         /* > 0, no default */
  int32_t kernel_w;         /* > 0, no default */
  int32_t stride_h;         /* > 0, no default */
  int32_t stride_w;         /* > 0, no default */
  int32_t pad_top;          /* >= 0, default 0, as the next three */
  int32_t pad_bottom;
  int32_t pad_left;
  int32_t pad_right;
  int32_t dilation_h;       /* > 0, default 1 */
  int32_t dilation_w;       /* > 0, default 1 */
  int32_t ceil_mode;        /* 0 or 1, default 0 */
  int32_t argmax_in_window; /* 0 or 1, default 0; the same forward and backward */
  int32_t reserved;         /* 0 */
} ndl_max_pool2d_options;

/* argmax may be null: not wanted. */
NDL_API ndl_status ndl_max_pool2d_forward(ndl_context context, const ndl_max_pool2d_options* options,
                                          ndl_tensor x, ndl_tensor* y, ndl_tensor* argmax);
/* dx[n,h,w,c] = sum of dy over the windows whose argmax is (h,w). x_dims: the four dimensions of x.
 * Errors: INVALID_DATA for an argmax outside the image or outside its window. */
NDL_API ndl_status ndl_max_pool2d_backward(ndl_context context, const ndl_max_pool2d_options* options,
                                           ndl_tensor dy, ndl_tensor argmax, const int64_t* x_dims,
                                           int32_t x_rank, ndl_tensor* dx);

/* avg_pool2d: mean of each window, NHWC; f32, f64.
 *
 *   y[n,p,q,c] = 1/d * sum over r < kernel_h, s < kernel_w, inside the image, of
 *                x[n, p*stride_h + r - pad_top, q*stride_w + s - pad_left, c]
 *   d = divisor_override, where it is not 0; else the elements of the window: those inside the image and its padding
 *   (a window that ceil_mode adds may reach beyond both), or, without count_include_pad, those inside the image alone.
 *
 *   x [n,h,w,c]   y [n,p,q,c]; p, q as for max_pool2d with dilation 1.
 *
 * Padding is at most half the kernel; h and w are at least 1, an empty batch is allowed. A NaN spreads to the windows
 * that hold it. Sums go in one fixed order: the bits do not depend on the number of threads. */
typedef struct ndl_avg_pool2d_options {
  uint32_t struct_size;
  int32_t kernel_h;          /* > 0, no default */
  int32_t kernel_w;          /* > 0, no default */
  int32_t stride_h;          /* > 0, no default */
  int32_t stride_w;          /* > 0, no default */
  int32_t pad_top;           /* >= 0, default 0, as the next three */
  int32_t pad_bottom;
  int32_t pad_left;
  int32_t pad_right;
  int32_t ceil_mode;         /* 0 or 1, default 0 */
  int32_t count_include_pad; /* 0 or 1, default 1 */
  int32_t divisor_override;  /* >= 0, default 0: none */
} ndl_avg_pool2d_options;

NDL_API ndl_status ndl_avg_pool2d_forward(ndl_context context, const ndl_avg_pool2d_options* options,
                                          ndl_tensor x, ndl_tensor* y);
/* dx[n,h,w,c] = sum of dy / d over the windows that hold (h,w). x_dims: the four dimensions of x. */
NDL_API ndl_status ndl_avg_pool2d_backward(ndl_context context, const ndl_avg_pool2d_options* options,
                                           ndl_tensor dy, const int64_t* x_dims, int32_t x_rank,
                                           ndl_tensor* dx);

/* global_avg_pool2d: mean of each image and channel; f32, f64.
 *
 *   y[n,c] = 1/(h*w) * sum over h, w of x[n,h,w,c]          x [n,h,w,c]   y [n,c]
 *
 * h and w are at least 1, an empty batch is allowed; a NaN spreads to its channel. */
NDL_API ndl_status ndl_global_avg_pool2d_forward(ndl_context context, ndl_tensor x, ndl_tensor* y);
/* dx[n,h,w,c] = dy[n,c] / (h*w). x_dims: the four dimensions of x. */
NDL_API ndl_status ndl_global_avg_pool2d_backward(ndl_context context, ndl_tensor dy, const int64_t* x_dims,
                                                  int32_t x_rank, ndl_tensor* dx);

#ifdef __cplusplus
}
#endif
#endif
