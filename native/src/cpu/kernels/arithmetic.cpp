// cpu/kernels/arithmetic.cpp: add, subtract, multiply, divide in one pass over memory.
//   y[i] = a op b, operands repeated along the dimensions where their stride is 0 (ops/space.hpp)
// Mapping: a task is a range of elements of y; it goes line by line of the last dimension, along which an operand is
// either dense or one repeated element. Refuses: f64, integers. Bound: memory bandwidth.
#include "cpu/simd.hpp"
#include "ops/arithmetic.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int64_t kGrain = 16384;  // elements: 64 KB, some microseconds of work, well above a fork

// Elements of one line: dense, or the first one for all.
template <bool kDense>
NDL_INLINE F32 line_load(const float* line, int64_t i, int n) {
  if constexpr (kDense) return load_some(line + i, n);
  else return broadcast(*line);
}

template <class Op, bool kDenseA, bool kDenseB>
void lines(const Space& s, const float* a, const float* b, float* y, bool streamed, const Exec& exec) {
  exec.parallel_for(s.count, stream_grain(streamed, kGrain), [=, &s](int64_t begin, int64_t end, int32_t) {
    for_lines(s, begin, end, [=](int64_t out, int64_t at_a, int64_t at_b, int64_t count) NDL_LAMBDA_INLINE {
      write_vectors(y + out, 0, count, streamed, [=](int64_t i, int n) NDL_LAMBDA_INLINE {
        return Op::apply(line_load<kDenseA>(a + at_a, i, n), line_load<kDenseB>(b + at_b, i, n));
      });
    });
  });
}

template <class Op>
void forward(const Arithmetic& r, const Buffers& buffers, const Exec& exec) {
  const float* a = buffers.get<float>(Arithmetic::kA);
  const float* b = buffers.get<float>(Arithmetic::kB);
  float* y = buffers.get<float>(Arithmetic::kY);
  const bool streamed = exec.beyond_cache(r) && r.space.dims[r.space.rank - 1] >= kGrain;  // short lines would pay for a fence each
  // Of a dimension over 1, at most one operand is repeated.
  if (r.space.a[r.space.rank - 1] == 0) lines<Op, false, true>(r.space, a, b, y, streamed, exec);
  else if (r.space.b[r.space.rank - 1] == 0) lines<Op, true, false>(r.space, a, b, y, streamed, exec);
  else lines<Op, true, true>(r.space, a, b, y, streamed, exec);
}

}  // namespace

const Kernel<Arithmetic> add_forward_vector{forward<Add>};
const Kernel<Arithmetic> subtract_forward_vector{forward<Subtract>};
const Kernel<Arithmetic> multiply_forward_vector{forward<Multiply>};
const Kernel<Arithmetic> divide_forward_vector{forward<Divide>};

}  // namespace ndl::cpu::NDL_ISA
