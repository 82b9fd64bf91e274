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
    auto* argmax = b.get<int32_t>(MaxPool2d::kArgmax);
    int64_t out = 0;
    for (int64_t n = 0; n < r.n; ++n)
      for (int64_t p = 0; p < r.p; ++p)
        for (int64_t q = 0; q < r.q; ++q)
          for (int64_t c = 0; c < r.c; ++c, ++out) {
            int64_t best = -1;
            T value = 0;
            for (int64_t i = 0; i < r.r; ++i) {
              const int64_t row = p * r.stride_h + i * r.dilation_h - r.pad_top;
              if (row < 0 || row >= r.h) continue;
              for (int64_t j = 0; j < r.s; ++j) {
                const int64_t col = q * r.stride_w + j * r.dilation_w - r.pad_left;
                if (col < 0 || col >= r.w) continue;
                const T candidate = x[((n * r.h + row) * r.w + col) * r.c + c];
                if (best < 0 || candidate > value || (std::isnan(candidate) && !std::isnan(value))) value = candidate, best = row * r.w + col;
              }
            }
            y[out] = value;
            if (argmax != nullptr) argmax[out] = static_cast<int32_t>(best);
          }
  });
}

void backward(const MaxPool2d& r, const Buffers& b, const Exec& exec) {
  const auto* argmax = b.get<int32_t>(MaxPool2d::kIndex);
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* dy = b.get<T>(MaxPool2d::kDy);
    T* dx = b.get<T>(MaxPool2d::kDx);
    for (int64_t i = 0; i < r.n * r.h * r.w * r.c; ++i) dx[i] = 0;
    int64_t at = 0;
    for (int64_t n = 0; n < r.n; ++n)
      for (int64_t p = 0; p < r.p; ++p)
        for (int64_t q = 0; q < r.q; ++q)
          for (int64_t c = 0; c < r.c; ++c, ++at) {
            const int64_t row = argmax[at] / r.w - (p * r.stride_h - r.pad_top), col = argmax[at] % r.w - (q * r.stride_w - r.pad_left);
            const bool inside = argmax[at] >= 0 && argmax[at] < r.h * r.w && row >= 0 && row % r.dilation_h == 0 && row / r.dilation_h < r.r &&
                                col >= 0 && col % r.dilation_w == 0 && col / r.dilation_w < r.s;
            if (inside) dx[(n * r.h * r.w + argmax[at]) * r.c + c] += dy[at];
            else report_bad_value(exec, "an argmax lies outside its window", at, argmax[at]);
          }
  });
}

}  // namespace

const Kernel<MaxPool2d> max_pool2d_forward{forward};
const Kernel<MaxPool2d> max_pool2d_backward{backward};

}  // namespace ndl::cpu::ref
