// cpu/kernels/linear.cpp: linear as matrix products.
//
//   pass             C [m,n]         A [m,k]                 B [k,n]
//   forward          y  [rows, n]    x  [rows, k]            w^T [k, n]   packed once per version of the weight
//   backward_input   dx [rows, k]    dy [rows, n]            w   [n, k]   packed once per version of the weight
//   backward_weight  dw [n, k]       dy^T (read as it lies)  x [rows, k]  packed piece by piece of the rows
//
// Mapping: cpu/gemm/engine.hpp, product.hpp. f32; bf16 with sums in f32. Refuses: f64; in the builds for AVX-512 BF16
// and AMX all but bf16. Bound: the peak of FMA or of the dot products; memory bandwidth (the weight) for few rows.
#include "cpu/gemm/product.hpp"
#include "ops/linear.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

NDL_INLINE Panels panels_of(const Linear& r, int64_t columns) { return Panels(columns, widest_for(r.rows)); }
int64_t packed_variant(const Linear& r) { return widest_for(r.rows); }
int64_t packed_bytes(const Linear& r, int64_t depth, int64_t columns) {
  return by_type(r, [&]<class T>(T) { return panels_of(r, columns).floats(steps<T>(depth)) * 4; });
}
int64_t forward_packed_bytes(const Linear& r, const Env&) { return packed_bytes(r, r.k, r.n); }
int64_t backward_input_packed_bytes(const Linear& r, const Env&) { return packed_bytes(r, r.n, r.k); }
int64_t rows_workspace(const Linear& r, const Env& env) { return r.dtype == NDL_DTYPE_F32 ? 0 : env.cores * kMultiplyFloats<Bf16> * 4; }

// B [depth, columns] is the weight, transposed or as it lies.
void pack_weight(const Linear& r, int64_t depth, int64_t columns, bool transpose, const void* weight, void* packed, const Exec& exec) {
  by_type(r, [&]<class T>(T) {
    pack_whole({0, columns, depth, false, transpose}, static_cast<const T*>(weight), panels_of(r, columns), static_cast<float*>(packed), exec);
  });
}
void forward_pack(const Linear& r, const void* weight, void* packed, const Exec& exec) {
  pack_weight(r, r.k, r.n, true, weight, packed, exec);
}
void backward_input_pack(const Linear& r, const void* weight, void* packed, const Exec& exec) {
  pack_weight(r, r.n, r.k, false, weight, packed, exec);
}

void forward(const Linear& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) {
    const EpilogueOf<T> epilogue{b.get<T>(Linear::kBias), r.activation == NDL_ACTIVATION_RELU, b.get<T>(Linear::kResidual)};
    multiply_packed({r.rows, r.n, r.k, false, true}, panels_of(r, r.n), b.get<T>(Linear::kX), b.derived, b.get<T>(Linear::kY), epilogue, exec);
  });
}

void backward_input(const Linear& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) {
    multiply_packed({r.rows, r.k, r.n, false, false}, panels_of(r, r.k), b.get<T>(Linear::kDy), b.derived, b.get<T>(Linear::kDx), EpilogueOf<T>{}, exec);
  });
}

NDL_INLINE Product weight_product(const Linear& r) { return {r.n, r.k, r.rows, true, false}; }
int64_t weight_workspace(const Linear& r, const Env& env) {
  return by_type(r, [&]<class T>(T) { return product_floats<T>(weight_product(r), env.cores) * 4; });
}

void backward_weight(const Linear& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) {
    multiply_matrices(weight_product(r), b.get<T>(Linear::kGradient), b.get<T>(Linear::kInput), b.get<T>(Linear::kDw), EpilogueOf<T>{}, exec);
  });
}

}  // namespace

const Kernel<Linear> linear_forward_gemm{forward, rows_workspace, Linear::kWeight, forward_packed_bytes, forward_pack, packed_variant};
const Kernel<Linear> linear_backward_input_gemm{backward_input, rows_workspace, Linear::kFilter, backward_input_packed_bytes, backward_input_pack,
                                                 packed_variant};
const Kernel<Linear> linear_backward_weight_gemm{backward_weight, weight_workspace};

}  // namespace ndl::cpu::NDL_ISA
