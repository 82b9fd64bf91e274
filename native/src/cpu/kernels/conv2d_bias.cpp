// cpu/kernels/conv2d_bias.cpp: the gradient of a bias, db[k] = sum over rows of dy[rows, k]; of conv2d and linear. f32, bf16.
//
// Mapping: rows go in slices that depend on their number alone; each is summed along its rows, and the slices are added in order.
// Refuses: f64. Bound: memory bandwidth.
#include "cpu/gemm/operand.hpp"
#include "ops/conv2d.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int64_t kBiasRows = 1024;  // rows summed in one go; the partial sums are added in order
constexpr int64_t kBiasSlices = 64;

NDL_INLINE int64_t bias_slices(const Conv2dBias& r) {
  const int64_t slices = (r.rows + kBiasRows - 1) / kBiasRows;
  return slices < 1 ? 1 : slices > kBiasSlices ? kBiasSlices : slices;
}

int64_t bias_workspace(const Conv2dBias& r, const Env&) { return bias_slices(r) * r.k * 4; }

template <class T>
void sum_rows(const Conv2dBias& r, const Buffers& b, const Exec& exec) {
  const T* dy = b.get<T>(Conv2dBias::kDy);
  T* db = b.get<T>(Conv2dBias::kDb);
  auto* partial = static_cast<float*>(exec.workspace);
  const int64_t slices = bias_slices(r);
  exec.parallel_for(slices, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t slice = begin; slice < end; ++slice) {
      const int64_t first = r.rows * slice / slices, last = r.rows * (slice + 1) / slices;
      float* sums = partial + slice * r.k;
      fill_floats(sums, 0.0f, r.k);
      // Rows lie in memory as they are read; four at a time, since each pass over the sums costs a load and a store.
      for (int64_t row = first; row < last; row += 4) {
        const T* next[4];
        for (int i = 0; i < 4; ++i) next[i] = dy + (row + i < last ? row + i : row) * r.k;
        const int count = last - row < 4 ? static_cast<int>(last - row) : 4;
        for_vectors(0, r.k, [&](int64_t k, int n) NDL_LAMBDA_INLINE {
          F32 sum = load_some(next[0] + k, n);
          for (int i = 1; i < count; ++i) sum += load_some(next[i] + k, n);
          store_some(sums + k, load_some(sums + k, n) + sum, n);
        });
      }
    }
  });
  for_vectors(0, r.k, [&](int64_t k, int n) NDL_LAMBDA_INLINE {
    F32 sum = load_some(partial + k, n);
    for (int64_t slice = 1; slice < slices; ++slice) sum += load_some(partial + slice * r.k + k, n);
    store_some(db + k, sum, n);
  });
}

void backward_bias(const Conv2dBias& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) { sum_rows<T>(r, b, exec); });
}

}  // namespace

const Kernel<Conv2dBias> conv2d_backward_bias_vector{backward_bias, bias_workspace};

}  // namespace ndl::cpu::NDL_ISA
