// cpu/kernels/gemm.cpp: y[m,n] = act( alpha * sum_k op(a)[m,k] * op(b)[k,n] + beta * c[m,n] + bias[n] ), b packed on the way.
// Shapes and mapping: cpu/gemm/product.hpp. Refuses: f64. Bound: FMA peak.
#include "cpu/gemm/product.hpp"
#include "ops/gemm.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

NDL_INLINE Product product_of(const Gemm& r) { return {r.m, r.n, r.k, r.transpose_a, r.transpose_b, r.batch, r.one_a, r.one_b}; }
int64_t workspace(const Gemm& r, const Env& env) { return product_floats(product_of(r), env.cores) * 4; }

void forward(const Gemm& r, const Buffers& b, const Exec& exec) {
  const Epilogue epilogue{b.get<float>(Gemm::kBias), r.activation == NDL_ACTIVATION_RELU, r.beta == 0 ? nullptr : b.get<float>(Gemm::kC), r.alpha,
                          r.beta};
  multiply_matrices(product_of(r), b.get<float>(Gemm::kA), b.get<float>(Gemm::kB), b.get<float>(Gemm::kY), epilogue, exec);
}

}  // namespace

const Kernel<Gemm> gemm_forward_packed{forward, workspace};

}  // namespace ndl::cpu::NDL_ISA
