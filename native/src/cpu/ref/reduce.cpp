// cpu/ref/reduce.cpp: sum, mean, max and argmax by the definition, sums in double. f32, f64.
#include "ops/reduce.hpp"

#include <cmath>

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

void sum(const Reduce& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* x = b.get<T>(Reduce::kX);
    T* y = b.get<T>(Reduce::kY);
    for (int64_t i = 0; i < r.outputs; ++i) {
      double total = 0;
      for (int64_t term = 0; term < r.terms; ++term) total += static_cast<double>(x[r.kept.offset(i) + r.reduced.offset(term)]);
      y[i] = static_cast<T>(r.mean ? total / static_cast<double>(r.terms) : total);
    }
  });
}

template <class T>
void largest(const Reduce& r, const T* x, T* y, int64_t* argmax) {
  for (int64_t i = 0; i < r.outputs; ++i) {
    T best = x[r.kept.offset(i)];
    int64_t index = 0;
    for (int64_t term = 1; term < r.terms; ++term) {
      const T value = x[r.kept.offset(i) + r.reduced.offset(term)];
      if (value > best || (std::isnan(value) && !std::isnan(best))) best = value, index = term;
    }
    if (y != nullptr) y[i] = best;
    if (argmax != nullptr) argmax[i] = index;
  }
}

void max(const Reduce& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) { largest(r, b.get<T>(Reduce::kX), b.get<T>(Reduce::kY), b.get<int64_t>(Reduce::kArgmax)); });
}

void argmax(const Reduce& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) { largest<T>(r, b.get<T>(Reduce::kX), nullptr, b.get<int64_t>(Reduce::kY)); });
}

void backward(const Reduce& r, const Buffers& b, const Exec& exec) {
  const auto* index = b.get<int64_t>(Reduce::kIndex);
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* dy = b.get<T>(Reduce::kDy);
    T* dx = b.get<T>(Reduce::kDx);
    for (int64_t i = 0; i < r.outputs * r.terms; ++i) dx[i] = 0;
    for (int64_t i = 0; i < r.outputs; ++i) {
      if (index[i] >= 0 && index[i] < r.terms) dx[r.kept.offset(i) + r.reduced.offset(index[i])] = dy[i];
      else report_bad_value(exec, "an argmax is out of range", i, index[i]);
    }
  });
}

}  // namespace

const Kernel<Reduce> sum_forward{sum};
const Kernel<Reduce> max_forward{max};
const Kernel<Reduce> argmax_forward{argmax};
const Kernel<Reduce> max_backward{backward};

}  // namespace ndl::cpu::ref
