// cpu/kernels/unary.cpp: the functions of one element in one pass over memory.
//   y[i] = f(x[i])        dx[i] = dy[i] * f'(x[i]), from the saved x or y (ops/unary.hpp)        all dense, [count]
// Errors, found as in cpu/simd_math.hpp: exp 1.1 ulp, log 0.9, sigmoid 2.4, tanh 1.4, the others rounded once.
// Refuses: f64. Bound: memory bandwidth; arithmetic where the data lie in a cache and f has an exponential.
#include "cpu/simd_math.hpp"
#include "ops/unary.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int64_t kGrain = 16384;

struct Abs {
  static NDL_INLINE F32 forward(F32 x) { return absolute(x); }
  static NDL_INLINE F32 backward(F32 x, F32 dy) { return select(x > 0.0f, dy, select(x < 0.0f, -dy, F32{})); }
};
struct Exp {
  static NDL_INLINE F32 forward(F32 x) { return exponential(x); }
  static NDL_INLINE F32 backward(F32 y, F32 dy) { return dy * y; }
};
struct Log {
  static NDL_INLINE F32 forward(F32 x) { return logarithm(x); }
  static NDL_INLINE F32 backward(F32 x, F32 dy) { return dy / x; }
};
struct Sigmoid {
  // By e^-|x|, which does not overflow; below 0 the quotient has no subtraction that would lose digits.
  static NDL_INLINE F32 forward(F32 x) {
    const F32 e = exponential(-absolute(x));
    return select(x < 0.0f, e, F32{} + 1.0f) / (e + 1.0f);
  }
  static NDL_INLINE F32 backward(F32 y, F32 dy) { return dy * y * (1.0f - y); }
};
struct Sqrt {
  static NDL_INLINE F32 forward(F32 x) { return square_root(x); }
  static NDL_INLINE F32 backward(F32 y, F32 dy) { return dy * 0.5f / y; }
};
struct Square {
  static NDL_INLINE F32 forward(F32 x) { return x * x; }
  static NDL_INLINE F32 backward(F32 x, F32 dy) { return 2.0f * x * dy; }
};
struct Tanh {
  // Near 0 an odd polynomial (Cephes), where 1 - 2 / (e^2a + 1) would lose digits.
  static NDL_INLINE F32 forward(F32 x) {
    const F32 a = absolute(x), z = x * x;
    const F32 p = (((z * -5.70498872745e-3f + 2.06390887954e-2f) * z - 5.37397155531e-2f) * z + 1.33314422036e-1f) * z - 3.33332819422e-1f;
    const F32 large = with_sign_of(1.0f - 2.0f / (exponential(a + a) + 1.0f), x);
    return select(a < 0.625f, p * z * x + x, large);
  }
  static NDL_INLINE F32 backward(F32 y, F32 dy) { return dy * (1.0f - y * y); }
};

template <class Op>
void forward(const Unary& r, const Buffers& b, const Exec& exec) {
  const float* x = b.get<float>(Unary::kX);
  float* y = b.get<float>(Unary::kY);
  exec.parallel_for(r.count, kGrain, [=](int64_t begin, int64_t end, int32_t) {
    for_vectors(begin, end, [=](int64_t i, int n) NDL_LAMBDA_INLINE { store_some(y + i, Op::forward(load_some(x + i, n)), n); });
  });
}

template <class Op>
void backward(const Unary& r, const Buffers& b, const Exec& exec) {
  const float* saved = b.get<float>(Unary::kSaved);
  const float* dy = b.get<float>(Unary::kDy);
  float* dx = b.get<float>(Unary::kDx);
  exec.parallel_for(r.count, kGrain, [=](int64_t begin, int64_t end, int32_t) {
    for_vectors(begin, end, [=](int64_t i, int n) NDL_LAMBDA_INLINE {
      store_some(dx + i, Op::backward(load_some(saved + i, n), load_some(dy + i, n)), n);
    });
  });
}

}  // namespace

const Kernel<Unary> abs_forward_vector{forward<Abs>}, abs_backward_vector{backward<Abs>};
const Kernel<Unary> exp_forward_vector{forward<Exp>}, exp_backward_vector{backward<Exp>};
const Kernel<Unary> log_forward_vector{forward<Log>}, log_backward_vector{backward<Log>};
const Kernel<Unary> sigmoid_forward_vector{forward<Sigmoid>}, sigmoid_backward_vector{backward<Sigmoid>};
const Kernel<Unary> sqrt_forward_vector{forward<Sqrt>}, sqrt_backward_vector{backward<Sqrt>};
const Kernel<Unary> square_forward_vector{forward<Square>}, square_backward_vector{backward<Square>};
const Kernel<Unary> tanh_forward_vector{forward<Tanh>}, tanh_backward_vector{backward<Tanh>};

}  // namespace ndl::cpu::NDL_ISA
