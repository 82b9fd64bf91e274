// cpu/ref/conv2d.cpp: convolution by the definition, sums in double. f32, bf16, f64.
//   Shapes as in ops/conv2d.hpp; g = k / (K/groups) is the group of output channel k.
#include "ops/conv2d.hpp"

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

// Calls body(tap, pixel) for each tap of the window at (p, q) that lies inside the image.
template <class Body>
void for_taps(const Conv2d& r, int64_t n, int64_t p, int64_t q, const Body& body) {
  for (int64_t i = 0; i < r.r; ++i) {
    const int64_t row = p * r.stride_h + i * r.dilation_h - r.pad_top;
    if (row < 0 || row >= r.h) continue;
    for (int64_t j = 0; j < r.s; ++j) {
      const int64_t col = q * r.stride_w + j * r.dilation_w - r.pad_left;
      if (col < 0 || col >= r.w) continue;
      body(i * r.s + j, ((n * r.h + row) * r.w + col) * r.c);
    }
  }
}

template <class Body>
void for_outputs(const Conv2d& r, const Body& body) {
  for (int64_t n = 0; n < r.n; ++n)
    for (int64_t p = 0; p < r.p; ++p)
      for (int64_t q = 0; q < r.q; ++q) body(n, p, q, ((n * r.p + p) * r.q + q) * r.k);
}

void forward(const Conv2d& r, const Buffers& b, const Exec&) {
  const int64_t cg = r.c / r.groups, kg = r.k / r.groups;
  by_factor(r.dtype, [&]<class T>(T) {
    const T* x = b.get<T>(Conv2d::kX);
    const T* weight = b.get<T>(Conv2d::kWeight);
    const T* bias = b.get<T>(Conv2d::kBias);
    const T* residual = b.get<T>(Conv2d::kResidual);
    T* y = b.get<T>(Conv2d::kY);
    for_outputs(r, [&](int64_t n, int64_t p, int64_t q, int64_t out) {
      for (int64_t k = 0; k < r.k; ++k) {
        double sum = bias == nullptr ? 0.0 : static_cast<double>(bias[k]);
        if (residual != nullptr) sum += static_cast<double>(residual[out + k]);
        for_taps(r, n, p, q, [&](int64_t tap, int64_t pixel) {
          const T* xs = x + pixel + k / kg * cg;
          const T* ws = weight + (k * r.r * r.s + tap) * cg;
          for (int64_t c = 0; c < cg; ++c) sum += static_cast<double>(xs[c]) * static_cast<double>(ws[c]);
        });
        y[out + k] = static_cast<T>(r.activation == NDL_ACTIVATION_RELU && sum < 0 ? 0.0 : sum);
      }
    });
  });
}

void backward_input(const Conv2d& r, const Buffers& b, const Exec&) {
  const int64_t cg = r.c / r.groups, kg = r.k / r.groups;
  by_factor(r.dtype, [&]<class T>(T) {
    const T* dy = b.get<T>(Conv2d::kDy);
    const T* weight = b.get<T>(Conv2d::kFilter);
    T* dx = b.get<T>(Conv2d::kDx);
    // Gathered, so that each element is summed in double without an image of doubles.
    for (int64_t n = 0; n < r.n; ++n)
      for (int64_t h = 0; h < r.h; ++h)
        for (int64_t w = 0; w < r.w; ++w)
          for (int64_t c = 0; c < r.c; ++c) {
            const int64_t g = c / cg;
            double sum = 0;
            for (int64_t i = 0; i < r.r; ++i) {
              const int64_t row = h + r.pad_top - i * r.dilation_h;
              if (row < 0 || row % r.stride_h != 0 || row / r.stride_h >= r.p) continue;
              for (int64_t j = 0; j < r.s; ++j) {
                const int64_t col = w + r.pad_left - j * r.dilation_w;
                if (col < 0 || col % r.stride_w != 0 || col / r.stride_w >= r.q) continue;
                const T* gradient = dy + ((n * r.p + row / r.stride_h) * r.q + col / r.stride_w) * r.k;
                for (int64_t k = g * kg; k < (g + 1) * kg; ++k)
                  sum += static_cast<double>(gradient[k]) * static_cast<double>(weight[((k * r.r + i) * r.s + j) * cg + c % cg]);
              }
            }
            dx[((n * r.h + h) * r.w + w) * r.c + c] = static_cast<T>(sum);
          }
  });
}

void backward_weight(const Conv2d& r, const Buffers& b, const Exec&) {
  const int64_t cg = r.c / r.groups, kg = r.k / r.groups;
  by_factor(r.dtype, [&]<class T>(T) {
    const T* x = b.get<T>(Conv2d::kImage);
    const T* dy = b.get<T>(Conv2d::kGradient);
    T* dw = b.get<T>(Conv2d::kDw);
    for (int64_t k = 0; k < r.k; ++k)
      for (int64_t i = 0; i < r.r; ++i)
        for (int64_t j = 0; j < r.s; ++j)
          for (int64_t c = 0; c < cg; ++c) {
            double sum = 0;
            for (int64_t n = 0; n < r.n; ++n)
              for (int64_t p = 0; p < r.p; ++p) {
                const int64_t row = p * r.stride_h + i * r.dilation_h - r.pad_top;
                if (row < 0 || row >= r.h) continue;
                for (int64_t q = 0; q < r.q; ++q) {
                  const int64_t col = q * r.stride_w + j * r.dilation_w - r.pad_left;
                  if (col < 0 || col >= r.w) continue;
                  sum += static_cast<double>(dy[((n * r.p + p) * r.q + q) * r.k + k]) *
                         static_cast<double>(x[((n * r.h + row) * r.w + col) * r.c + k / kg * cg + c]);
                }
              }
            dw[((k * r.r + i) * r.s + j) * cg + c] = static_cast<T>(sum);
          }
  });
}

void backward_bias(const Conv2dBias& r, const Buffers& b, const Exec&) {
  by_factor(r.dtype, [&]<class T>(T) {
    const T* dy = b.get<T>(Conv2dBias::kDy);
    T* db = b.get<T>(Conv2dBias::kDb);
    for (int64_t k = 0; k < r.k; ++k) {
      double sum = 0;
      for (int64_t row = 0; row < r.rows; ++row) sum += static_cast<double>(dy[row * r.k + k]);
      db[k] = static_cast<T>(sum);
    }
  });
}

}  // namespace

const Kernel<Conv2d> conv2d_forward{forward};
const Kernel<Conv2d> conv2d_backward_input{backward_input};
const Kernel<Conv2d> conv2d_backward_weight{backward_weight};
const Kernel<Conv2dBias> conv2d_backward_bias{backward_bias};

}  // namespace ndl::cpu::ref
