// cpu/kernels/gradients.cpp: the norm of a list of tensors, and their scaling to at most a norm; formulas in
// nativedl/optimizer.h.
// Mapping: the elements of all items are numbered through, and a task is kGrain numbers, whatever the threads. The
// norm's tasks write their sums to the workspace in double, where they are added in order. Refuses: f64.
// Bound: memory bandwidth.
#include "cpu/element_list.hpp"
#include "cpu/simd.hpp"
#include "ops/gradients.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int64_t kGrain = 16384;

int64_t clip_workspace(const Gradients& r, const Env&) { return r.items * static_cast<int64_t>(sizeof(int64_t)); }
int64_t norm_workspace(const Gradients& r, const Env& env) {
  const int64_t tasks = (r.elements + r.items * kItemAlign) / kGrain + 1;
  return clip_workspace(r, env) + tasks * static_cast<int64_t>(sizeof(double));
}

void norm(const Gradients& r, const Buffers& b, const Exec& exec) {
  auto* first = static_cast<int64_t*>(exec.workspace);
  auto* partial = reinterpret_cast<double*>(first + r.items);
  const int64_t total = number_elements(b, Gradients::kGradients, first), tasks = (total + kGrain - 1) / kGrain;
  exec.parallel_for(tasks, 1, [&](int64_t task, int64_t, int32_t) {
    double sum = 0;
    for_items(b, Gradients::kGradients, first, task * kGrain, (task + 1) * kGrain, [&](int item, int64_t from, int64_t to) {
      const float* g = b.get<float>(Gradients::kGradients, item);
      LongSum squares;
      for_vectors(from, to, [&](int64_t i, int n) NDL_LAMBDA_INLINE {
        const F32 v = load_some(g + i, n);
        squares.add(v * v);
      });
      sum += static_cast<double>(sum_lanes(squares.value()));
    });
    partial[task] = sum;
  });
  double sum = 0;
  for (int64_t task = 0; task < tasks; ++task) sum += partial[task];
  *b.get<float>(Gradients::kNorm) = static_cast<float>(__builtin_sqrt(sum));
}

void clip(const Gradients& r, const Buffers& b, const Exec& exec) {
  const double scale = r.max_norm / (static_cast<double>(*b.get<float>(Gradients::kNorm)) + 1e-6);
  if (scale >= 1) return;  // a NaN goes on
  const auto factor = static_cast<float>(scale);
  auto* first = static_cast<int64_t*>(exec.workspace);
  const int64_t total = number_elements(b, Gradients::kGradients, first);
  exec.parallel_for(total, kGrain, [&](int64_t begin, int64_t end, int32_t) {
    for_items(b, Gradients::kGradients, first, begin, end, [&](int item, int64_t from, int64_t to) {
      float* g = b.get<float>(Gradients::kGradients, item);
      for_vectors(from, to, [&](int64_t i, int n) NDL_LAMBDA_INLINE { store_some(g + i, load_some(g + i, n) * factor, n); });
    });
  });
}

}  // namespace

const Kernel<Gradients> gradient_norm_forward_vector{norm, norm_workspace};
const Kernel<Gradients> clip_gradients_forward_vector{clip, clip_workspace};

}  // namespace ndl::cpu::NDL_ISA
