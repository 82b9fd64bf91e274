// cpu/ref/conv2d_max_pool2d.cpp: convolution and max pooling by their definitions, one after the other; the image between
// them, and its gradient, are in the workspace. f32, f64.
#include "ops/conv2d_max_pool2d.hpp"

#include <cmath>
#include <initializer_list>

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

int64_t image_bytes(const Conv2dMaxPool2d& r, const Env&) {
  return r.conv.n * r.conv.p * r.conv.q * r.conv.k * (r.conv.dtype == NDL_DTYPE_F64 ? 8 : 4);
}

// The operands of one of conv2d's passes.
void convolve(const Kernel<Conv2d>& kernel, const Conv2dMaxPool2d& r, std::initializer_list<void*> operands, const Exec& exec) {
  constexpr int32_t kFirst[] = {0, 1, 2, 3, 4, 5};
  kernel.run(r.conv, Buffers{operands.begin(), nullptr, kFirst, nullptr}, exec);
}

// body(window's number, its element's place in the image, its element's number) for every element of every window, in order.
template <class Body>
void for_windows(const Conv2dMaxPool2d& r, const Body& body) {
  const Conv2d& c = r.conv;
  for (int64_t at = 0; at < c.n * r.p * r.q * c.k; ++at) {
    const int64_t n = at / (r.p * r.q * c.k), p = at / (r.q * c.k) % r.p, q = at / c.k % r.q, k = at % c.k;
    for (int64_t i = 0; i < r.pool_h; ++i)
      for (int64_t j = 0; j < r.pool_w; ++j)
        body(at, ((n * c.p + p * r.pool_h + i) * c.q + q * r.pool_w + j) * c.k + k, i * r.pool_w + j);
  }
}

void forward(const Conv2dMaxPool2d& r, const Buffers& b, const Exec& exec) {
  convolve(conv2d_forward, r,
           {b.get<void>(Conv2dMaxPool2d::kX), b.get<void>(Conv2dMaxPool2d::kWeight), b.get<void>(Conv2dMaxPool2d::kBias), nullptr, exec.workspace}, exec);
  auto* argmax = b.get<uint8_t>(Conv2dMaxPool2d::kArgmax);
  by_dtype(r.conv.dtype, [&]<class T>(T) {
    const T* z = static_cast<const T*>(exec.workspace);
    T* y = b.get<T>(Conv2dMaxPool2d::kY);
    for_windows(r, [&](int64_t at, int64_t place, int64_t element) {
      if (element > 0 && !(z[place] > y[at]) && !(std::isnan(z[place]) && !std::isnan(y[at]))) return;
      y[at] = z[place];
      if (argmax != nullptr) argmax[at] = static_cast<uint8_t>(element);
    });
    if (argmax == nullptr || r.conv.activation != NDL_ACTIVATION_RELU) return;
    for (int64_t at = 0; at < r.conv.n * r.p * r.q * r.conv.k; ++at)
      if (!(y[at] > 0)) argmax[at] = kNoGradient;
  });
}

// dz from dy.
void unpool(const Conv2dMaxPool2d& r, const void* gradients, const uint8_t* argmax, const Exec& exec) {
  by_dtype(r.conv.dtype, [&]<class T>(T) {
    const T* dy = static_cast<const T*>(gradients);
    T* dz = static_cast<T*>(exec.workspace);
    for_windows(r, [&](int64_t at, int64_t place, int64_t element) {
      dz[place] = argmax[at] == element ? dy[at] : 0;
      if (element == 0 && argmax[at] >= r.pool_h * r.pool_w && argmax[at] != kNoGradient)
        report_bad_value(exec, kBadPosition, at, argmax[at]);
    });
  });
}

void backward_input(const Conv2dMaxPool2d& r, const Buffers& b, const Exec& exec) {
  unpool(r, b.get<void>(Conv2dMaxPool2d::kDy), b.get<uint8_t>(Conv2dMaxPool2d::kIndex), exec);
  convolve(conv2d_backward_input, r, {exec.workspace, b.get<void>(Conv2dMaxPool2d::kFilter), nullptr, b.get<void>(Conv2dMaxPool2d::kDx)}, exec);
}

void backward_weight(const Conv2dMaxPool2d& r, const Buffers& b, const Exec& exec) {
  unpool(r, b.get<void>(Conv2dMaxPool2d::kGradient), b.get<uint8_t>(Conv2dMaxPool2d::kPosition), exec);
  convolve(conv2d_backward_weight, r, {b.get<void>(Conv2dMaxPool2d::kImage), exec.workspace, nullptr, b.get<void>(Conv2dMaxPool2d::kDw)}, exec);
}

void backward_bias(const Conv2dMaxPool2dBias& r, const Buffers& b, const Exec&) {
  const auto* argmax = b.get<uint8_t>(Conv2dMaxPool2dBias::kIndex);
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* dy = b.get<T>(Conv2dMaxPool2dBias::kDy);
    for (int64_t k = 0; k < r.k; ++k) {
      double sum = 0;
      for (int64_t row = 0; row < r.rows; ++row)
        if (argmax[row * r.k + k] != kNoGradient) sum += static_cast<double>(dy[row * r.k + k]);
      b.get<T>(Conv2dMaxPool2dBias::kDb)[k] = static_cast<T>(sum);
    }
  });
}

}  // namespace

const Kernel<Conv2dMaxPool2d> conv2d_max_pool2d_forward{forward, image_bytes};
const Kernel<Conv2dMaxPool2d> conv2d_max_pool2d_backward_input{backward_input, image_bytes};
const Kernel<Conv2dMaxPool2d> conv2d_max_pool2d_backward_weight{backward_weight, image_bytes};
const Kernel<Conv2dMaxPool2dBias> conv2d_max_pool2d_backward_bias{backward_bias};

}  // namespace ndl::cpu::ref
