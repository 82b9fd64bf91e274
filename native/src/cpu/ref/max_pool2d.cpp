// cpu/ref/max_pool2d.cpp: max pooling by the definition. f32, f64.
#include <cmath>

#include "cpu/ref/dispatch.hpp"
#include "ops/max_pool2d.hpp"

namespace ndl::cpu::ref {
namespace {

void forward(const MaxPool2d& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* x = b.get<T>(MaxPool2d::kX);
    T* y = b.get<T>(MaxPool2d::kY);
    auto* pixels = r.argmax_in_window ? nullptr : b.get<int32_t>(MaxPool2d::kArgmax);
    auto* taps = r.argmax_in_window ? b.get<uint8_t>(MaxPool2d::kArgmax) : nullptr;
    int64_t out = 0;
    for (int64_t n = 0; n < r.n; ++n)
      for (int64_t p = 0; p < r.p; ++p)
        for (int64_t q = 0; q < r.q; ++q)
          for (int64_t c = 0; c < r.c; ++c, ++out) {
            int64_t best = -1, tap = -1;
            T value = 0;
            for (int64_t i = 0; i < r.r; ++i) {
              const int64_t row = p * r.stride_h + i * r.dilation_h - r.pad_top;
              if (row < 0 || row >= r.h) continue;
              for (int64_t j = 0; j < r.s; ++j) {
                const int64_t col = q * r.stride_w + j * r.dilation_w - r.pad_left;
                if (col < 0 || col >= r.w) continue;
                const T candidate = x[((n * r.h + row) * r.w + col) * r.c + c];
                if (best < 0 || candidate > value || (std::isnan(candidate) && !std::isnan(value)))
                  value = candidate, best = row * r.w + col, tap = i * r.s + j;
              }
            }
            y[out] = value;
            if (pixels != nullptr) pixels[out] = static_cast<int32_t>(best);
            if (taps != nullptr) taps[out] = static_cast<uint8_t>(tap);
          }
  });
}

// Where window (p,q) has its largest element, or -1: an argmax that is none of its pixels.
int64_t pixel_of(const MaxPool2d& r, int64_t argmax, int64_t p, int64_t q) {
  const int64_t top = p * r.stride_h - r.pad_top, left = q * r.stride_w - r.pad_left;
  if (r.argmax_in_window) {
    const int64_t row = top + argmax / r.s * r.dilation_h, col = left + argmax % r.s * r.dilation_w;
    return argmax < r.r * r.s && row >= 0 && row < r.h && col >= 0 && col < r.w ? row * r.w + col : -1;
  }
  const int64_t row = argmax / r.w - top, col = argmax % r.w - left;
  const bool inside = argmax >= 0 && argmax < r.h * r.w && row >= 0 && row % r.dilation_h == 0 && row / r.dilation_h < r.r && col >= 0 &&
                      col % r.dilation_w == 0 && col / r.dilation_w < r.s;
  return inside ? argmax : -1;
}

void backward(const MaxPool2d& r, const Buffers& b, const Exec& exec) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* dy = b.get<T>(MaxPool2d::kDy);
    T* dx = b.get<T>(MaxPool2d::kDx);
    for (int64_t i = 0; i < r.n * r.h * r.w * r.c; ++i) dx[i] = 0;
    int64_t at = 0;
    for (int64_t n = 0; n < r.n; ++n)
      for (int64_t p = 0; p < r.p; ++p)
        for (int64_t q = 0; q < r.q; ++q)
          for (int64_t c = 0; c < r.c; ++c, ++at) {
            const int64_t argmax = r.argmax_in_window ? b.get<uint8_t>(MaxPool2d::kIndex)[at] : b.get<int32_t>(MaxPool2d::kIndex)[at];
            const int64_t pixel = pixel_of(r, argmax, p, q);
            if (pixel >= 0) dx[(n * r.h * r.w + pixel) * r.c + c] += dy[at];
            else report_bad_value(exec, "an argmax lies outside its window", at, argmax);
          }
  });
}

}  // namespace

const Kernel<MaxPool2d> max_pool2d_forward{forward};
const Kernel<MaxPool2d> max_pool2d_backward{backward};

}  // namespace ndl::cpu::ref
