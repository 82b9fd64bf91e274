// cpu/declare.hpp: how a kernel that is compiled for each instruction set is declared and listed.
//
//   ops/relu.hpp            NDL_DECLARE_SIMD(Kernel<Relu>, relu_forward_vector)
//   cpu/kernels/relu.cpp    const Kernel<Relu> relu_forward_vector = {...};        (built once per set)
//   ops/relu.cpp            NDL_LIST_SIMD("vector", reject, estimate, relu_forward_vector)
//
// The list gets the entries cpu:vector:avx512, cpu:vector:avx2 and cpu:vector:sse4 (x86), or cpu:vector:neon.
#pragma once

// NDL_DECLARE_BF16 and NDL_LIST_BF16 (with a comma of its own) add the builds for AMX and AVX-512 BF16, x86 only; NDL_DECLARE_AMX
// and NDL_LIST_AMX the former alone.
#if defined(__x86_64__)
#define NDL_DECLARE_AMX(Type, name) \
  namespace cpu::amx { extern const Type name; }
#define NDL_LIST_AMX(method, reject, estimate, name) {"cpu:" method ":amx", Target::cpu_amx, reject, estimate, &cpu::amx::name},
#define NDL_DECLARE_BF16(Type, name)                        \
  namespace cpu::avx512_bf16 { extern const Type name; }    \
  NDL_DECLARE_AMX(Type, name)
#define NDL_LIST_BF16(method, reject, estimate, name)                                   \
  NDL_LIST_AMX(method, reject, estimate, name)                                          \
  {"cpu:" method ":avx512_bf16", Target::cpu_avx512_bf16, reject, estimate, &cpu::avx512_bf16::name},
#define NDL_DECLARE_SIMD(Type, name)                      \
  namespace cpu::baseline { extern const Type name; }     \
  namespace cpu::avx2 { extern const Type name; }         \
  namespace cpu::avx512 { extern const Type name; }
#define NDL_LIST_SIMD(method, reject, estimate, name)                                         \
  {"cpu:" method ":avx512", Target::cpu_avx512, reject, estimate, &cpu::avx512::name},        \
  {"cpu:" method ":avx2", Target::cpu_avx2, reject, estimate, &cpu::avx2::name},              \
  {"cpu:" method ":sse4", Target::cpu_baseline, reject, estimate, &cpu::baseline::name}
#else
#define NDL_DECLARE_AMX(Type, name)
#define NDL_LIST_AMX(method, reject, estimate, name)
#define NDL_DECLARE_BF16(Type, name)
#define NDL_LIST_BF16(method, reject, estimate, name)
#define NDL_DECLARE_SIMD(Type, name) \
  namespace cpu::baseline { extern const Type name; }
#define NDL_LIST_SIMD(method, reject, estimate, name) \
  {"cpu:" method ":neon", Target::cpu_baseline, reject, estimate, &cpu::baseline::name}
#endif
