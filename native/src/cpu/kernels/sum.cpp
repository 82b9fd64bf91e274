// cpu/kernels/sum.cpp: sum and mean over dimensions.
//   y[i] = sum over terms t of x[kept(i) + reduced(t)], divided by the number of terms for the mean
// Mapping: cpu/reduce.hpp. Where the innermost dimension is kept, vectors run along it and hold one sum a lane; where it
// is reduced, four vectors of sums run along it. Partial sums are combined in double.
// Refuses: f64. Bound: memory bandwidth.
#include "cpu/reduce.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

// kVectors vectors of columns from x on, over the terms [first, end).
template <int kVectors>
NDL_INLINE void column_sums(const Reduce& r, const float* x, int64_t first, int64_t end, int lanes, float* y) {
  F32 sum[kVectors] = {};
  const int64_t stride = r.reduced.strides[r.reduced.rank - 1];
  for_runs(r, first, end, [&](int64_t, int64_t offset, int64_t n) NDL_LAMBDA_INLINE {
    const float* row = x + offset;
    for (int64_t i = 0; i < n; ++i, row += stride)
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[v] += load_some(row + v * kLanes, lanes);
  });
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) store_some(y + v * kLanes, sum[v], lanes);
}

NDL_INLINE float contiguous_sum(const Reduce& r, const float* x, int64_t first, int64_t end) {
  F32 sum[4] = {};
  for_runs(r, first, end, [&](int64_t, int64_t offset, int64_t n) NDL_LAMBDA_INLINE {
    const float* row = x + offset;
    int64_t i = 0;
    for (; i + 4 * kLanes <= n; i += 4 * kLanes)
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) sum[v] += load(row + i + v * kLanes);
    for_vectors(i, n, [&](int64_t j, int lanes) NDL_LAMBDA_INLINE { sum[0] += load_some(row + j, lanes); });
  });
  return sum_lanes((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

void forward(const Reduce& r, const Buffers& b, const Exec& exec) {
  const ReducePlan plan(r);
  const float* x = b.get<float>(Reduce::kX);
  float* y = b.get<float>(Reduce::kY);
  float* partial = plan.chunks > 1 ? static_cast<float*>(exec.workspace) : y;
  for_tasks(r, plan, x, exec, [&](int64_t output, int64_t columns, const float* from, int64_t chunk, int64_t first, int64_t end) {
    float* to = partial + chunk * r.outputs + output;
    if (r.columns == 1) {
      *to = contiguous_sum(r, from, first, end);
    } else {
      int64_t c = 0;
      for (; c + 4 * kLanes <= columns; c += 4 * kLanes) column_sums<4>(r, from + c, first, end, kLanes, to + c);
      for_vectors(c, columns, [&](int64_t i, int lanes) NDL_LAMBDA_INLINE { column_sums<1>(r, from + i, first, end, lanes, to + i); });
    }
  });
  if (plan.chunks == 1 && !r.mean) return;
  const auto terms = static_cast<double>(r.terms);
  exec.parallel_for(r.outputs, 1 + ReducePlan::kGrainElements / plan.chunks, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) {
      double sum = 0;
      for (int64_t chunk = 0; chunk < plan.chunks; ++chunk) sum += static_cast<double>(partial[chunk * r.outputs + i]);
      y[i] = static_cast<float>(r.mean ? sum / terms : sum);
    }
  });
}

int64_t workspace(const Reduce& r, const Env&) {
  const ReducePlan plan(r);
  return plan.chunks > 1 ? plan.chunks * r.outputs * static_cast<int64_t>(sizeof(float)) : 0;
}

}  // namespace

const Kernel<Reduce> sum_forward_vector{forward, workspace};

}  // namespace ndl::cpu::NDL_ISA
