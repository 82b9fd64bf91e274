// cpu/ref/copy.cpp: copy and broadcast_to, element by element. Every dtype.
#include "ops/copy.hpp"

#include <cstring>

namespace ndl::cpu::ref {
namespace {

void run(const Copy& r, const unsigned char* x, unsigned char* y) {
  if (x == y) return;
  for (int64_t i = 0; i < r.space.count; ++i) {
    int64_t rest = i, at = 0;
    for (int axis = r.space.rank - 1; axis >= 0; --axis) {
      at += rest % r.space.dims[axis] * r.space.a[axis];
      rest /= r.space.dims[axis];
    }
    std::memcpy(y + i * r.element_bytes, x + at * r.element_bytes, static_cast<size_t>(r.element_bytes));
  }
}

void copy(const Copy& r, const Buffers& b, const Exec&) {
  run(r, b.get<unsigned char>(Copy::kX), b.get<unsigned char>(Copy::kY));
}

void broadcast_to(const Copy& r, const Buffers& b, const Exec&) {
  run(r, b.get<unsigned char>(Copy::kSource), b.get<unsigned char>(Copy::kResult));
}

}  // namespace

const Kernel<Copy> copy_forward{copy};
const Kernel<Copy> broadcast_to_forward{broadcast_to};

}  // namespace ndl::cpu::ref
