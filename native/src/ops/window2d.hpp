// ops/window2d.hpp: the sliding window that convolution and pooling share.
#pragma once

#include <algorithm>

#include "core/desc.hpp"

namespace ndl {

struct Window2d {
  int64_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_bottom, pad_left, pad_right, dilation_h, dilation_w;

  int64_t extent_h() const { return dilation_h * (kernel_h - 1) + 1; }  // rows from the first tap to the last
  int64_t extent_w() const { return dilation_w * (kernel_w - 1) + 1; }
};

// The window's fields under the names that all window options share.
template <class O>
Window2d window_of(const O& o, int64_t kernel_h, int64_t kernel_w) {
  return {kernel_h, kernel_w, o.stride_h, o.stride_w, o.pad_top, o.pad_bottom, o.pad_left, o.pad_right, o.dilation_h, o.dilation_w};
}

// kernel_error: of a wrong kernel, which is an argument of pooling, but the shape of convolution's weight.
inline void check_window(const char* op, const Window2d& w, ndl_status kernel_error) {
  if (w.kernel_h < 1 || w.kernel_w < 1)
    fail(kernel_error, op, ": the kernel is ", w.kernel_h, " x ", w.kernel_w, "; both sides must be at least 1");
  if (w.kernel_h > INT32_MAX || w.kernel_w > INT32_MAX)  // the extents below must not overflow
    fail(kernel_error, op, ": the kernel is ", w.kernel_h, " x ", w.kernel_w, "; its sides must fit in 31 bits");
  if (w.stride_h < 1 || w.stride_w < 1)
    fail(NDL_ERROR_INVALID_ARGUMENT, op, ": the stride is ", w.stride_h, " x ", w.stride_w, "; both must be at least 1");
  if (w.dilation_h < 1 || w.dilation_w < 1)
    fail(NDL_ERROR_INVALID_ARGUMENT, op, ": the dilation is ", w.dilation_h, " x ", w.dilation_w, "; both must be at least 1");
  if (w.pad_top < 0 || w.pad_bottom < 0 || w.pad_left < 0 || w.pad_right < 0)
    fail(NDL_ERROR_INVALID_ARGUMENT, op, ": the padding (top ", w.pad_top, ", bottom ", w.pad_bottom, ", left ", w.pad_left, ", right ",
         w.pad_right, ") is negative");
}

// Pooling: the first taps of a window may lie in the padding, but not all of them. With padding of at most half the
// kernel (dilation 1) every window holds a pixel, so that no average divides by zero.
inline void check_pool_padding(const char* op, const Window2d& w) {
  if (2 * std::max(w.pad_top, w.pad_bottom) > w.extent_h() || 2 * std::max(w.pad_left, w.pad_right) > w.extent_w())
    fail(NDL_ERROR_INVALID_ARGUMENT, op, ": the padding (top ", w.pad_top, ", bottom ", w.pad_bottom, ", left ", w.pad_left, ", right ",
         w.pad_right, ") is more than half the kernel ", w.kernel_h, " x ", w.kernel_w);
}

// Number of window positions along one side.
inline int64_t positions(const char* op, const char* side, int64_t size, int64_t pad_before, int64_t pad_after, int64_t extent,
                         int64_t stride, bool ceil_mode = false) {
  const int64_t room = size + pad_before + pad_after - extent;
  if (room < 0)
    fail(NDL_ERROR_INVALID_SHAPE, op, ": the kernel's extent ", extent, " is larger than the padded ", side, ' ', size + pad_before + pad_after,
         " (", size, " + ", pad_before, " + ", pad_after, "); use a smaller kernel or more padding");
  int64_t count = room / stride + 1;
  // A window added by ceil_mode must still start inside the image or its leading padding.
  if (ceil_mode && room % stride != 0 && count * stride < size + pad_before) ++count;
  return count;
}

// Max pooling: every window must see a pixel. Taps further apart than the image is large can step over it; a window
// that starts inside never does.
inline void require_window_inside(const char* op, const char* side, int64_t size, int64_t pad_before, int64_t stride, int64_t dilation,
                                  int64_t count) {
  if (dilation <= size) return;
  for (int64_t start = -pad_before; start < 0 && count > 0; start += stride, --count)
    if ((dilation + start % dilation) % dilation >= size)
      fail(NDL_ERROR_INVALID_SHAPE, op, ": the window that starts ", -start, " before the image steps over its ", side, ' ', size,
           " with a dilation of ", dilation, "; use less padding or dilation");
}

}  // namespace ndl
