// cpu/ref/linear.cpp: linear by the definition, sums in double. f32, bf16, f64.
#include "ops/linear.hpp"

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

void forward(const Linear& r, const Buffers& b, const Exec&) {
  by_factor(r.dtype, [&]<class T>(T) {
    const T* x = b.get<T>(Linear::kX);
    const T* weight = b.get<T>(Linear::kWeight);
    const T* bias = b.get<T>(Linear::kBias);
    const T* residual = b.get<T>(Linear::kResidual);
    T* y = b.get<T>(Linear::kY);
    for (int64_t row = 0; row < r.rows; ++row)
      for (int64_t n = 0; n < r.n; ++n) {
        double sum = bias == nullptr ? 0.0 : static_cast<double>(bias[n]);
        for (int64_t k = 0; k < r.k; ++k) sum += static_cast<double>(x[row * r.k + k]) * static_cast<double>(weight[n * r.k + k]);
        if (residual != nullptr) sum += static_cast<double>(residual[row * r.n + n]);
        y[row * r.n + n] = static_cast<T>(r.activation == NDL_ACTIVATION_RELU && sum < 0 ? 0.0 : sum);
      }
  });
}

void backward_input(const Linear& r, const Buffers& b, const Exec&) {
  by_factor(r.dtype, [&]<class T>(T) {
    const T* dy = b.get<T>(Linear::kDy);
    const T* weight = b.get<T>(Linear::kFilter);
    T* dx = b.get<T>(Linear::kDx);
    for (int64_t row = 0; row < r.rows; ++row)
      for (int64_t k = 0; k < r.k; ++k) {
        double sum = 0;
        for (int64_t n = 0; n < r.n; ++n) sum += static_cast<double>(dy[row * r.n + n]) * static_cast<double>(weight[n * r.k + k]);
        dx[row * r.k + k] = static_cast<T>(sum);
      }
  });
}

void backward_weight(const Linear& r, const Buffers& b, const Exec&) {
  by_factor(r.dtype, [&]<class T>(T) {
    const T* x = b.get<T>(Linear::kInput);
    const T* dy = b.get<T>(Linear::kGradient);
    T* dw = b.get<T>(Linear::kDw);
    for (int64_t n = 0; n < r.n; ++n)
      for (int64_t k = 0; k < r.k; ++k) {
        double sum = 0;
        for (int64_t row = 0; row < r.rows; ++row) sum += static_cast<double>(dy[row * r.n + n]) * static_cast<double>(x[row * r.k + k]);
        dw[n * r.k + k] = static_cast<T>(sum);
      }
  });
}

}  // namespace

const Kernel<Linear> linear_forward{forward};
const Kernel<Linear> linear_backward_input{backward_input};
const Kernel<Linear> linear_backward_weight{backward_weight};

}  // namespace ndl::cpu::ref
