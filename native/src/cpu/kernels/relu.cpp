// cpu/kernels/relu.cpp: relu in one pass over memory.
//   y[i] = x[i] < 0 ? 0 : x[i]        dx[i] = y[i] > 0 ? dy[i] : 0        all dense, [count]
// Refuses: f64. Bound: memory bandwidth.
#include "cpu/simd.hpp"
#include "ops/relu.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int64_t kGrain = 16384;  // elements: 64 KB, some microseconds of work, well above a fork

void forward(const Relu& r, const Buffers& b, const Exec& exec) {
  const float* x = b.get<float>(Relu::kX);
  float* y = b.get<float>(Relu::kY);
  const bool streamed = exec.beyond_cache(r);
  exec.parallel_for(r.count, stream_grain(streamed, kGrain), [=](int64_t begin, int64_t end, int32_t) {
    write_vectors(y, begin, end, streamed, [=](int64_t i, int n) NDL_LAMBDA_INLINE {
      const F32 v = load_some(x + i, n);
      return select(v < 0.0f, F32{}, v);
    });
  });
}

void backward(const Relu& r, const Buffers& b, const Exec& exec) {
  const float* y = b.get<float>(Relu::kOutput);
  const float* dy = b.get<float>(Relu::kDy);
  float* dx = b.get<float>(Relu::kDx);
  const bool streamed = exec.beyond_cache(r);
  exec.parallel_for(r.count, stream_grain(streamed, kGrain), [=](int64_t begin, int64_t end, int32_t) {
    write_vectors(dx, begin, end, streamed, [=](int64_t i, int n) NDL_LAMBDA_INLINE {
      return select(load_some(y + i, n) > 0.0f, load_some(dy + i, n), F32{});
    });
  });
}

}  // namespace

const Kernel<Relu> relu_forward_vector{forward};
const Kernel<Relu> relu_backward_vector{backward};

}  // namespace ndl::cpu::NDL_ISA
