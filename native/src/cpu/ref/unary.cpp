// cpu/ref/unary.cpp: the functions of one element by the C library, in double. f32, f64.
#include "ops/unary.hpp"

#include <cmath>

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

// y(x), and dx from what the backward pass is given: x or y, see ops/unary.hpp.
struct Abs {
  static double forward(double x) { return std::abs(x); }
  static double backward(double x, double dy) { return x > 0 ? dy : x < 0 ? -dy : 0; }
};
struct Exp {
  static double forward(double x) { return std::exp(x); }
  static double backward(double y, double dy) { return dy * y; }
};
struct Log {
  static double forward(double x) { return std::log(x); }
  static double backward(double x, double dy) { return dy / x; }
};
struct Sigmoid {
  static double forward(double x) {
    const double e = std::exp(-std::abs(x));
    return (x < 0 ? e : 1) / (1 + e);
  }
  static double backward(double y, double dy) { return dy * y * (1 - y); }
};
struct Sqrt {
  static double forward(double x) { return std::sqrt(x); }
  static double backward(double y, double dy) { return dy * 0.5 / y; }
};
struct Square {
  static double forward(double x) { return x * x; }
  static double backward(double x, double dy) { return 2 * x * dy; }
};
struct Tanh {
  static double forward(double x) { return std::tanh(x); }
  static double backward(double y, double dy) { return dy * (1 - y * y); }
};

template <class Op>
void forward(const Unary& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* x = b.get<T>(Unary::kX);
    T* y = b.get<T>(Unary::kY);
    for (int64_t i = 0; i < r.count; ++i) y[i] = static_cast<T>(Op::forward(static_cast<double>(x[i])));
  });
}

template <class Op>
void backward(const Unary& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* saved = b.get<T>(Unary::kSaved);
    const T* dy = b.get<T>(Unary::kDy);
    T* dx = b.get<T>(Unary::kDx);
    for (int64_t i = 0; i < r.count; ++i) dx[i] = static_cast<T>(Op::backward(static_cast<double>(saved[i]), static_cast<double>(dy[i])));
  });
}

}  // namespace

const Kernel<Unary> abs_forward{forward<Abs>}, abs_backward{backward<Abs>};
const Kernel<Unary> exp_forward{forward<Exp>}, exp_backward{backward<Exp>};
const Kernel<Unary> log_forward{forward<Log>}, log_backward{backward<Log>};
const Kernel<Unary> sigmoid_forward{forward<Sigmoid>}, sigmoid_backward{backward<Sigmoid>};
const Kernel<Unary> sqrt_forward{forward<Sqrt>}, sqrt_backward{backward<Sqrt>};
const Kernel<Unary> square_forward{forward<Square>}, square_backward{backward<Square>};
const Kernel<Unary> tanh_forward{forward<Tanh>}, tanh_backward{backward<Tanh>};

}  // namespace ndl::cpu::ref
