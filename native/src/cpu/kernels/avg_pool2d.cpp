// cpu/kernels/avg_pool2d.cpp: average pooling over NHWC, vectors along channels.
//   forward:  y[n,p,q,c] = 1/d * sum of x over the window            backward: dx[n,h,w,c] = sum of dy/d over the windows
// x, dx [n,h,w,c]; y, dy [n,p,q,c]; d is the window's divisor (ops/avg_pool2d.hpp).
// Mapping: a task is a row (n,p) of y, or (n,h) of dx, which gathers from the few windows that hold a pixel; nothing is
// scattered, so sums do not depend on threads. Refuses: f64. Bound: memory bandwidth.
#include "cpu/simd.hpp"
#include "ops/avg_pool2d.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

void forward(const AvgPool2d& r, const Buffers& b, const Exec& exec) {
  const float* x = b.get<float>(AvgPool2d::kX);
  float* y = b.get<float>(AvgPool2d::kY);
  const int64_t grain = 1 + 16384 / (r.q * r.c * r.r * r.s + 1);
  exec.parallel_for(r.n * r.p, grain, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t row = begin; row < end; ++row) {
      const float* image = x + row / r.p * r.h * r.w * r.c;
      for (int64_t q = 0; q < r.q; ++q) {
        const AvgPool2d::Window window = r.window(row % r.p, q);
        const auto scale = static_cast<float>(1 / window.divisor);
        for_vectors(0, r.c, [&](int64_t c, int lanes) NDL_LAMBDA_INLINE {
          F32 sum = F32{};
          for (int64_t h = window.top; h < window.bottom; ++h) {
            F32 line = F32{};  // sums of sums: a large window loses less
            for (int64_t w = window.left; w < window.right; ++w) line += load_some(image + (h * r.w + w) * r.c + c, lanes);
            sum += line;
          }
          store_some(y + (row * r.q + q) * r.c + c, sum * scale, lanes);
        });
      }
    }
  });
}

void backward(const AvgPool2d& r, const Buffers& b, const Exec& exec) {
  const float* dy = b.get<float>(AvgPool2d::kDy);
  float* dx = b.get<float>(AvgPool2d::kDx);
  const int64_t grain = 1 + 16384 / (r.w * r.c + 1);
  const bool uniform = r.uniform();
  const auto scale = static_cast<float>(1 / r.window(0, 0).divisor);
  exec.parallel_for(r.n * r.h, grain, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t row = begin; row < end; ++row) {
      const float* gradients = dy + row / r.h * r.p * r.q * r.c;
      const Covering rows = r.rows_over(row % r.h);
      for (int64_t w = 0; w < r.w; ++w) {
        const Covering columns = r.columns_over(w);
        for_vectors(0, r.c, [&](int64_t c, int lanes) NDL_LAMBDA_INLINE {
          F32 sum = F32{};
          for (int64_t p = rows.begin; p < rows.end; ++p)
            for (int64_t q = columns.begin; q < columns.end; ++q)
              sum += load_some(gradients + (p * r.q + q) * r.c + c, lanes) * (uniform ? scale : static_cast<float>(1 / r.window(p, q).divisor));
          store_some(dx + (row * r.w + w) * r.c + c, sum, lanes);
        });
      }
    }
  });
}

}  // namespace

const Kernel<AvgPool2d> avg_pool2d_forward_vector{forward};
const Kernel<AvgPool2d> avg_pool2d_backward_vector{backward};

}  // namespace ndl::cpu::NDL_ISA
