// ops/avg_pool2d.hpp: the record of avg_pool2d and its kernels. Contract: nativedl/pool.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

// Window positions [begin, end) that hold element i of a side.
struct Covering {
  int64_t begin, end;
};

// x [n,h,w,c]; y [n,p,q,c]; window r x s.
struct AvgPool2d : Record {
  int64_t n, h, w, c, p, q, r, s;
  int64_t stride_h, stride_w, pad_top, pad_bottom, pad_left, pad_right, divisor_override;
  bool count_include_pad;
  ndl_dtype dtype;

  // Window (i, j) cut to the image, and what its sum is divided by.
  struct Window {
    int64_t top, bottom, left, right;
    double divisor;
  };
  NDL_INLINE Window window(int64_t i, int64_t j) const {
    const int64_t top = i * stride_h - pad_top, left = j * stride_w - pad_left;
    const int64_t bottom = smaller(top + r, h + pad_bottom), right = smaller(left + s, w + pad_right);
    Window cut{top < 0 ? 0 : top, smaller(bottom, h), left < 0 ? 0 : left, smaller(right, w), 0};
    const int64_t padded = (bottom - top) * (right - left), inside = (cut.bottom - cut.top) * (cut.right - cut.left);
    cut.divisor = static_cast<double>(divisor_override > 0 ? divisor_override : count_include_pad ? padded : inside);
    return cut;
  }
  // Whether all windows have one divisor.
  NDL_INLINE bool uniform() const {
    const bool fits = (p - 1) * stride_h + r <= h + pad_top + pad_bottom && (q - 1) * stride_w + s <= w + pad_left + pad_right;
    return divisor_override > 0 || (fits && (count_include_pad || pad_top + pad_bottom + pad_left + pad_right == 0));
  }
  NDL_INLINE Covering rows_over(int64_t row) const { return covering(row + pad_top, r, stride_h, p); }
  NDL_INLINE Covering columns_over(int64_t column) const { return covering(column + pad_left, s, stride_w, q); }

  enum Forward { kX, kY };
  enum Backward { kDy, kXDims, kDx };

 private:
  static NDL_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
  static NDL_INLINE Covering covering(int64_t at, int64_t size, int64_t stride, int64_t positions) {
    return {at < size ? 0 : (at - size) / stride + 1, smaller(at / stride + 1, positions)};
  }
};

namespace cpu::ref { extern const Kernel<AvgPool2d> avg_pool2d_forward, avg_pool2d_backward; }
NDL_DECLARE_SIMD(Kernel<AvgPool2d>, avg_pool2d_forward_vector)
NDL_DECLARE_SIMD(Kernel<AvgPool2d>, avg_pool2d_backward_vector)

}  // namespace ndl
