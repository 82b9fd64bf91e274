// cpu/simd_math.hpp: elementary functions on vectors, f32. Errors are the greatest found against the function in
// double, over every seventh float; they hold with and without FMA, whose results differ in the last bit.
//
//   exponential   1.1 ulp, denormal results included; 0 below -103.97, inf above 88.72
//   logarithm     0.9 ulp; -inf at 0, NaN below, denormals included
//   sine_cosine   of u turns, |u| <= 1: absolute error 1e-7
// A NaN stays NaN. Source of the schemes: Cephes (Moshier) and fdlibm (Sun), rearranged without branches.
#pragma once

#include "cpu/simd.hpp"

namespace ndl::cpu::NDL_ISA {

NDL_INLINE F32 absolute(F32 v) { return (F32)((I32)v & 0x7fffffff); }
NDL_INLINE F32 with_sign_of(F32 magnitude, F32 sign) { return (F32)((I32)magnitude | ((I32)sign & INT32_MIN)); }
NDL_INLINE F32 to_float(I32 v) { return __builtin_convertvector(v, F32); }
// 2^n for -126 <= n <= 127.
NDL_INLINE F32 power_of_two(I32 n) { return (F32)((n + 127) << 23); }

// Nearest integer of |v| < 2^22: the sum's last bit is worth 1.
inline constexpr float kRounder = 12582912.0f;
NDL_INLINE F32 round_small(F32 v, I32* integer) {
  const F32 shifted = v + kRounder;
  *integer = (I32)shifted - (I32)broadcast(kRounder);
  return shifted - kRounder;
}

// e^v = 2^n * e^r, |r| <= ln(2)/2. Without an instruction for it, the scaling is done in two steps, so that denormal
// results are rounded once.
NDL_INLINE F32 exponential(F32 v) {
  v = minimum(broadcast(89.0f), maximum(broadcast(-105.0f), v));
  I32 n;
  const F32 k = round_small(v * 1.44269504f, &n);
  const F32 r = (v - k * 0.693359375f) - k * -2.12194440e-4f;
  F32 p = broadcast(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
#if defined(__AVX512F__)
  return (F32)_mm512_maskz_scalef_ps(0xFFFF, (__m512)p, (__m512)k);
#else
  n = select(v != v, I32{}, n);  // the bits of a NaN are no exponent
  const I32 half = n >> 1;
  return p * power_of_two(half) * power_of_two(n - half);
#endif
}

// ln v = k ln 2 + ln m, m in [sqrt(1/2), sqrt 2).
NDL_INLINE F32 logarithm(F32 v) {
  const I32 tiny = v < 1.17549435e-38f;
  const F32 normal = select(tiny, v * 8388608.0f, v);
  const I32 bits = (I32)normal - 0x3f3504f3;
  const F32 k = to_float((bits >> 23) - (tiny & 23));
  const F32 f = (F32)((bits & 0x007fffff) + 0x3f3504f3) - 1.0f;
  const F32 s = f / (f + 2.0f), z = s * s, w = z * z;
  const F32 r = z * (w * 0.28498786688f + 0.66666662693f) + w * (w * 0.24279078841f + 0.40000972152f);
  const F32 half = 0.5f * f * f;
  const F32 result = k * 6.9313812256e-1f - ((half - (s * (half + r) + k * 9.0580006145e-6f)) - f);
  const F32 infinity = broadcast(__builtin_inff());
  const F32 special = select(v == 0.0f, -infinity, select(v == infinity, infinity, broadcast(__builtin_nanf(""))));
  return select((v > 0.0f) & (v < infinity), result, special);
}

// sin and cos of 2 pi u: u = q/4 + r with |r| <= 1/8, which is exact.
NDL_INLINE void sine_cosine(F32 u, F32* sine, F32* cosine) {
  I32 q;
  const F32 angle = (u - round_small(u * 4.0f, &q) * 0.25f) * 6.28318531f, z = angle * angle;
  const F32 s = ((z * -1.9515295891e-4f + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * angle + angle;
  const F32 c = ((z * 2.443315711809948e-5f - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1.0f;
  const I32 swap = (q & 1) != 0;
  const F32 sin_part = select(swap, c, s), cos_part = select(swap, s, c);
  *sine = select((q & 2) != 0, -sin_part, sin_part);
  *cosine = select(((q + 1) & 2) != 0, -cos_part, cos_part);
}

}  // namespace ndl::cpu::NDL_ISA
