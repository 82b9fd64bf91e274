/* nativedl/random.h: random numbers and dropout. */
#ifndef NATIVEDL_RANDOM_H
#define NATIVEDL_RANDOM_H

#include "nativedl/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The generator is Philox4x32-10 (Salmon et al., 2011). Its state is an i64 tensor [2], (seed, offset), whose
 * every value is good. An op draws groups of 64 words of 32 bits: word 16j + l of a group is word j of the
 * block with key seed and counter offset + l; then offset grows by 16. Elements take the words of a group in
 * order, one for f32 and dropout, two for f64 (v = first + 2^32 second); the rest of the last group is dropped.
 * All ops here advance state. Their results do not depend on the threads and, but for normal, not on the
 * instruction set. */

/* uniform: y of shape dims = low + (high - low) * u, u = (word >> 8) * 2^-24, or (v >> 11) * 2^-53 for f64.
 * Computed in y's dtype, every step rounded; where that gives high, y is the largest number below it. */
typedef struct ndl_uniform_options {
  uint32_t struct_size;
  ndl_dtype dtype; /* NDL_DTYPE_F32, the default, or NDL_DTYPE_F64 */
  double low;      /* finite, default 0 */
  double high;     /* finite, > low, default 1 */
} ndl_uniform_options;

NDL_API ndl_status ndl_uniform_forward(ndl_context context, const ndl_uniform_options* options,
                                       ndl_tensor state, const int64_t* dims, int32_t rank, ndl_tensor* y);

/* normal: y of shape dims = mean + standard_deviation * z, z by the method of Box and Muller. Element i of a
 * group, for the i that are under 16, or from 32 to 47, gives the radius, element i + 16 the angle:
 *   z[i] = radius * cos(angle)   z[i + 16] = radius * sin(angle)   radius = sqrt(-2 ln(r))
 *   f32: r = the f32 nearest ((word >> 1) | 1) * 2^-31, angle = 2 pi (word >> 8) * 2^-24; |z| <= 6.6
 *   f64: r = ((v >> 11) + 1) * 2^-53, angle = 2 pi (v >> 11) * 2^-53; |z| <= 8.6
 * Instruction sets agree within 2e-6 in z for f32. */
typedef struct ndl_normal_options {
  uint32_t struct_size;
  ndl_dtype dtype;           /* NDL_DTYPE_F32, the default, or NDL_DTYPE_F64 */
  double mean;               /* default 0 */
  double standard_deviation; /* >= 0, default 1 */
} ndl_normal_options;

NDL_API ndl_status ndl_normal_forward(ndl_context context, const ndl_normal_options* options,
                                      ndl_tensor state, const int64_t* dims, int32_t rank, ndl_tensor* y);

/* dropout: mask = 1 where (word >> 8) * 2^-24 >= p, else 0 (u8, of x's shape); y = x * (1 / (1 - p)) where mask
 * is 1, else 0, a NaN too. f32, f64. y may be x itself. */
typedef struct ndl_dropout_options {
  uint32_t struct_size;
  float p; /* probability of a 0, from 0 to 1, default 0.5 */
} ndl_dropout_options;

NDL_API ndl_status ndl_dropout_forward(ndl_context context, const ndl_dropout_options* options,
                                       ndl_tensor state, ndl_tensor x, ndl_tensor* y, ndl_tensor* mask);
/* dx = dy * (1 / (1 - p)) where mask is not 0, else 0. dx may be dy itself. */
NDL_API ndl_status ndl_dropout_backward(ndl_context context, const ndl_dropout_options* options,
                                        ndl_tensor dy, ndl_tensor mask, ndl_tensor* dx);

#ifdef __cplusplus
}
#endif
#endif
