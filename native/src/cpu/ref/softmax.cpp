// cpu/ref/softmax.cpp: softmax and log_softmax by the definition. f32, f64.
#include "ops/softmax.hpp"

#include <algorithm>
#include <cmath>

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

// Calls body(at) for each line along the axis; at(i) is the place of its element i.
template <class Body>
void for_lines(const Softmax& r, const Body& body) {
  for (int64_t outer = 0; outer < r.outer; ++outer)
    for (int64_t inner = 0; inner < r.inner; ++inner) body([&](int64_t i) { return (outer * r.terms + i) * r.inner + inner; });
}

template <bool kLog>
void forward(const Softmax& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* x = b.get<T>(Softmax::kX);
    T* y = b.get<T>(Softmax::kY);
    for_lines(r, [&](const auto& at) {
      double top = -INFINITY, sum = 0;
      for (int64_t i = 0; i < r.terms; ++i) top = std::max(top, static_cast<double>(x[at(i)]));
      for (int64_t i = 0; i < r.terms; ++i) sum += std::exp(static_cast<double>(x[at(i)]) - top);
      for (int64_t i = 0; i < r.terms; ++i) {
        const double v = static_cast<double>(x[at(i)]) - top;
        y[at(i)] = static_cast<T>(kLog ? v - std::log(sum) : std::exp(v) / sum);
      }
    });
  });
}

template <bool kLog>
void backward(const Softmax& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* y = b.get<T>(Softmax::kOutput);
    const T* dy = b.get<T>(Softmax::kDy);
    T* dx = b.get<T>(Softmax::kDx);
    for_lines(r, [&](const auto& at) {
      double sum = 0;
      for (int64_t i = 0; i < r.terms; ++i) sum += static_cast<double>(dy[at(i)]) * (kLog ? 1.0 : static_cast<double>(y[at(i)]));
      for (int64_t i = 0; i < r.terms; ++i) {
        const double p = static_cast<double>(y[at(i)]), g = static_cast<double>(dy[at(i)]);
        dx[at(i)] = static_cast<T>(kLog ? g - std::exp(p) * sum : p * (g - sum));
      }
    });
  });
}

}  // namespace

const Kernel<Softmax> softmax_forward{forward<false>};
const Kernel<Softmax> softmax_backward{backward<false>};
const Kernel<Softmax> log_softmax_forward{forward<true>};
const Kernel<Softmax> log_softmax_backward{backward<true>};

}  // namespace ndl::cpu::ref
