// cpu/ref/fill.cpp: fill, element by element. Every dtype.
#include "ops/fill.hpp"

#include <cstring>

namespace ndl::cpu::ref {
namespace {

void forward(const Fill& r, const Buffers& b, const Exec&) {
  auto* y = b.get<unsigned char>(Fill::kY);
  for (int64_t i = 0; i < r.count; ++i) std::memcpy(y + i * r.element_bytes, &r.pattern, static_cast<size_t>(r.element_bytes));
}

}  // namespace

const Kernel<Fill> fill_forward{forward};

}  // namespace ndl::cpu::ref
