// cpu/kernels/softmax.cpp: softmax and log_softmax over the middle of [outer, terms, inner]; formulas in nativedl/softmax.h.
// Mapping: where inner is 1, a line of terms lies together and vectors go along it; else vectors go along inner, each
// lane its own line. A task is some lines, of kTask elements and more. A line is read three times (forward) or twice
// (backward), after the first time from cache. Beyond the cache, lines that lie together are finished in a block in L1,
// which is then stored past the caches. Refuses: f64. Bound: memory bandwidth, for short lines the exponential.
#include "cpu/simd_math.hpp"
#include "ops/softmax.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int64_t kTask = 16384, kBlock = 2048;  // elements; of a block, a multiple of kLanes
constexpr float kLowest = -__builtin_inff();

// A line whose elements lie together, at most kBlock of them where kShort, or as many lines as a vector has lanes (n of
// them are there), `step` apart.
template <bool kShort>
struct Together {
  static constexpr bool kHeld = kShort;
  int64_t terms;

  template <class Body>
  NDL_INLINE void each(const Body& body) const { for_vectors(0, terms, body); }
  NDL_INLINE static F32 sum(F32 v) { return spread_sum(v); }
  NDL_INLINE static F32 max(F32 v) { return spread_max(v); }
};
struct Apart {
  static constexpr bool kHeld = false;
  int64_t terms, step;
  int lanes;

  template <class Body>
  NDL_INLINE void each(const Body& body) const {
    if (lanes == kLanes) for (int64_t i = 0; i < terms; ++i) body(i * step, kLanes);
    else for (int64_t i = 0; i < terms; ++i) body(i * step, lanes);
  }
  NDL_INLINE static F32 sum(F32 v) { return v; }
  NDL_INLINE static F32 max(F32 v) { return v; }
};

template <bool kLog, class Line>
NDL_INLINE void forward_line(const Line& line, const float* x, float* y) {
  // Exponentials of a short line wait in whole vectors: what was stored in part cannot be loaded at once.
  alignas(kVectorBytes) float held[kBlock];
  F32 top = broadcast(kLowest);
  LongSum exps;
  line.each([&](int64_t i, int n) NDL_LAMBDA_INLINE { top = maximum(load_some_or(x + i, n, kLowest), top); });  // a NaN comes through the sum
  top = Line::max(top);
  line.each([&](int64_t i, int n) NDL_LAMBDA_INLINE {
    const F32 e = exponential(load_some_or(x + i, n, kLowest) - top);
    exps.add(e);
    if constexpr (!kLog && Line::kHeld) store<F32>(held + i, e);
    else if constexpr (!kLog) store_some(y + i, e, n);
  });
  const F32 sum = Line::sum(exps.value());
  if constexpr (kLog) {
    const F32 log_sum = logarithm(sum);
    line.each([&](int64_t i, int n) NDL_LAMBDA_INLINE { store_some(y + i, (load_some(x + i, n) - top) - log_sum, n); });
  } else {
    const F32 scale = 1.0f / sum;
    line.each([&](int64_t i, int n) NDL_LAMBDA_INLINE {
      store_some(y + i, (Line::kHeld ? load(held + i) : load_some(y + i, n)) * scale, n);
    });
  }
}

template <bool kLog, class Line>
NDL_INLINE void backward_line(const Line& line, const float* y, const float* dy, float* dx) {
  LongSum terms;
  line.each([&](int64_t i, int n) NDL_LAMBDA_INLINE {
    terms.add(kLog ? load_some(dy + i, n) : load_some(dy + i, n) * load_some(y + i, n));
  });
  const F32 sum = Line::sum(terms.value());
  line.each([&](int64_t i, int n) NDL_LAMBDA_INLINE {
    const F32 p = load_some(y + i, n), g = load_some(dy + i, n);
    store_some(dx + i, kLog ? g - exponential(p) * sum : p * (g - sum), n);
  });
}

// Calls body(line, offset, to) for all lines; the results of each go to `to`.
template <class Body>
NDL_INLINE void for_lines(const Softmax& r, float* target, const Exec& exec, const Body& body) {
  if (r.terms == 0) return;
  if (r.inner == 1) {
    const int64_t terms = r.terms, lines = terms < kBlock ? kBlock / terms : 1;
    const bool streamed = exec.beyond_cache(r) && terms <= kBlock;
    exec.parallel_for(r.outer, 1 + stream_grain(streamed, kTask) / terms, [&](int64_t begin, int64_t end, int32_t) {
      alignas(kVectorBytes) float block[kBlock];
      for (int64_t row = begin; row < end; row += lines) {
        const int64_t stop = row + lines < end ? row + lines : end;
        float* to = streamed ? block : target + row * terms;
        for (int64_t i = row; i < stop; ++i, to += terms)
          if (terms <= kBlock) body(Together<true>{terms}, i * terms, to);
          else body(Together<false>{terms}, i * terms, to);
        if (streamed) stream_floats(target + row * terms, block, (stop - row) * terms);
      }
      stream_fence();
    });
    return;
  }
  const int64_t blocks = (r.inner + kLanes - 1) / kLanes;
  exec.parallel_for(r.outer * blocks, 1 + kTask / (r.terms * kLanes), [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task % blocks * kLanes, left = r.inner - first;
      const int64_t offset = task / blocks * r.terms * r.inner + first;
      body(Apart{r.terms, r.inner, left < kLanes ? static_cast<int>(left) : kLanes}, offset, target + offset);
    }
  });
}

template <bool kLog>
void forward(const Softmax& r, const Buffers& b, const Exec& exec) {
  const float* x = b.get<float>(Softmax::kX);
  float* y = b.get<float>(Softmax::kY);
  for_lines(r, y, exec, [&](const auto& line, int64_t at, float* to) { forward_line<kLog>(line, x + at, to); });
}

template <bool kLog>
void backward(const Softmax& r, const Buffers& b, const Exec& exec) {
  const float* y = b.get<float>(Softmax::kOutput);
  const float* dy = b.get<float>(Softmax::kDy);
  float* dx = b.get<float>(Softmax::kDx);
  for_lines(r, dx, exec, [&](const auto& line, int64_t at, float* to) { backward_line<kLog>(line, y + at, dy + at, to); });
}

}  // namespace

const Kernel<Softmax> softmax_forward_vector{forward<false>};
const Kernel<Softmax> softmax_backward_vector{backward<false>};
const Kernel<Softmax> log_softmax_forward_vector{forward<true>};
const Kernel<Softmax> log_softmax_backward_vector{backward<true>};

}  // namespace ndl::cpu::NDL_ISA
