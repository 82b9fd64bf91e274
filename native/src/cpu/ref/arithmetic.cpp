// cpu/ref/arithmetic.cpp: add, subtract, multiply, divide element by element. f32, f64; i64 and i32 wrap around.
#include "ops/arithmetic.hpp"

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

template <class Op, class T>
void run(const Arithmetic& r, const Buffers& b) {
  const T* left = b.get<T>(Arithmetic::kA);
  const T* right = b.get<T>(Arithmetic::kB);
  T* y = b.get<T>(Arithmetic::kY);
  for (int64_t i = 0; i < r.space.count; ++i) {
    int64_t rest = i, at_a = 0, at_b = 0;
    for (int axis = r.space.rank - 1; axis >= 0; --axis) {
      const int64_t coordinate = rest % r.space.dims[axis];
      rest /= r.space.dims[axis];
      at_a += coordinate * r.space.a[axis];
      at_b += coordinate * r.space.b[axis];
    }
    y[i] = Op::apply(left[at_a], right[at_b]);
  }
}

template <class Op>
void forward(const Arithmetic& r, const Buffers& b, const Exec&) {
  // Unsigned sums and products have the bits of the signed ones, and may overflow.
  if (r.dtype == NDL_DTYPE_I64) return run<Op, uint64_t>(r, b);
  if (r.dtype == NDL_DTYPE_I32) return run<Op, uint32_t>(r, b);
  by_dtype(r.dtype, [&]<class T>(T) { run<Op, T>(r, b); });
}

}  // namespace

const Kernel<Arithmetic> add_forward{forward<Add>};
const Kernel<Arithmetic> subtract_forward{forward<Subtract>};
const Kernel<Arithmetic> multiply_forward{forward<Multiply>};
const Kernel<Arithmetic> divide_forward{forward<Divide>};

}  // namespace ndl::cpu::ref
