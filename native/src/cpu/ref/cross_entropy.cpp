// cpu/ref/cross_entropy.cpp: cross entropy by the definition. f32, f64; labels i64, i32.
#include "ops/cross_entropy.hpp"

#include <algorithm>
#include <cmath>

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

// The class of a row; -1 where it is ignored.
int64_t label_of(const CrossEntropy& r, const Buffers& b, const Exec& exec, int64_t row) {
  const int64_t label = r.label_dtype == NDL_DTYPE_I64 ? b.get<int64_t>(CrossEntropy::kLabels)[row] : b.get<int32_t>(CrossEntropy::kLabels)[row];
  if (label == r.ignore_index) return -1;
  if (label >= 0 && label < r.classes) return label;
  report_bad_value(exec, "a label is neither a class of logits nor ignore_index", row, label);
  return -1;
}

template <class T>
double weight_of(const Buffers& b, int64_t c) {
  const T* weights = b.get<T>(CrossEntropy::kClassWeights);
  return weights == nullptr ? 1.0 : static_cast<double>(weights[c]);
}

void forward(const CrossEntropy& r, const Buffers& b, const Exec& exec) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* logits = b.get<T>(CrossEntropy::kLogits);
    T* loss = b.get<T>(CrossEntropy::kLoss);
    T* saved = b.get<T>(CrossEntropy::kLogSumExp);
    double sum = 0, weight_sum = 0;
    for (int64_t row = 0; row < r.rows; ++row) {
      const T* x = logits + row * r.classes;
      const double top = static_cast<double>(*std::max_element(x, x + r.classes));
      double exps = 0;
      for (int64_t c = 0; c < r.classes; ++c) exps += std::exp(static_cast<double>(x[c]) - top);
      const auto negative_log = [&](int64_t c) { return std::log(exps) - (static_cast<double>(x[c]) - top); };
      if (saved != nullptr) saved[row] = static_cast<T>(top + std::log(exps));
      double value = 0;
      if (const int64_t label = label_of(r, b, exec, row); label >= 0) {
        double all = 0;
        if (r.smoothing > 0)
          for (int64_t c = 0; c < r.classes; ++c) all += weight_of<T>(b, c) * negative_log(c);
        value = (1 - r.smoothing) * weight_of<T>(b, label) * negative_log(label) + r.smoothing / static_cast<double>(r.classes) * all;
        weight_sum += weight_of<T>(b, label);
      }
      if (r.reduction == NDL_REDUCTION_NONE) loss[row] = static_cast<T>(value);
      sum += value;
    }
    if (r.reduction != NDL_REDUCTION_NONE) *loss = static_cast<T>(r.reduction == NDL_REDUCTION_MEAN ? sum / weight_sum : sum);
  });
}

void backward(const CrossEntropy& r, const Buffers& b, const Exec& exec) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* logits = b.get<T>(CrossEntropy::kLogits);
    const T* saved = b.get<T>(CrossEntropy::kSaved);
    const T* dloss = b.get<T>(CrossEntropy::kDloss);
    T* dlogits = b.get<T>(CrossEntropy::kDlogits);
    double weight_sum = 0, all_weights = 0;
    for (int64_t row = 0; row < r.rows; ++row)
      if (const int64_t label = label_of(r, b, exec, row); label >= 0) weight_sum += weight_of<T>(b, label);
    for (int64_t c = 0; c < r.classes; ++c) all_weights += weight_of<T>(b, c);
    const double uniform = r.smoothing / static_cast<double>(r.classes);
    for (int64_t row = 0; row < r.rows; ++row) {
      const int64_t label = label_of(r, b, exec, row);
      double g = static_cast<double>(dloss[r.reduction == NDL_REDUCTION_NONE ? row : 0]);
      if (r.reduction == NDL_REDUCTION_MEAN) g /= weight_sum;
      for (int64_t c = 0; c < r.classes; ++c) {
        const int64_t at = row * r.classes + c;
        if (label < 0) {
          dlogits[at] = 0;
          continue;
        }
        const double p = std::exp(static_cast<double>(logits[at]) - static_cast<double>(saved[row]));
        const double hit = (1 - r.smoothing) * weight_of<T>(b, label);
        dlogits[at] = static_cast<T>(g * ((hit + uniform * all_weights) * p - uniform * weight_of<T>(b, c) - (c == label ? hit : 0)));
      }
    }
  });
}

}  // namespace

const Kernel<CrossEntropy> cross_entropy_forward{forward};
const Kernel<CrossEntropy> cross_entropy_backward{backward};

}  // namespace ndl::cpu::ref
