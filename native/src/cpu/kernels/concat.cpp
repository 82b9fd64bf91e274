// cpu/kernels/concat.cpp: tensors one after the other along one dimension.
//   y [outer, sum of the tensors' lines], tensor i [outer, line i], in bytes
// Mapping: one tensor at a time; a task is a range of its bytes, copied line by line. Refuses nothing. Bound: memory
// bandwidth.
#include "cpu/simd.hpp"
#include "ops/concat.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int64_t kGrainBytes = 65536;

void forward(const Concat& r, const Buffers& b, const Exec& exec) {
  auto* y = b.get<unsigned char>(Concat::kY);
  for (int item = 0; item < b.size(Concat::kX); ++item) {
    const auto* x = b.get<unsigned char>(Concat::kX, item);
    const int64_t bytes = b.count(Concat::kX, item) * r.element_bytes;
    if (bytes == 0) continue;
    const int64_t line = bytes / r.outer;
    exec.parallel_for(bytes, kGrainBytes, [=](int64_t begin, int64_t end, int32_t) {
      while (begin < end) {
        const int64_t row = begin / line, column = begin % line, n = line - column < end - begin ? line - column : end - begin;
        __builtin_memcpy(y + row * r.line_bytes + column, x + begin, static_cast<unsigned long>(n));
        begin += n;
      }
    });
    y += line;
  }
}

}  // namespace

const Kernel<Concat> concat_forward_lines{forward};

}  // namespace ndl::cpu::NDL_ISA
