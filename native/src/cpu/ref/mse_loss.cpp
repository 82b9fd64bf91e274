// cpu/ref/mse_loss.cpp: the squared error by the definition. f32, f64.
#include "ops/mse_loss.hpp"

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

template <class T>
double difference(const Buffers& b, int64_t i) {
  return static_cast<double>(b.get<T>(MseLoss::kX)[i]) - static_cast<double>(b.get<T>(MseLoss::kTarget)[i]);
}

void forward(const MseLoss& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    T* loss = b.get<T>(MseLoss::kLoss);
    double sum = 0;
    for (int64_t i = 0; i < r.count; ++i) {
      const double d = difference<T>(b, i);
      sum += d * d;
      if (r.reduction == NDL_REDUCTION_NONE) loss[i] = static_cast<T>(d * d);
    }
    if (r.reduction != NDL_REDUCTION_NONE)
      *loss = static_cast<T>(r.reduction == NDL_REDUCTION_MEAN ? sum / static_cast<double>(r.count) : sum);
  });
}

void backward(const MseLoss& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* dloss = b.get<T>(MseLoss::kDloss);
    T* dx = b.get<T>(MseLoss::kDx);
    for (int64_t i = 0; i < r.count; ++i) {
      double g = static_cast<double>(dloss[r.reduction == NDL_REDUCTION_NONE ? i : 0]);
      if (r.reduction == NDL_REDUCTION_MEAN) g /= static_cast<double>(r.count);
      dx[i] = static_cast<T>(2 * g * difference<T>(b, i));
    }
  });
}

}  // namespace

const Kernel<MseLoss> mse_loss_forward{forward};
const Kernel<MseLoss> mse_loss_backward{backward};

}  // namespace ndl::cpu::ref
