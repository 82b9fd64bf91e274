// cpu/kernels/cross_entropy.cpp: softmax and cross entropy in one, rows of classes.
//   forward:  log_sum_exp[i] = top + log sum_c exp(x[i,c] - top), top = max_c x[i,c]; loss as in nativedl/loss.h
//   backward: dlogits[i,c] = a[i] * exp(x[i,c] - log_sum_exp[i]) - s[i] * w[c] - [c = t] * h[i]
// logits x, dlogits [rows, classes] (dlogits may be x); labels t, log_sum_exp, loss or dloss [rows]; w [classes].
// Mapping: vectors along the classes. Forward reads a row twice, from memory and then from L1, and writes a value or
// two for it. The rows are cut into at most kSlices slices, whatever the threads; a slice's sums are kept in double
// and added in order. Refuses: f64. Bound: memory bandwidth from about 16 classes on, else the logarithm per row.
#include "cpu/simd_math.hpp"
#include "ops/cross_entropy.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int64_t kSlices = 64;
constexpr int64_t kSliceElements = 8192;  // at least so many logits, some microseconds of work

struct Sums {
  double loss, weight;
};

int64_t workspace(const CrossEntropy&, const Env&) { return kSlices * static_cast<int64_t>(sizeof(Sums)); }

// Calls body(row, sums) for all rows, and gives the sums over them.
template <class Body>
NDL_INLINE Sums sum_rows(const CrossEntropy& r, const Exec& exec, const Body& body) {
  int64_t slices = r.rows * r.classes / kSliceElements + 1;
  slices = slices > kSlices ? kSlices : slices;
  auto* partial = static_cast<Sums*>(exec.workspace);
  exec.parallel_for(slices, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t slice = begin; slice < end; ++slice) {
      Sums sums{0, 0};
      for (int64_t row = r.rows * slice / slices; row < r.rows * (slice + 1) / slices; ++row) body(row, sums);
      partial[slice] = sums;
    }
  });
  Sums total{0, 0};
  for (int64_t slice = 0; slice < slices; ++slice) total.loss += partial[slice].loss, total.weight += partial[slice].weight;
  return total;
}

// The class of a row; -1 where it is ignored.
NDL_INLINE int64_t label_of(const CrossEntropy& r, const Buffers& b, const Exec& exec, int64_t row) {
  const int64_t label = r.label_dtype == NDL_DTYPE_I64 ? b.get<int64_t>(CrossEntropy::kLabels)[row] : b.get<int32_t>(CrossEntropy::kLabels)[row];
  if (label == r.ignore_index) return -1;
  if (label >= 0 && label < r.classes) return label;
  report_bad_value(exec, "a label is neither a class of logits nor ignore_index", row, label);
  return -1;
}

// Sum of the class weights.
NDL_INLINE double all_weights(const CrossEntropy& r, const float* weights) {
  if (weights == nullptr) return static_cast<double>(r.classes);
  double sum = 0;
  for (int64_t c = 0; c < r.classes; ++c) sum += static_cast<double>(weights[c]);
  return sum;
}

