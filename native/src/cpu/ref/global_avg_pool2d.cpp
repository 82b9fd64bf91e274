// cpu/ref/global_avg_pool2d.cpp: the mean of each image and channel by the definition, sums in double. f32, f64.
#include "ops/global_avg_pool2d.hpp"

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

void forward(const GlobalAvgPool2d& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* x = b.get<T>(GlobalAvgPool2d::kX);
    T* y = b.get<T>(GlobalAvgPool2d::kY);
    for (int64_t n = 0; n < r.n; ++n)
      for (int64_t c = 0; c < r.c; ++c) {
        double sum = 0;
        for (int64_t i = 0; i < r.pixels; ++i) sum += static_cast<double>(x[(n * r.pixels + i) * r.c + c]);
        y[n * r.c + c] = static_cast<T>(sum / static_cast<double>(r.pixels));
      }
  });
}

void backward(const GlobalAvgPool2d& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* dy = b.get<T>(GlobalAvgPool2d::kDy);
    T* dx = b.get<T>(GlobalAvgPool2d::kDx);
    for (int64_t n = 0; n < r.n; ++n)
      for (int64_t i = 0; i < r.pixels; ++i)
        for (int64_t c = 0; c < r.c; ++c)
          dx[(n * r.pixels + i) * r.c + c] = static_cast<T>(static_cast<double>(dy[n * r.c + c]) / static_cast<double>(r.pixels));
  });
}

}  // namespace

const Kernel<GlobalAvgPool2d> global_avg_pool2d_forward{forward};
const Kernel<GlobalAvgPool2d> global_avg_pool2d_backward{backward};

}  // namespace ndl::cpu::ref
