// cpu/ref/relu.cpp: relu by the definition. f32, f64.
#include "ops/relu.hpp"

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

void forward(const Relu& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* x = b.get<T>(Relu::kX);
    T* y = b.get<T>(Relu::kY);
    for (int64_t i = 0; i < r.count; ++i) y[i] = x[i] < 0 ? T{0} : x[i];  // a NaN is not < 0: it stays
  });
}

void backward(const Relu& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* y = b.get<T>(Relu::kOutput);
    const T* dy = b.get<T>(Relu::kDy);
    T* dx = b.get<T>(Relu::kDx);
    for (int64_t i = 0; i < r.count; ++i) dx[i] = y[i] > 0 ? dy[i] : T{0};
  });
}

}  // namespace

const Kernel<Relu> relu_forward{forward};
const Kernel<Relu> relu_backward{backward};

}  // namespace ndl::cpu::ref
