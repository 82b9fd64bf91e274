// cpu/kernels/copy.cpp: copy, and copy with repeated dimensions.
//   y[i] = x[the element under i]; elements of 1, 2, 4 or 8 bytes, whatever they mean
// Mapping: a task is a range of y, line by line of the last dimension (ops/space.hpp); a line is copied, or filled with
// one element. Refuses nothing. Bound: memory bandwidth.
#include "cpu/simd.hpp"
#include "ops/copy.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int64_t kGrainBytes = 65536;

template <class T>
void lines(const Space& s, const T* x, T* y, const Exec& exec) {
  const bool dense = s.a[s.rank - 1] != 0;
  exec.parallel_for(s.count, kGrainBytes / static_cast<int64_t>(sizeof(T)), [&](int64_t begin, int64_t end, int32_t) {
    for_lines(s, begin, end, [&](int64_t out, int64_t at, int64_t, int64_t n) NDL_LAMBDA_INLINE {
      T* to = y + out;
      const T* from = x + at;
      if (dense) {
        __builtin_memcpy(to, from, static_cast<unsigned long>(n) * sizeof(T));
      } else {
        const T value = *from;
        for (int64_t i = 0; i < n; ++i) to[i] = value;
      }
    });
  });
}

void run(const Copy& r, const void* x, void* y, const Exec& exec) {
  if (x == y) return;
  switch (r.element_bytes) {
    case 1: return lines(r.space, static_cast<const uint8_t*>(x), static_cast<uint8_t*>(y), exec);
    case 2: return lines(r.space, static_cast<const uint16_t*>(x), static_cast<uint16_t*>(y), exec);
    case 4: return lines(r.space, static_cast<const uint32_t*>(x), static_cast<uint32_t*>(y), exec);
    default: return lines(r.space, static_cast<const uint64_t*>(x), static_cast<uint64_t*>(y), exec);
  }
}

void copy(const Copy& r, const Buffers& b, const Exec& exec) { run(r, b.get<void>(Copy::kX), b.get<void>(Copy::kY), exec); }
void broadcast_to(const Copy& r, const Buffers& b, const Exec& exec) {
  run(r, b.get<void>(Copy::kSource), b.get<void>(Copy::kResult), exec);
}

}  // namespace

const Kernel<Copy> copy_forward_vector{copy};
const Kernel<Copy> broadcast_to_forward_vector{broadcast_to};

}  // namespace ndl::cpu::NDL_ISA
