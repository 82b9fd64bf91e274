// cpu/kernels/max.cpp: max and argmax over dimensions, and the gradient of max.
//   y[i] = largest over terms t of x[kept(i) + reduced(t)], argmax[i] = its t; the first of equal ones; NaN is largest
//   dx[kept(i) + reduced(argmax[i])] = dy[i], 0 elsewhere
// Mapping: cpu/reduce.hpp. A lane keeps a value and its term; along the innermost dimension vectors hold kept columns, or,
// where it is reduced, terms kLanes apart, of which the last step takes the best. Refuses: f64, terms that do not fit in
// 31 bits. Bound: memory bandwidth.
#include "cpu/reduce.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

struct Best {
  F32 value;
  I32 term;  // -1: none yet

  NDL_INLINE void take(F32 v, I32 t) {
    const I32 better = beats(v, value) | (term < 0);
    value = select(better, v, value);
    term = select(better, t, term);
  }
};

// Whether the second of two scalars is the better; equal ones and two NaNs go to the smaller term.
NDL_INLINE bool second_wins(float value, int32_t term, float other, int32_t other_term) {
  if (other_term < 0 || term < 0) return term < 0;
  const bool nan = value != value, other_nan = other != other;
  if (nan || other_nan) return nan && other_nan ? other_term < term : other_nan;
  return other > value || (other == value && other_term < term);
}

NDL_INLINE void columns_max(const Reduce& r, const float* x, int64_t first, int64_t end, int lanes, float* value, int32_t* term) {
  Best best{F32{}, broadcast<I32>(-1)};
  const int64_t stride = r.reduced.strides[r.reduced.rank - 1];
  for_runs(r, first, end, [&](int64_t t, int64_t offset, int64_t n) NDL_LAMBDA_INLINE {
    const float* row = x + offset;
    for (int64_t i = 0; i < n; ++i, row += stride) best.take(load_some(row, lanes), broadcast<I32>(static_cast<int32_t>(t + i)));
  });
  store_some(value, best.value, lanes);
  store_n<I32>(term, best.term, lanes);
}

NDL_INLINE void contiguous_max(const Reduce& r, const float* x, int64_t first, int64_t end, float* value, int32_t* term) {
  Best best{F32{}, broadcast<I32>(-1)};
  int32_t numbers[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) numbers[lane] = lane;
  const I32 ramp = load<I32>(numbers);
  float tail_value = 0;
  int32_t tail_term = -1;
  for_runs(r, first, end, [&](int64_t t, int64_t offset, int64_t n) NDL_LAMBDA_INLINE {
    const float* row = x + offset;
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) best.take(load(row + i), ramp + static_cast<int32_t>(t + i));
    for (; i < n; ++i)
      if (const auto at = static_cast<int32_t>(t + i); second_wins(tail_value, tail_term, row[i], at)) tail_value = row[i], tail_term = at;
  });
  float values[kLanes];
  store<F32>(values, best.value);
  store<I32>(numbers, best.term);
  for (int lane = 0; lane < kLanes; ++lane)
    if (second_wins(tail_value, tail_term, values[lane], numbers[lane])) tail_value = values[lane], tail_term = numbers[lane];
  *value = tail_value;
  *term = tail_term;
}

void run(const Reduce& r, const float* x, float* y, int64_t* argmax, const Exec& exec) {
  const ReducePlan plan(r);
  auto* values = static_cast<float*>(exec.workspace);
  auto* terms = reinterpret_cast<int32_t*>(values + plan.chunks * r.outputs);
  for_tasks(r, plan, x, exec, [&](int64_t output, int64_t columns, const float* from, int64_t chunk, int64_t first, int64_t end) {
    const int64_t at = chunk * r.outputs + output;
    if (r.columns == 1) contiguous_max(r, from, first, end, values + at, terms + at);
    else for_vectors(0, columns, [&](int64_t i, int lanes) NDL_LAMBDA_INLINE {
      columns_max(r, from + i, first, end, lanes, values + at + i, terms + at + i);
    });
  });
  exec.parallel_for(r.outputs, 1 + ReducePlan::kGrainElements / plan.chunks, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) {
      float value = values[i];
      int32_t term = terms[i];
      for (int64_t at = i + r.outputs; at < plan.chunks * r.outputs; at += r.outputs)
        if (second_wins(value, term, values[at], terms[at])) value = values[at], term = terms[at];
      if (y != nullptr) y[i] = value;
      if (argmax != nullptr) argmax[i] = term;
    }
  });
}

void max(const Reduce& r, const Buffers& b, const Exec& exec) {
  run(r, b.get<float>(Reduce::kX), b.get<float>(Reduce::kY), b.get<int64_t>(Reduce::kArgmax), exec);
}

void argmax(const Reduce& r, const Buffers& b, const Exec& exec) {
  run(r, b.get<float>(Reduce::kX), nullptr, b.get<int64_t>(Reduce::kY), exec);
}

int64_t workspace(const Reduce& r, const Env&) {
  return ReducePlan(r).chunks * r.outputs * static_cast<int64_t>(sizeof(float) + sizeof(int32_t));
}

void backward(const Reduce& r, const Buffers& b, const Exec& exec) {
  const float* dy = b.get<float>(Reduce::kDy);
  const auto* index = b.get<int64_t>(Reduce::kIndex);
  float* dx = b.get<float>(Reduce::kDx);
  exec.parallel_for(r.outputs * r.terms, ReducePlan::kGrainElements,
                    [&](int64_t begin, int64_t end, int32_t) { fill_floats(dx + begin, 0.0f, end - begin); });
  exec.parallel_for(r.outputs, 1024, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) {
      if (index[i] >= 0 && index[i] < r.terms) dx[r.kept.offset(i) + r.reduced.offset(index[i])] = dy[i];
      else report_bad_value(exec, "an argmax is out of range", i, index[i]);
    }
  });
}

}  // namespace

const Kernel<Reduce> max_forward_vector{max, workspace};
const Kernel<Reduce> argmax_forward_vector{argmax, workspace};
const Kernel<Reduce> max_backward_vector{backward};

}  // namespace ndl::cpu::NDL_ISA
