// tests/peers/openblas_peer.cpp: OpenBLAS as a contestant of nativedl-bench: f32 matrix products.
#include <cblas.h>

#include <memory>

#include "peer.hpp"

namespace {

struct Gemm {
  CBLAS_TRANSPOSE transpose_a, transpose_b;
  blasint m, n, k, lda, ldb;
  std::vector<float> a, b, y;

  explicit Gemm(const peer::Request& r) {
    const bool ta = r.number("transpose_a", 0) != 0, tb = r.number("transpose_b", 0) != 0;
    const peer::Dims a_dims = r.dims("a"), b_dims = r.dims("b");
    transpose_a = ta ? CblasTrans : CblasNoTrans;
    transpose_b = tb ? CblasTrans : CblasNoTrans;
    m = static_cast<blasint>(a_dims[ta ? 1 : 0]);
    k = static_cast<blasint>(a_dims[ta ? 0 : 1]);
    n = static_cast<blasint>(b_dims[tb ? 0 : 1]);
    lda = static_cast<blasint>(a_dims[1]);
    ldb = static_cast<blasint>(b_dims[1]);
    a = r.values("a");
    b = r.values("b");
    y.resize(static_cast<size_t>(m) * static_cast<size_t>(n));
  }

  void run() {
    cblas_sgemm(CblasRowMajor, transpose_a, transpose_b, m, n, k, 1.0F, a.data(), lda, b.data(), ldb, 0.0F, y.data(), n);
  }
};

peer::Passes prepare(const peer::Request& r) {
  if (r.op != "gemm" || r.dtype("a") != "f32" || r.has("bias") || r.has("activation"))
    throw peer::Refusal("plain f32 products only");
  openblas_set_num_threads(static_cast<int>(r.number("threads", 1)));
  const auto gemm = std::make_shared<Gemm>(r);
  gemm->run();
  r.save("y", gemm->y.data(), gemm->y.size());
  return {{"forward", {openblas_get_corename(), [gemm] { gemm->run(); }}}};
}

}  // namespace

int main() {
  std::string version = openblas_get_config();  // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..."
  version = version.substr(0, version.find(' ', version.find(' ') + 1));
  return peer::serve(version, prepare);
}
