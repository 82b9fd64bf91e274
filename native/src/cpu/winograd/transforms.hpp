// cpu/winograd/transforms.hpp: the one-dimensional transforms of Winograd's convolution with three taps.
//
// A tile of kTile outputs takes kPoints = kTile + 2 inputs d and the taps g:
//
//   y = A^T [ (G g) * (B^T d) ]        * element by element, one product per point
//
// In two dimensions each transform is applied to the columns and then to the rows. The gradient of the taps is the
// transpose of the same identity: dg = G^T [ (A dy) * (B^T d) ]. Hence five transforms:
//
//   Input B^T: kPoints -> kPoints          Weight G: 3 -> kPoints               Output A^T: kPoints -> kTile
//                                          WeightGradient G^T: kPoints -> 3     OutputGradient A: kTile -> kPoints
//
// F(2x2,3x3) has the points 0, +-1 and infinity; F(4x4,3x3) 0, +-5/8, +-3/2 and infinity, at which the rounding error is
// two thirds of that at the usual 0, +-1, +-2, infinity.
// Source: Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks", 2016; the points by search over small fractions.
#pragma once

#include "cpu/simd.hpp"

namespace ndl::cpu::NDL_ISA {

template <int kTile>
struct Winograd;

template <>
struct Winograd<2> {
  struct Input {
    static constexpr int kIn = 4, kOut = 4;
    static NDL_INLINE void apply(const F32* d, F32* v) {
      v[0] = d[0] - d[2], v[1] = d[1] + d[2], v[2] = d[2] - d[1], v[3] = d[3] - d[1];
    }
  };
  struct Output {
    static constexpr int kIn = 4, kOut = 2;
    static NDL_INLINE void apply(const F32* m, F32* y) { y[0] = m[0] + (m[1] + m[2]), y[1] = (m[1] - m[2]) + m[3]; }
  };
  struct OutputGradient {
    static constexpr int kIn = 2, kOut = 4;
    static NDL_INLINE void apply(const F32* y, F32* v) { v[0] = y[0], v[1] = y[0] + y[1], v[2] = y[0] - y[1], v[3] = y[1]; }
  };
  struct Weight {
    static constexpr int kIn = 3, kOut = 4;
    static NDL_INLINE void apply(const F32* g, F32* u) {
      const F32 even = (g[0] + g[2]) * 0.5f, odd = g[1] * 0.5f;
      u[0] = g[0], u[1] = even + odd, u[2] = even - odd, u[3] = g[2];
    }
  };
  struct WeightGradient {
    static constexpr int kIn = 4, kOut = 3;
    static NDL_INLINE void apply(const F32* u, F32* g) {
      const F32 sum = (u[1] + u[2]) * 0.5f, difference = (u[1] - u[2]) * 0.5f;
      g[0] = u[0] + sum, g[1] = difference, g[2] = sum + u[3];
    }
  };
};

template <>
struct Winograd<4> {
  static constexpr float a = 0.625f, b = 1.5f, a2 = a * a, b2 = b * b;  // the points, exact as are their powers used here
  static constexpr float kZero = static_cast<float>(1.0 / (a2 * b2));   // 1 / product of a point's distances from the others
  static constexpr float kA = static_cast<float>(0.5 / (a2 * (a2 - b2))), kB = static_cast<float>(0.5 / (b2 * (b2 - a2)));

  struct Input {
    static constexpr int kIn = 6, kOut = 6;
    static NDL_INLINE void apply(const F32* d, F32* v) {
      const F32 even_a = d[4] - b2 * d[2], odd_a = d[3] - b2 * d[1], even_b = d[4] - a2 * d[2], odd_b = d[3] - a2 * d[1];
      v[0] = (a2 * b2) * d[0] + (d[4] - (a2 + b2) * d[2]);
      v[1] = even_a + a * odd_a, v[2] = even_a - a * odd_a;
      v[3] = even_b + b * odd_b, v[4] = even_b - b * odd_b;
      v[5] = (a2 * b2) * d[1] + (d[5] - (a2 + b2) * d[3]);
    }
  };
  struct Output {
    static constexpr int kIn = 6, kOut = 4;
    static NDL_INLINE void apply(const F32* m, F32* y) {
      const F32 sum_a = m[1] + m[2], difference_a = m[1] - m[2], sum_b = m[3] + m[4], difference_b = m[3] - m[4];
      y[0] = m[0] + (sum_a + sum_b);
      y[1] = a * difference_a + b * difference_b;
      y[2] = a2 * sum_a + b2 * sum_b;
      y[3] = (a2 * a) * difference_a + ((b2 * b) * difference_b + m[5]);
    }
  };
  struct OutputGradient {
    static constexpr int kIn = 4, kOut = 6;
    static NDL_INLINE void apply(const F32* y, F32* v) {
      const F32 even_a = y[0] + a2 * y[2], odd_a = a * (y[1] + a2 * y[3]), even_b = y[0] + b2 * y[2], odd_b = b * (y[1] + b2 * y[3]);
      v[0] = y[0];
      v[1] = even_a + odd_a, v[2] = even_a - odd_a;
      v[3] = even_b + odd_b, v[4] = even_b - odd_b;
      v[5] = y[3];
    }
  };
  struct Weight {
    static constexpr int kIn = 3, kOut = 6;
    static NDL_INLINE void apply(const F32* g, F32* u) {
      const F32 even_a = kA * (g[0] + a2 * g[2]), odd_a = (kA * a) * g[1], even_b = kB * (g[0] + b2 * g[2]), odd_b = (kB * b) * g[1];
      u[0] = kZero * g[0];
      u[1] = even_a + odd_a, u[2] = even_a - odd_a;
      u[3] = even_b + odd_b, u[4] = even_b - odd_b;
      u[5] = g[2];
    }
  };
  struct WeightGradient {
    static constexpr int kIn = 6, kOut = 3;
    static NDL_INLINE void apply(const F32* u, F32* g) {
      const F32 sum_a = kA * (u[1] + u[2]), difference_a = kA * (u[1] - u[2]), sum_b = kB * (u[3] + u[4]), difference_b = kB * (u[3] - u[4]);
      g[0] = kZero * u[0] + (sum_a + sum_b);
      g[1] = a * difference_a + b * difference_b;
      g[2] = a2 * sum_a + (b2 * sum_b + u[5]);
    }
  };
};

// A transform of a tile: its columns by V, then its rows by H. source(i, j) gives element (i, j), target(i, j, v) takes the
// result's.
template <class V, class H, class Source, class Target>
NDL_INLINE void transform_tile(const Source& source, const Target& target) {
  F32 half[V::kOut][H::kIn];
#pragma GCC unroll 6
  for (int j = 0; j < H::kIn; ++j) {
    F32 column[V::kIn], result[V::kOut];
#pragma GCC unroll 6
    for (int i = 0; i < V::kIn; ++i) column[i] = source(i, j);
    V::apply(column, result);
#pragma GCC unroll 6
    for (int i = 0; i < V::kOut; ++i) half[i][j] = result[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < V::kOut; ++i) {
    F32 row[H::kOut];
    H::apply(half[i], row);
#pragma GCC unroll 6
    for (int j = 0; j < H::kOut; ++j) target(i, j, row[j]);
  }
}

template <class T, class Source, class Target>
NDL_INLINE void transform_square(const Source& source, const Target& target) { transform_tile<T, T>(source, target); }

}  // namespace ndl::cpu::NDL_ISA
