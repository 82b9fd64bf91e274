// core/machine.hpp: what the processor can do.
#pragma once

#include <cstdint>
#include <string>

namespace ndl {

// Instruction sets that kernels are built for; each contains those before it on its architecture.
// `baseline` is x86-64-v2 (SSE4.2), or NEON on arm64.
enum class Isa : int32_t { baseline, avx2, avx512, avx512_bf16, amx };

const char* isa_name(Isa isa);

struct Machine {
  int32_t cores;   // that this process may use
  Isa isa;         // best set of the processor, or the one NATIVEDL_CPU lowers it to
  bool intel;      // whose AVX-512 BF16 dot products are slower than its FMAs
  int64_t l1_bytes, l2_bytes, l3_bytes;
  std::string processor;
};

const Machine& machine();

// Of the last level of cache; 32 MB where the system does not say.
inline double last_cache_bytes(const Machine& m) {
  return m.l3_bytes > 0 ? static_cast<double>(m.l3_bytes) : 32.0 * 1024 * 1024;
}

}  // namespace ndl
