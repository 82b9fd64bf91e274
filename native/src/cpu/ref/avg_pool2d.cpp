// cpu/ref/avg_pool2d.cpp: average pooling by the definition, sums in double. f32, f64.
#include "ops/avg_pool2d.hpp"

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

void forward(const AvgPool2d& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* x = b.get<T>(AvgPool2d::kX);
    T* y = b.get<T>(AvgPool2d::kY);
    int64_t out = 0;
    for (int64_t n = 0; n < r.n; ++n)
      for (int64_t p = 0; p < r.p; ++p)
        for (int64_t q = 0; q < r.q; ++q) {
          const AvgPool2d::Window window = r.window(p, q);
          for (int64_t c = 0; c < r.c; ++c) {
            double sum = 0;
            for (int64_t h = window.top; h < window.bottom; ++h)
              for (int64_t w = window.left; w < window.right; ++w) sum += static_cast<double>(x[((n * r.h + h) * r.w + w) * r.c + c]);
            y[out++] = static_cast<T>(sum / window.divisor);
          }
        }
  });
}

void backward(const AvgPool2d& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* dy = b.get<T>(AvgPool2d::kDy);
    T* dx = b.get<T>(AvgPool2d::kDx);
    int64_t out = 0;
    for (int64_t n = 0; n < r.n; ++n)
      for (int64_t h = 0; h < r.h; ++h)
        for (int64_t w = 0; w < r.w; ++w)
          for (int64_t c = 0; c < r.c; ++c) {
            double sum = 0;
            for (int64_t p = 0; p < r.p; ++p) {
              if (h < r.window(p, 0).top || h >= r.window(p, 0).bottom) continue;
              for (int64_t q = 0; q < r.q; ++q) {
                const AvgPool2d::Window window = r.window(p, q);
                if (w >= window.left && w < window.right)
                  sum += static_cast<double>(dy[((n * r.p + p) * r.q + q) * r.c + c]) / window.divisor;
              }
            }
            dx[out++] = static_cast<T>(sum);
          }
  });
}

}  // namespace

const Kernel<AvgPool2d> avg_pool2d_forward{forward};
const Kernel<AvgPool2d> avg_pool2d_backward{backward};

}  // namespace ndl::cpu::ref