void forward(const CrossEntropy& r, const Buffers& b, const Exec& exec) {
  const float* logits = b.get<float>(CrossEntropy::kLogits);
  const float* weights = b.get<float>(CrossEntropy::kClassWeights);
  float* loss = b.get<float>(CrossEntropy::kLoss);
  float* saved = b.get<float>(CrossEntropy::kLogSumExp);
  const double uniform = r.smoothing / static_cast<double>(r.classes), all = all_weights(r, weights);
  const bool smooth = r.smoothing > 0;
  const Sums total = sum_rows(r, exec, [&](int64_t row, Sums& sums) {
    const float* x = logits + row * r.classes;
    F32 best = broadcast(-__builtin_inff());
    for_vectors(0, r.classes, [&](int64_t c, int n) NDL_LAMBDA_INLINE {
      best = maximum(load_some_or(x + c, n, -__builtin_inff()), best);  // a NaN comes through the sum below
    });
    const float top = max_lanes(best);
    LongSum exps, weighted;  // the second: sum of w[c] * (x[c] - top)
    for_vectors(0, r.classes, [&](int64_t c, int n) NDL_LAMBDA_INLINE {
      const F32 v = load_some_or(x + c, n, -__builtin_inff()) - top;
      exps.add(exponential(v));
      if (!smooth) return;
      const F32 kept = n == kLanes ? v : load_some_or(x + c, n, top) - top;
      weighted.add(weights == nullptr ? kept : kept * load_some(weights + c, n));
    });
    const double log_sum = __builtin_log(static_cast<double>(sum_lanes(exps.value())));
    if (saved != nullptr) saved[row] = static_cast<float>(static_cast<double>(top) + log_sum);
    double value = 0;
    if (const int64_t label = label_of(r, b, exec, row); label >= 0) {
      const double weight = weights == nullptr ? 1.0 : static_cast<double>(weights[label]);
      value = (1 - r.smoothing) * weight * (log_sum - static_cast<double>(x[label] - top));
      if (smooth) value += uniform * (all * log_sum - static_cast<double>(sum_lanes(weighted.value())));
      sums.loss += value;
      sums.weight += weight;
    }
    if (r.reduction == NDL_REDUCTION_NONE) loss[row] = static_cast<float>(value);
  });
  if (r.reduction == NDL_REDUCTION_MEAN) *loss = static_cast<float>(total.loss / total.weight);
  else if (r.reduction == NDL_REDUCTION_SUM) *loss = static_cast<float>(total.loss);
}

void backward(const CrossEntropy& r, const Buffers& b, const Exec& exec) {
  const float* logits = b.get<float>(CrossEntropy::kLogits);
  const float* weights = b.get<float>(CrossEntropy::kClassWeights);
  const float* saved = b.get<float>(CrossEntropy::kSaved);
  const float* dloss = b.get<float>(CrossEntropy::kDloss);
  float* dlogits = b.get<float>(CrossEntropy::kDlogits);
  const double uniform = r.smoothing / static_cast<double>(r.classes), all = all_weights(r, weights);
  double mean = 1;
  if (r.reduction == NDL_REDUCTION_MEAN) {
    mean = 1 / sum_rows(r, exec, [&](int64_t row, Sums& sums) {
      const int64_t label = label_of(r, b, exec, row);
      if (label >= 0) sums.weight += weights == nullptr ? 1.0 : static_cast<double>(weights[label]);
    }).weight;
  }
  exec.parallel_for(r.rows, 1 + kSliceElements / r.classes, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t row = begin; row < end; ++row) {
      const float* x = logits + row * r.classes;
      float* dx = dlogits + row * r.classes;
      const int64_t label = label_of(r, b, exec, row);
      if (label < 0) {
        fill_floats(dx, 0.0f, r.classes);
        continue;
      }
      const double g = mean * static_cast<double>(dloss[r.reduction == NDL_REDUCTION_NONE ? row : 0]);
      const double hit = (1 - r.smoothing) * (weights == nullptr ? 1.0 : static_cast<double>(weights[label]));
      const float scale = static_cast<float>(g * (hit + uniform * all)), spread = static_cast<float>(g * uniform), top = saved[row];
      for_vectors(0, r.classes, [&](int64_t c, int n) NDL_LAMBDA_INLINE {
        const F32 p = exponential(load_some(x + c, n) - top);
        store_some(dx + c, weights == nullptr ? p * scale - spread : p * scale - load_some(weights + c, n) * spread, n);
      });
      dx[label] -= static_cast<float>(g * hit);
    }
  });
}

}  // namespace

const Kernel<CrossEntropy> cross_entropy_forward_vector{forward, workspace};
const Kernel<CrossEntropy> cross_entropy_backward_vector{backward, workspace};

}  // namespace ndl::cpu::NDL_ISA
