// cpu/kernels/mse_loss.cpp: the squared error in one pass over memory; formulas in nativedl/loss.h.
// x, target, dx [count]; loss, dloss [count] or a scalar.
// Mapping: a task is kGrain elements, whatever the threads; its sum goes to the workspace in double, and the sums are
// added in order. Refuses: f64. Bound: memory bandwidth.
#include "cpu/simd.hpp"
#include "ops/mse_loss.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int64_t kGrain = 16384;

int64_t workspace(const MseLoss& r, const Env&) { return (r.count / kGrain + 1) * static_cast<int64_t>(sizeof(double)); }

void forward(const MseLoss& r, const Buffers& b, const Exec& exec) {
  const float* x = b.get<float>(MseLoss::kX);
  const float* target = b.get<float>(MseLoss::kTarget);
  float* loss = b.get<float>(MseLoss::kLoss);
  auto* partial = static_cast<double*>(exec.workspace);
  const bool keep = r.reduction == NDL_REDUCTION_NONE;
  const int64_t tasks = (r.count + kGrain - 1) / kGrain;
  exec.parallel_for(tasks, 1, [&](int64_t task, int64_t, int32_t) {
    LongSum sum;
    const int64_t begin = task * kGrain, end = begin + kGrain < r.count ? begin + kGrain : r.count;
    for_vectors(begin, end, [&](int64_t i, int n) NDL_LAMBDA_INLINE {
      const F32 d = load_some(x + i, n) - load_some(target + i, n), square = d * d;
      if (keep) store_some(loss + i, square, n);
      else sum.add(square);
    });
    partial[task] = static_cast<double>(sum_lanes(sum.value()));
  });
  if (keep) return;
  double total = 0;
  for (int64_t task = 0; task < tasks; ++task) total += partial[task];
  *loss = static_cast<float>(r.reduction == NDL_REDUCTION_MEAN ? total / static_cast<double>(r.count) : total);
}

void backward(const MseLoss& r, const Buffers& b, const Exec& exec) {
  const float* x = b.get<float>(MseLoss::kX);
  const float* target = b.get<float>(MseLoss::kTarget);
  const float* dloss = b.get<float>(MseLoss::kDloss);
  float* dx = b.get<float>(MseLoss::kDx);
  const bool each = r.reduction == NDL_REDUCTION_NONE;
  double g = each ? 1.0 : static_cast<double>(*dloss);
  if (r.reduction == NDL_REDUCTION_MEAN) g /= static_cast<double>(r.count);
  const auto scale = static_cast<float>(2 * g);
  exec.parallel_for(r.count, kGrain, [&](int64_t begin, int64_t end, int32_t) {
    for_vectors(begin, end, [&](int64_t i, int n) NDL_LAMBDA_INLINE {
      const F32 d = (load_some(x + i, n) - load_some(target + i, n)) * scale;
      store_some(dx + i, each ? d * load_some(dloss + i, n) : d, n);
    });
  });
}

}  // namespace

const Kernel<MseLoss> mse_loss_forward_vector{forward, workspace};
const Kernel<MseLoss> mse_loss_backward_vector{backward};

}  // namespace ndl::cpu::NDL_ISA
