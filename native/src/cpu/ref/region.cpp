// cpu/ref/region.cpp: a region copied element by element, for slice, pad and permute. Any dtype.
#include "ops/region.hpp"

#include <cstring>

namespace ndl::cpu::ref {
namespace {

void copy(const Region& r, const Buffers& b, const Exec&) {
  const auto* from = b.get<unsigned char>(r.source);
  auto* to = b.get<unsigned char>(r.target);
  const auto size = static_cast<size_t>(r.element_bytes);
  if (r.fill)
    for (int64_t i = 0; i < r.target_count; ++i) std::memcpy(to + i * r.element_bytes, &r.pattern, size);
  for (int64_t i = 0; i < r.space.count; ++i) {
    int64_t rest = i, source = r.from, target = r.to;
    for (int axis = r.space.rank - 1; axis >= 0; --axis) {
      source += rest % r.space.dims[axis] * r.space.a[axis];
      target += rest % r.space.dims[axis] * r.space.b[axis];
      rest /= r.space.dims[axis];
    }
    std::memcpy(to + target * r.element_bytes, from + source * r.element_bytes, size);
  }
}

}  // namespace

const Kernel<Region> region_copy{copy};

}  // namespace ndl::cpu::ref
