// cpu/kernels/global_avg_pool2d.cpp: the mean of each image and channel, NHWC.
//   forward:  y[n,c] = 1/pixels * sum of x[n,i,c]            backward: dx[n,i,c] = dy[n,c] / pixels
// x, dx [n,pixels,c]; y, dy [n,c].
// Mapping: forward, a task is an image and kBlock channels, so that what it writes is cache lines of its own; sums go
// in runs of kRun pixels, then over the runs, which keeps the rounding of large images small. Backward, a task is a
// range of pixels. Refuses: f64. Bound: memory bandwidth.
#include "cpu/simd.hpp"
#include "ops/global_avg_pool2d.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int64_t kBlock = 64, kRun = 64;

void forward(const GlobalAvgPool2d& r, const Buffers& b, const Exec& exec) {
  const float* x = b.get<float>(GlobalAvgPool2d::kX);
  float* y = b.get<float>(GlobalAvgPool2d::kY);
  const int64_t blocks = (r.c + kBlock - 1) / kBlock, grain = 1 + 8192 / (r.pixels * kBlock);
  const auto scale = static_cast<float>(1.0 / static_cast<double>(r.pixels));
  exec.parallel_for(r.n * blocks, grain, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t n = task / blocks, first = task % blocks * kBlock, last = first + kBlock < r.c ? first + kBlock : r.c;
      const float* image = x + n * r.pixels * r.c;
      for_stripes(last - first, [&](auto width, int64_t at, int lanes) NDL_LAMBDA_INLINE {
        constexpr int kVectors = decltype(width)::value;
        const int64_t c = first + at;
        F32 sum[kVectors] = {};
        for (int64_t i = 0; i < r.pixels; i += kRun) {
          const int64_t stop = i + kRun < r.pixels ? i + kRun : r.pixels;
          F32 run[kVectors] = {};
          for (int64_t j = i; j < stop; ++j)
#pragma GCC unroll 4
            for (int v = 0; v < kVectors; ++v) run[v] += load_some(image + j * r.c + c + v * kLanes, lanes);
#pragma GCC unroll 4
          for (int v = 0; v < kVectors; ++v) sum[v] += run[v];
        }
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) store_some(y + n * r.c + c + v * kLanes, sum[v] * scale, lanes);
      });
    }
  });
}

void backward(const GlobalAvgPool2d& r, const Buffers& b, const Exec& exec) {
  const float* dy = b.get<float>(GlobalAvgPool2d::kDy);
  float* dx = b.get<float>(GlobalAvgPool2d::kDx);
  const auto scale = static_cast<float>(1.0 / static_cast<double>(r.pixels));
  exec.parallel_for(r.n * r.pixels, 1 + 16384 / (r.c + 1), [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) {
      const float* source = dy + i / r.pixels * r.c;
      for_vectors(0, r.c, [&](int64_t c, int lanes) NDL_LAMBDA_INLINE {
        store_some(dx + i * r.c + c, load_some(source + c, lanes) * scale, lanes);
      });
    }
  });
}

}  // namespace

const Kernel<GlobalAvgPool2d> global_avg_pool2d_forward_vector{forward};
const Kernel<GlobalAvgPool2d> global_avg_pool2d_backward_vector{backward};

}  // namespace ndl::cpu::NDL_ISA
