// cpu/kernels/fill.cpp: y[i] = the value; elements of 1, 2, 4 or 8 bytes. Refuses nothing. Bound: memory bandwidth.
#include "cpu/simd.hpp"
#include "ops/fill.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

template <class T>
void run(const Fill& r, T* y, const Exec& exec) {
  T value;
  __builtin_memcpy(&value, &r.pattern, sizeof(T));
  exec.parallel_for(r.count, 65536 / static_cast<int64_t>(sizeof(T)), [=](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) y[i] = value;
  });
}

void forward(const Fill& r, const Buffers& b, const Exec& exec) {
  switch (r.element_bytes) {
    case 1: return run(r, b.get<uint8_t>(Fill::kY), exec);
    case 2: return run(r, b.get<uint16_t>(Fill::kY), exec);
    case 4: return run(r, b.get<uint32_t>(Fill::kY), exec);
    default: return run(r, b.get<uint64_t>(Fill::kY), exec);
  }
}

}  // namespace

const Kernel<Fill> fill_forward_vector{forward};

}  // namespace ndl::cpu::NDL_ISA
