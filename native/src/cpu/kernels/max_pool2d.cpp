// cpu/kernels/max_pool2d.cpp: max pooling over NHWC, vectors along channels.
//   forward:  y[n,p,q,c] = max of x over the window, argmax = h*W + w of the first largest; NaN counts as largest
//   backward: dx[n,h,w,c] = sum of dy[n,p,q,c] over the windows with argmax (h,w)
// x, dx [n,h,w,c]; y, dy, argmax [n,p,q,c].
// Mapping: forward, a task is a row (n,p) of y; backward, a task is an image n and a block of channels, which one
// thread scatters in order, so that sums do not depend on threads. Refuses: f64. Bound: memory bandwidth.
#include "cpu/simd.hpp"
#include "ops/max_pool2d.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

template <bool kIndex>
NDL_INLINE void forward_row(const MaxPool2d& r, const float* image, int64_t p, float* y, int32_t* argmax) {
  const int64_t top = p * r.stride_h - r.pad_top;
  for (int64_t q = 0; q < r.q; ++q) {
    const int64_t left = q * r.stride_w - r.pad_left;
    for_vectors(0, r.c, [&](int64_t c, int lanes) NDL_LAMBDA_INLINE {
      F32 best = broadcast(-__builtin_inff());
      I32 index = broadcast<I32>(-1);
      for (int64_t i = 0; i < r.r; ++i) {
        const int64_t row = top + i * r.dilation_h;
        if (row < 0 || row >= r.h) continue;
        for (int64_t j = 0; j < r.s; ++j) {
          const int64_t col = left + j * r.dilation_w;
          if (col < 0 || col >= r.w) continue;
          const F32 v = load_some(image + (row * r.w + col) * r.c + c, lanes);
          // Larger, or the first NaN, or the first element of all (which may be -inf).
          const I32 take = (v > best) | ((v != v) & (best == best)) | (index < 0);
          best = select(take, v, best);
          index = select(take, broadcast<I32>(static_cast<int32_t>(row * r.w + col)), index);
        }
      }
      store_some(y + q * r.c + c, best, lanes);
      if constexpr (kIndex) store_n<I32>(argmax + q * r.c + c, index, lanes);
    });
  }
}

void forward(const MaxPool2d& r, const Buffers& b, const Exec& exec) {
  const float* x = b.get<float>(MaxPool2d::kX);
  float* y = b.get<float>(MaxPool2d::kY);
  auto* argmax = b.get<int32_t>(MaxPool2d::kArgmax);
  const int64_t row_size = r.q * r.c;
  const int64_t grain = 1 + 8192 / (row_size + 1);
  exec.parallel_for(r.n * r.p, grain, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t row = begin; row < end; ++row) {
      const float* image = x + row / r.p * r.h * r.w * r.c;
      if (argmax != nullptr) forward_row<true>(r, image, row % r.p, y + row * row_size, argmax + row * row_size);
      else forward_row<false>(r, image, row % r.p, y + row * row_size, nullptr);
    }
  });
}

void backward(const MaxPool2d& r, const Buffers& b, const Exec& exec) {
  const float* dy = b.get<float>(MaxPool2d::kDy);
  const auto* argmax = b.get<int32_t>(MaxPool2d::kIndex);
  float* dx = b.get<float>(MaxPool2d::kDx);
  // A row of pixels of at least a cache line, so that threads never share one.
  const int64_t block = 64, blocks = (r.c + block - 1) / block;
  exec.parallel_for(r.n * blocks, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t n = task / blocks, first = task % blocks * block, last = first + block < r.c ? first + block : r.c;
      float* image = dx + n * r.h * r.w * r.c;
      for (int64_t pixel = 0; pixel < r.h * r.w; ++pixel) fill_floats(image + pixel * r.c + first, 0.0f, last - first);
      for (int64_t p = 0; p < r.p; ++p)
        for (int64_t q = 0; q < r.q; ++q) {
          const int64_t at = ((n * r.p + p) * r.q + q) * r.c;
          const int64_t top = p * r.stride_h - r.pad_top, left = q * r.stride_w - r.pad_left;
          // One compare per element guards against an index from elsewhere: taps of one window are few, so the
          // window is searched for the index, and what no tap claims is an error.
          for_vectors(first, last, [&](int64_t c, int lanes) NDL_LAMBDA_INLINE {
            const I32 index = load_n<I32>(argmax + at + c, lanes);
            const F32 gradient = load_some(dy + at + c, lanes);
            I32 claimed = I32{};
            for (int64_t i = 0; i < r.r; ++i) {
              const int64_t row = top + i * r.dilation_h;
              if (row < 0 || row >= r.h) continue;
              for (int64_t j = 0; j < r.s; ++j) {
                const int64_t col = left + j * r.dilation_w;
                if (col < 0 || col >= r.w) continue;
                const I32 hit = index == static_cast<int32_t>(row * r.w + col);
                claimed |= hit;
                float* target = image + (row * r.w + col) * r.c + c;
                store_some(target, load_some(target, lanes) + select(hit, gradient, F32{}), lanes);
              }
            }
            int32_t flags[kLanes];
            store<I32>(flags, claimed);
            for (int lane = 0; lane < lanes; ++lane)
              if (flags[lane] == 0) report_bad_value(exec, "an argmax lies outside its window", at + c + lane, argmax[at + c + lane]);
          });
        }
    }
  });
}

}  // namespace

const Kernel<MaxPool2d> max_pool2d_forward_vector{forward};
const Kernel<MaxPool2d> max_pool2d_backward_vector{backward};

}  // namespace ndl::cpu::NDL_ISA
