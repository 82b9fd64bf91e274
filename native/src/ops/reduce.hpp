// ops/reduce.hpp: the record of the reductions (sum, mean, max, argmax) and their kernels. Contract: nativedl/reduce.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

// Dimensions of size 1 are dropped, and neighbours that are both reduced or both kept are merged.
//   an output is a row-major index over the kept dimensions, a term one over the reduced dimensions
struct Reduce : Record {
  struct Walk {
    int32_t rank;  // at least 1
    int64_t dims[NDL_MAX_RANK], strides[NDL_MAX_RANK];

    NDL_INLINE int64_t offset(int64_t index) const {
      int64_t sum = 0;
      for (int i = rank - 1; i > 0; --i) {
        sum += index % dims[i] * strides[i];
        index /= dims[i];
      }
      return sum + index * strides[0];
    }
  };
  Walk kept, reduced;
  int64_t outputs, terms;  // elements of y, and elements of x in each
  int64_t columns;         // neighbours in y that are neighbours in x: the innermost kept dimension, or 1 where it is reduced
  bool mean;
  ndl_dtype dtype;

  enum Sum { kX, kAxes, kY, kArgmax };  // kArgmax: max alone
  enum MaxBackward { kDy, kIndex, kXDims, kBackwardAxes, kDx };
};

// Calls body(term, offset, n) for runs of terms, which lie a stride of the innermost reduced dimension apart.
template <class Body>
NDL_INLINE void for_runs(const Reduce& r, int64_t begin, int64_t end, const Body& body) {
  const int last = r.reduced.rank - 1;
  const int64_t inner = r.reduced.dims[last];
  while (begin < end) {
    const int64_t left = inner - begin % inner, n = left < end - begin ? left : end - begin;
    body(begin, r.reduced.offset(begin), n);
    begin += n;
  }
}

namespace cpu::ref { extern const Kernel<Reduce> sum_forward, max_forward, argmax_forward, max_backward; }
NDL_DECLARE_SIMD(Kernel<Reduce>, sum_forward_vector)
NDL_DECLARE_SIMD(Kernel<Reduce>, max_forward_vector)
NDL_DECLARE_SIMD(Kernel<Reduce>, argmax_forward_vector)
NDL_DECLARE_SIMD(Kernel<Reduce>, max_backward_vector)

}  // namespace ndl
