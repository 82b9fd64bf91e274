// cpu/kernels/gemm.cpp: y[m,n] = act( alpha * sum_k op(a)[m,k] * op(b)[k,n] + beta * c[m,n] + bias[n] ), b packed on the way, or where it
// comes again, once.
// Shapes and mapping: cpu/gemm/product.hpp. f32; bf16 with sums in f32 and y, c, bias in bf16 or f32.
// Refuses: f64; in the builds for AVX-512 BF16 and AMX all but bf16, parts of bf16 all but f32. Bound: the peak of FMA or of the dot products.
// A bf16 number below 2^-126 counts as 0 in a dot product of AVX-512 BF16 and AMX.
// In the build for AMX also f32 by six or three products of bf16 parts (cpu/gemm/split.hpp).
#include "cpu/gemm/product.hpp"
#if defined(NDL_AMX)
#include "cpu/gemm/split.hpp"
#endif
#include "ops/gemm.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

NDL_INLINE Panels panels_of(const Product& p) { return Panels(p.n, widest_of(p)); }
NDL_INLINE Product product_of(const Gemm& r) { return {r.m, r.n, r.k, r.transpose_a, r.transpose_b, r.batch, r.one_a, r.one_b}; }

// Calls body with the types of the operands and of y.
template <class Body>
NDL_INLINE auto by_types(const Gemm& r, const Body& body) {
  if constexpr (kStep == 1)
    if (r.dtype == NDL_DTYPE_F32) return body(float{}, float{});
  return r.y_dtype == NDL_DTYPE_F32 ? body(Bf16{}, float{}) : body(Bf16{}, Bf16{});
}

int64_t workspace(const Gemm& r, const Env& env) {
  return by_types(r, [&]<class T, class Y>(T, Y) {
    const int64_t packing = product_floats<T, Y>(product_of(r), env.cores), packed = env.cores * kMultiplyFloats<Y>;
    return (packing > packed ? packing : packed) * 4;
  });
}

template <class T, class Y>
NDL_INLINE void multiply_as(const Gemm& r, const Buffers& b, const Exec& exec) {
  const EpilogueOf<Y> epilogue{b.get<Y>(Gemm::kBias), r.activation == NDL_ACTIVATION_RELU, r.beta == 0 ? nullptr : b.get<Y>(Gemm::kC), r.alpha,
                               r.beta};
  const Product p = product_of(r);
  if (b.derived != nullptr) multiply_packed(p, panels_of(p), b.get<T>(Gemm::kA), b.derived, b.get<Y>(Gemm::kY), epilogue, exec);
  else multiply_matrices(p, b.get<T>(Gemm::kA), b.get<T>(Gemm::kB), b.get<Y>(Gemm::kY), epilogue, exec);
}
void forward(const Gemm& r, const Buffers& b, const Exec& exec) {
  by_types(r, [&]<class T, class Y>(T, Y) { multiply_as<T, Y>(r, b, exec); });
}

// A b that comes again unchanged is kept packed.
int64_t packed_bytes(const Gemm& r, const Env&) {
  return by_types(r, [&]<class T, class Y>(T, Y) {
    const Product p = product_of(r);
    return takes_packed<T>(p) ? panels_of(p).floats(steps<T>(p.k)) * 4 : 0;
  });
}
void pack(const Gemm& r, const void* b, void* packed, const Exec& exec) {
  by_types(r, [&]<class T, class Y>(T, Y) {
    const Product p = product_of(r);
    pack_whole(p, static_cast<const T*>(b), panels_of(p), static_cast<float*>(packed), exec);
  });
}
int64_t packed_variant(const Gemm& r) { return panels_of(product_of(r)).widest * 2 + r.transpose_b; }

#if defined(NDL_AMX)
template <int kProducts>
int64_t split_workspace(const Gemm& r, const Env& env) { return product_floats<Split<kProducts>, float>(product_of(r), env.cores) * 4; }
template <int kProducts>
void split_forward(const Gemm& r, const Buffers& b, const Exec& exec) { multiply_as<Split<kProducts>, float>(r, b, exec); }
#endif

}  // namespace

const Kernel<Gemm> gemm_forward_packed{forward, workspace, Gemm::kB, packed_bytes, pack, packed_variant, true};
#if defined(NDL_AMX)
const Kernel<Gemm> gemm_forward_split6{split_forward<6>, split_workspace<6>};
const Kernel<Gemm> gemm_forward_split3{split_forward<3>, split_workspace<3>};
#endif
#if defined(NDL_AMX_EMULATED)
extern const bool kEmulated = true;
#elif defined(NDL_AMX)
extern const bool kEmulated = false;
#endif

}  // namespace ndl::cpu::NDL_ISA
