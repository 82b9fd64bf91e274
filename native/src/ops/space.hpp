// ops/space.hpp: the iteration space of an op on two operands that broadcast against each other, as in NumPy.
//
// Dimensions of size 1 are dropped and neighbours that both operands walk in one go are merged, so that operands of one
// shape, a single element, or a vector of the last dimension leave one or two dimensions.
#pragma once

#include "core/kernel.hpp"

namespace ndl {

struct Space {
  int64_t count;  // elements of the output, which is dense
  int32_t rank;   // at least 1
  int64_t dims[NDL_MAX_RANK];
  int64_t a[NDL_MAX_RANK], b[NDL_MAX_RANK];  // strides in elements; 0: the operand is repeated
};

// Calls body(i, a, b, n): elements [i, i + n) of the output lie on one line of the last dimension and need those from
// a and from b on, a stride of the last dimension apart.
template <class Body>
NDL_INLINE void for_lines(const Space& s, int64_t begin, int64_t end, const Body& body) {
  const int last = s.rank - 1;
  const int64_t line = s.dims[last], lines = last > 0 ? s.dims[last - 1] : 1;
  const int64_t a_step = last > 0 ? s.a[last - 1] : 0, b_step = last > 0 ? s.b[last - 1] : 0;
  while (begin < end) {
    int64_t outer = begin / (line * lines), row = begin / line % lines, column = begin % line;
    int64_t a = 0, b = 0;
    for (int i = last - 2; i >= 0; --i) {
      a += outer % s.dims[i] * s.a[i];
      b += outer % s.dims[i] * s.b[i];
      outer /= s.dims[i];
    }
    for (; row < lines && begin < end; ++row, column = 0) {
      const int64_t n = line - column < end - begin ? line - column : end - begin;
      body(begin, a + row * a_step + column * s.a[last], b + row * b_step + column * s.b[last], n);
      begin += n;
    }
  }
}

}  // namespace ndl
