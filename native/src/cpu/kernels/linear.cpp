// cpu/kernels/linear.cpp: linear as matrix products.
//
//   pass             C [m,n]         A [m,k]                 B [k,n]
//   forward          y  [rows, n]    x  [rows, k]            w^T [k, n]   packed once per version of the weight
//   backward_input   dx [rows, k]    dy [rows, n]            w   [n, k]   packed once per version of the weight
//   backward_weight  dw [n, k]       dy^T (read as it lies)  x [rows, k]  packed piece by piece of the rows
//
// Mapping: cpu/gemm/engine.hpp, product.hpp. Refuses: f64. Bound: FMA peak; memory bandwidth (the weight) for few rows.
#include "cpu/gemm/product.hpp"
#include "ops/linear.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

int64_t forward_packed_bytes(const Linear& r, const Env&) { return Panels(r.n).floats(r.k) * 4; }
int64_t backward_input_packed_bytes(const Linear& r, const Env&) { return Panels(r.k).floats(r.n) * 4; }

// B [depth, columns] is the weight, transposed or as it lies.
template <bool kTranspose>
void pack_weight(int64_t depth, int64_t columns, const void* weight, void* packed, const Exec& exec) {
  const Product p{0, columns, depth, false, kTranspose};
  const Panels panels(columns);
  exec.parallel_for(panels.count, 1 + 16384 / (3 * kLanes * (depth + 1)), [&](int64_t begin, int64_t end, int32_t) {
    pack_operand(p, static_cast<const float*>(weight), 0, depth, panels, begin, end, static_cast<float*>(packed));
  });
}
void forward_pack(const Linear& r, const void* weight, void* packed, const Exec& exec) { pack_weight<true>(r.k, r.n, weight, packed, exec); }
void backward_input_pack(const Linear& r, const void* weight, void* packed, const Exec& exec) {
  pack_weight<false>(r.n, r.k, weight, packed, exec);
}

// C [rows, columns] = A [rows, depth] times the packed weight.
NDL_INLINE void multiply_rows(int64_t rows, int64_t columns, int64_t depth, const float* a, const void* packed, float* c,
                              const Epilogue& epilogue, const Exec& exec) {
  multiply(
      1, rows, columns, depth,
      [=](int64_t, int64_t m0, int64_t, int64_t k0, int64_t, float*) NDL_LAMBDA_INLINE { return Block{a + m0 * depth + k0, depth}; },
      static_cast<const float*>(packed), c, columns, epilogue, exec);
}

void forward(const Linear& r, const Buffers& b, const Exec& exec) {
  multiply_rows(r.rows, r.n, r.k, b.get<float>(Linear::kX), b.derived, b.get<float>(Linear::kY),
                {b.get<float>(Linear::kBias), r.activation == NDL_ACTIVATION_RELU, b.get<float>(Linear::kResidual)}, exec);
}

void backward_input(const Linear& r, const Buffers& b, const Exec& exec) {
  multiply_rows(r.rows, r.k, r.n, b.get<float>(Linear::kDy), b.derived, b.get<float>(Linear::kDx), {}, exec);
}

NDL_INLINE Product weight_product(const Linear& r) { return {r.n, r.k, r.rows, true, false}; }
int64_t weight_workspace(const Linear& r, const Env& env) { return product_floats(weight_product(r), env.cores) * 4; }

void backward_weight(const Linear& r, const Buffers& b, const Exec& exec) {
  multiply_matrices(weight_product(r), b.get<float>(Linear::kGradient), b.get<float>(Linear::kInput), b.get<float>(Linear::kDw), {}, exec);
}

}  // namespace

const Kernel<Linear> linear_forward_gemm{forward, nullptr, Linear::kWeight, forward_packed_bytes, forward_pack};
const Kernel<Linear> linear_backward_input_gemm{backward_input, nullptr, Linear::kFilter, backward_input_packed_bytes, backward_input_pack};
const Kernel<Linear> linear_backward_weight_gemm{backward_weight, weight_workspace};

}  // namespace ndl::cpu::NDL_ISA
