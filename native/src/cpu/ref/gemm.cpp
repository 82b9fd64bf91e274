// cpu/ref/gemm.cpp: matrix products by the definition, sums in double. f32, bf16, f64.
#include "ops/gemm.hpp"

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

template <class T, class Y>
void multiply(const Gemm& r, const Buffers& buffers) {
  const Y* c = r.beta == 0 ? nullptr : buffers.get<Y>(Gemm::kC);
  const Y* bias = buffers.get<Y>(Gemm::kBias);
  for (int64_t row = 0; row < r.batch * r.m; ++row) {
    const int64_t product = row / r.m, i = row % r.m;
    const T* a = buffers.get<T>(Gemm::kA) + (r.one_a ? 0 : product * r.m * r.k);
    const T* b = buffers.get<T>(Gemm::kB) + (r.one_b ? 0 : product * r.k * r.n);
    for (int64_t j = 0; j < r.n; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < r.k; ++k)
        sum += static_cast<double>(r.transpose_a ? a[k * r.m + i] : a[i * r.k + k]) *
               static_cast<double>(r.transpose_b ? b[j * r.k + k] : b[k * r.n + j]);
      sum *= static_cast<double>(r.alpha);
      if (c != nullptr) sum += static_cast<double>(r.beta) * static_cast<double>(c[row * r.n + j]);
      if (bias != nullptr) sum += static_cast<double>(bias[j]);
      buffers.get<Y>(Gemm::kY)[row * r.n + j] = static_cast<Y>(r.activation == NDL_ACTIVATION_RELU && sum < 0 ? 0.0 : sum);
    }
  }
}

void forward(const Gemm& r, const Buffers& buffers, const Exec&) {
  by_factor(r.dtype, [&]<class T>(T) {
    by_factor(r.y_dtype, [&]<class Y>(Y) { multiply<T, Y>(r, buffers); });
  });
}

}  // namespace

const Kernel<Gemm> gemm_forward{forward};

}  // namespace ndl::cpu::ref
