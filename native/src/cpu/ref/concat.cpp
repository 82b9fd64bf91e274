// cpu/ref/concat.cpp: tensors one after the other, line by line. Any dtype.
#include "ops/concat.hpp"

#include <cstring>

namespace ndl::cpu::ref {
namespace {

void forward(const Concat& r, const Buffers& b, const Exec&) {
  auto* y = b.get<unsigned char>(Concat::kY);
  for (int64_t line = 0; line < r.outer; ++line)
    for (int item = 0; item < b.size(Concat::kX); ++item) {
      const int64_t bytes = b.count(Concat::kX, item) * r.element_bytes / r.outer;
      if (bytes > 0) std::memcpy(y, b.get<unsigned char>(Concat::kX, item) + line * bytes, static_cast<size_t>(bytes));
      y += bytes;
    }
}

}  // namespace

const Kernel<Concat> concat_forward{forward};

}  // namespace ndl::cpu::ref
