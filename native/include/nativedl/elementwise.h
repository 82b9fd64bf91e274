/* nativedl/elementwise.h: ops that work element by element. */
#ifndef NATIVEDL_ELEMENTWISE_H
#define NATIVEDL_ELEMENTWISE_H

#include "nativedl/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* relu: y = max(x, 0), NaN stays NaN; any shape; f32, f64. y may be x itself. */
NDL_API ndl_status ndl_relu_forward(ndl_context context, ndl_tensor x, ndl_tensor* y);
/* dx = dy where y > 0, else 0. y is the forward's output. dx may be dy itself. */
NDL_API ndl_status ndl_relu_backward(ndl_context context, ndl_tensor y, ndl_tensor dy, ndl_tensor* dx);

#ifdef __cplusplus
}
#endif
#endif
