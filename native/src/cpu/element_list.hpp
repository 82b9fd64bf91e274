// cpu/element_list.hpp: the elements of a list of tensors, numbered through, so that equal tasks can be cut from them
// wherever tensors begin. Each item's numbers begin at a multiple of kItemAlign: no two tasks whose length is one write
// to the same cache line of a tensor that the allocator made.
#pragma once

#include "core/kernel.hpp"

namespace ndl::cpu::NDL_ISA {

inline constexpr int64_t kItemAlign = 64;

// Writes the number of each item's first element to first[0..items); gives the number past the last.
NDL_INLINE int64_t number_elements(const Buffers& b, int operand, int64_t* first) {
  int64_t total = 0;
  for (int item = 0; item < b.size(operand); ++item) {
    first[item] = total;
    total += (b.count(operand, item) + kItemAlign - 1) / kItemAlign * kItemAlign;
  }
  return total;
}

// Calls body(item, from, to) for the elements of each item whose numbers are in [begin, end).
template <class Body>
NDL_INLINE void for_items(const Buffers& b, int operand, const int64_t* first, int64_t begin, int64_t end, const Body& body) {
  const int items = b.size(operand);
  int low = 0, high = items;  // the last item that begins at or before `begin`
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (first[middle] <= begin) low = middle;
    else high = middle;
  }
  for (int item = low; item < items && first[item] < end; ++item) {
    const int64_t count = b.count(operand, item), from = begin > first[item] ? begin - first[item] : 0, to = end - first[item];
    if (from < count) body(item, from, to < count ? to : count);
  }
}

}  // namespace ndl::cpu::NDL_ISA
