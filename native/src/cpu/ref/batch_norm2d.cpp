// cpu/ref/batch_norm2d.cpp: batch normalisation by the definition, sums in double. f32, f64.
#include <cmath>

#include "cpu/ref/dispatch.hpp"
#include "ops/batch_norm2d.hpp"

namespace ndl::cpu::ref {
namespace {

template <class T>
double value_or(const T* values, int64_t c, double absent) { return values == nullptr ? absent : static_cast<double>(values[c]); }

// One channel's y before the activation. Mean and inverse_std are those that the forward gives out, so that the
// backward, which forms y anew, sees the same signs.
struct Normalised {
  double mean, inverse_std, gamma, beta;
  double operator()(double x) const { return (x - mean) * inverse_std * gamma + beta; }
};
template <class T>
Normalised normalised_by(double mean, double inverse_std, const T* gamma, const T* beta, int64_t c) {
  return {mean, inverse_std, value_or(gamma, c, 1), value_or(beta, c, 0)};
}

template <class T>
void apply(const BatchNorm2d& r, int64_t c, const T* x, const Normalised& normalised, T* y) {
  for (int64_t i = c; i < r.m * r.c; i += r.c) {
    const double v = normalised(static_cast<double>(x[i]));
    y[i] = static_cast<T>(r.activation == NDL_ACTIVATION_RELU && v < 0 ? 0.0 : v);
  }
}

void forward(const BatchNorm2d& r, const Buffers& b, const Exec&) {
  auto* num_batches = b.get<int64_t>(BatchNorm2d::kNumBatches);
  *num_batches += 1;
  const double f = r.cumulative ? 1.0 / static_cast<double>(*num_batches) : r.momentum;
  const auto m = static_cast<double>(r.m);
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* x = b.get<T>(BatchNorm2d::kX);
    T* running_mean = b.get<T>(BatchNorm2d::kRunningMean);
    T* running_var = b.get<T>(BatchNorm2d::kRunningVar);
    for (int64_t c = 0; c < r.c; ++c) {
      double mean = 0, var = 0;
      for (int64_t i = c; i < r.m * r.c; i += r.c) mean += static_cast<double>(x[i]) / m;
      for (int64_t i = c; i < r.m * r.c; i += r.c) var += (static_cast<double>(x[i]) - mean) * (static_cast<double>(x[i]) - mean) / m;
      const T saved_mean = b.get<T>(BatchNorm2d::kMean)[c] = static_cast<T>(mean);
      const T inverse_std = b.get<T>(BatchNorm2d::kInverseStd)[c] = static_cast<T>(1 / std::sqrt(var + r.eps));
      running_mean[c] = static_cast<T>((1 - f) * static_cast<double>(running_mean[c]) + f * mean);
      running_var[c] = static_cast<T>((1 - f) * static_cast<double>(running_var[c]) + f * var * m / (m - 1));
      apply(r, c, x, normalised_by(static_cast<double>(saved_mean), static_cast<double>(inverse_std), b.get<T>(BatchNorm2d::kGamma),
                                   b.get<T>(BatchNorm2d::kBeta), c), b.get<T>(BatchNorm2d::kY));
    }
  });
}

void inference_forward(const BatchNorm2d& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    for (int64_t c = 0; c < r.c; ++c) {
      const double inverse_std = 1 / std::sqrt(static_cast<double>(b.get<T>(BatchNorm2d::kRunningVar)[c]) + r.eps);
      apply(r, c, b.get<T>(BatchNorm2d::kX), normalised_by(static_cast<double>(b.get<T>(BatchNorm2d::kRunningMean)[c]), inverse_std,
                                                           b.get<T>(BatchNorm2d::kGamma), b.get<T>(BatchNorm2d::kBeta), c),
            b.get<T>(BatchNorm2d::kInferenceY));
    }
  });
}

template <bool kTraining>
void backward(const BatchNorm2d& r, const Buffers& b, const Exec&) {
  const auto m = static_cast<double>(r.m);
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* x = b.get<T>(BatchNorm2d::kImage);
    const T* dy = b.get<T>(BatchNorm2d::kDy);
    T* dx = b.get<T>(BatchNorm2d::kDx);
    T* dgamma = b.get<T>(BatchNorm2d::kDgamma);
    T* dbeta = b.get<T>(BatchNorm2d::kDbeta);
    for (int64_t c = 0; c < r.c; ++c) {
      const auto mean = static_cast<double>(b.get<T>(BatchNorm2d::kSavedMean)[c]);
      const auto spread = static_cast<double>(b.get<T>(BatchNorm2d::kSavedInverseStd)[c]);
      const double inverse_std = kTraining ? spread : 1 / std::sqrt(spread + r.eps);
      const Normalised normalised = normalised_by(mean, inverse_std, b.get<T>(BatchNorm2d::kScale), b.get<T>(BatchNorm2d::kShift), c);
      const auto gradient = [&](int64_t i) {  // through the activation
        return r.activation == NDL_ACTIVATION_RELU && !(normalised(static_cast<double>(x[i])) > 0) ? 0.0 : static_cast<double>(dy[i]);
      };
      double sum = 0, product = 0;
      for (int64_t i = c; i < r.m * r.c; i += r.c) {
        sum += gradient(i);
        product += gradient(i) * (static_cast<double>(x[i]) - mean) * inverse_std;
      }
      const double scale = normalised.gamma * inverse_std;
      if (dx != nullptr)
        for (int64_t i = c; i < r.m * r.c; i += r.c) {
          const double xhat = (static_cast<double>(x[i]) - mean) * inverse_std;
          dx[i] = static_cast<T>(scale * (gradient(i) - (kTraining ? sum / m + xhat * product / m : 0.0)));
        }
      if (dgamma != nullptr) dgamma[c] = static_cast<T>(product);
      if (dbeta != nullptr) dbeta[c] = static_cast<T>(sum);
    }
  });
}

}  // namespace

const Kernel<BatchNorm2d> batch_norm2d_forward{forward};
const Kernel<BatchNorm2d> batch_norm2d_backward{backward<true>};
const Kernel<BatchNorm2d> batch_norm2d_inference_forward{inference_forward};
const Kernel<BatchNorm2d> batch_norm2d_inference_backward{backward<false>};

}  // namespace ndl::cpu::ref
