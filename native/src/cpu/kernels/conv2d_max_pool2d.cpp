// cpu/kernels/conv2d_max_pool2d.cpp: convolution and max pooling by slices of the batch, around every method of conv2d.
//
//   forward          z = conv2d(x, w, b) of a slice, y and argmax from it
//   backward_input   dz of a slice from dy and argmax, dx = conv2d_backward_input(dz)
//   backward_weight  likewise, the slices' dw added in their order
//
// x, dx [n,h,w,c]; z, dz [n,p,q,k] of the convolution, in the workspace; y, dy, argmax [n,p/pool_h,q/pool_w,k].
// Neither z nor dz passes through memory, and rows and columns that fill no window are not computed:
//
//   private  a slice is a thread's, as many images as give 768 KB of z, in L2. Threads meet once, and have the same images from
//            op to op: what a core has in its caches it need not fetch from another's
//   shared   for fewer images, and gradients of weights, whose methods cut the batch themselves: all threads are at one slice,
//            as many images as give 4 MB of z. Fewer would leave the method's tiles less than full
//
// Refuses what the method refuses. The cut into slices follows from the shapes alone. Bound: that of the convolution.
#include "cpu/simd.hpp"
#include "ops/conv2d_max_pool2d.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

using Pooled = Conv2dMaxPool2d;

constexpr int64_t kSlice = int64_t{1} << 20;           // floats of z, shared
constexpr int64_t kPrivateSlice = int64_t{192} << 10;  // and private
constexpr int64_t kTogether = 8;                       // private slices come in such numbers, for threads to share evenly

NDL_INLINE int64_t image_floats(const Conv2d& c) { return c.p * c.q * c.k; }

// Slice i holds images [n*i/count, n*(i+1)/count): sizes differ by one at most.
struct Slices {
  int64_t n, count;

  NDL_INLINE explicit Slices(const Conv2d& c, int64_t floats = kSlice) : n(c.n), count(ceil_div(c.n, at_least_1(floats / (image_floats(c) + 1)))) {}
  NDL_INLINE int64_t begin(int64_t i) const { return n * i / count; }
  NDL_INLINE int64_t largest() const { return count == 0 ? 0 : ceil_div(n, count); }
};

// None where there are too few images.
NDL_INLINE Slices private_slices(const Conv2d& c) {
  Slices slices(c, kPrivateSlice);
  slices.count = ceil_div(slices.count, kTogether) * kTogether;
  if (slices.count > c.n || image_floats(c) > kPrivateSlice) slices.count = 0;
  return slices;
}
NDL_INLINE bool are_private(const Slices& slices, int64_t threads) {
  return slices.count >= 4 * threads || (slices.count > 0 && slices.count % threads == 0);
}

NDL_INLINE Conv2d slice_of(const Conv2d& c, int64_t images) {
  Conv2d slice = c;
  slice.n = images;
  const double share = c.n == 0 ? 0 : static_cast<double>(images) / static_cast<double>(c.n);
  slice.flop = c.flop * share, slice.bytes = c.bytes * share;
  return slice;
}

NDL_INLINE int64_t z_floats(const Conv2d& c, const Slices& slices) { return (slices.largest() * image_floats(c) + 15) / 16 * 16; }
NDL_INLINE int64_t weight_floats(const Conv2d& c) { return (c.k * c.r * c.s * c.c + 15) / 16 * 16; }

// Bytes for z and the method's own workspace, of slices of either size.
NDL_INLINE int64_t workspace_of(const Kernel<Conv2d>& kernel, const Conv2d& c, const Slices& slices, const Env& env) {
  int64_t own = 0;
  if (kernel.workspace != nullptr)
    for (int64_t images = slices.largest(); images > 0 && images + 1 >= slices.largest(); --images) {
      const int64_t bytes = kernel.workspace(slice_of(c, images), env);
      if (bytes > own) own = bytes;
    }
  return z_floats(c, slices) * 4 + own;
}
// Bytes that a thread needs for private slices, whole lines.
NDL_INLINE int64_t private_workspace(const Kernel<Conv2d>& kernel, const Conv2d& c, const Slices& slices) {
  return (workspace_of(kernel, c, slices, Env{1, NDL_PRECISION_STANDARD}) + 63) / 64 * 64;
}
// Calls body(first image, images, z, its floats, exec) for each slice, private or shared; the method's workspace lies behind z.
template <class Body>
NDL_INLINE void for_slices(const Kernel<Conv2d>& kernel, const Conv2d& c, const Exec& exec, const Body& body) {
  auto* workspace = static_cast<char*>(exec.workspace);
  const auto of = [&](const Slices& slices, int64_t i, char* own, const Exec& inner) NDL_LAMBDA_INLINE {
    const int64_t first = slices.begin(i);
    body(first, slices.begin(i + 1) - first, reinterpret_cast<float*>(own), z_floats(c, slices), inner);
  };
  const Slices own = private_slices(c), shared(c);
  if (!are_private(own, exec.threads)) {
    for (int64_t i = 0; i < shared.count; ++i) of(shared, i, workspace, exec);
    return;
  }
  const int64_t bytes = private_workspace(kernel, c, own);
  exec.parallel_for(own.count, 1, [&](int64_t begin, int64_t end, int32_t thread) {
    Exec alone = exec;
    alone.threads = 1;
    for (int64_t i = begin; i < end; ++i) of(own, i, workspace + thread * bytes, alone);
  });
}

template <int kOperands>
NDL_INLINE void call(const Kernel<Conv2d>& kernel, const Conv2d& slice, const void* const (&operands)[kOperands], const void* derived,
                     const Exec& exec, float* workspace) {
  void* pointers[kOperands];
  for (int i = 0; i < kOperands; ++i) pointers[i] = const_cast<void*>(operands[i]);
  constexpr int32_t kFirst[] = {0, 1, 2, 3, 4, 5};
  Exec inner = exec;
  inner.workspace = workspace;
  kernel.run(slice, Buffers{pointers, nullptr, kFirst, derived}, inner);
}

// --- pooling -------------------------------------------------------------------------------------------------------

// Calls body(n * r.p + p) for the rows of windows of `images` images, shared out.
template <class Body>
NDL_INLINE void for_rows(const Pooled& r, int64_t images, const Exec& exec, const Body& body) {
  exec.parallel_for(images * r.p, 1 + 16384 / (r.pool_h * r.conv.q * r.conv.k + 1), [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t row = begin; row < end; ++row) body(row);
  });
}

// n channels of a window: its largest and where that is, a NaN being larger than all numbers. height x width: constants where
// they are common.
NDL_INLINE F32 largest(const float* z, int64_t height, int64_t width, int64_t line, int64_t k, int n, I32& index) {
  const auto at = [&](int64_t tap) NDL_LAMBDA_INLINE { return in_register(load_some(z + tap / width * line + tap % width * k, n)); };
  F32 best = at(0), sum = best;  // a NaN makes the sum one, as opposite infinities do, which is rare
  index = I32{};
#pragma GCC unroll 4
  for (int64_t tap = 1; tap < height * width; ++tap) {
    const F32 v = at(tap);
    index = select(v > best, broadcast<I32>(static_cast<int32_t>(tap)), index);
    best = maximum(v, best), sum += v;
  }
  if (!any(sum != sum)) [[likely]] return best;
  best = at(0), index = I32{};
  for (int64_t tap = 1; tap < height * width; ++tap) {
    const F32 v = at(tap);
    const I32 take = beats(v, best);
    best = select(take, v, best), index = select(take, broadcast<I32>(static_cast<int32_t>(tap)), index);
  }
  return best;
}
NDL_INLINE void pool_row(const Pooled& r, int64_t height, int64_t width, int64_t row, const float* z, float* y, uint8_t* argmax) {
  const int64_t k = r.conv.k, line = r.conv.q * k, windows = r.q;
  const bool relu = r.conv.activation == NDL_ACTIVATION_RELU;
  const float* from = z + row * height * line;
  for (int64_t at = row * windows * k, end = at + windows * k; at < end; at += k, from += width * k)
    for_vectors(0, k, [&](int64_t c, int n) NDL_LAMBDA_INLINE {
      I32 index;
      const F32 best = largest(from + c, height, width, line, k, n, index);
      store_some(y + at + c, best, n);
      if (argmax == nullptr) return;
      if (relu) index = select(best > 0.0f, index, broadcast<I32>(kNoGradient));
      store_bytes(argmax + at + c, index, n);
    });
}
void pool(const Pooled& r, int64_t images, const float* z, float* y, uint8_t* argmax, const Exec& exec) {
  for_rows(r, images, exec, [&](int64_t row) {
    if (r.pool_h == 2 && r.pool_w == 2) pool_row(r, 2, 2, row, z, y, argmax);
    else pool_row(r, r.pool_h, r.pool_w, row, z, y, argmax);
  });
}

NDL_INLINE void unpool_row(const Pooled& r, int64_t height, int64_t width, int64_t row, const float* dy, const uint8_t* argmax, float* dz,
                           int64_t position, const Exec& exec) {
  const int64_t k = r.conv.k, line = r.conv.q * k;
  for (int64_t q = 0; q < r.q; ++q) {
    float* to = dz + row * height * line + q * width * k;
    const int64_t at = (row * r.q + q) * k;
    for_vectors(0, k, [&](int64_t c, int n) NDL_LAMBDA_INLINE {
      const F32 gradient = load_some(dy + at + c, n);
      const I32 index = load_bytes(argmax + at + c, n);
      for (int64_t i = 0; i < height; ++i)
        for (int64_t j = 0; j < width; ++j)
          store_some(to + i * line + j * k + c, select(index == static_cast<int32_t>(i * width + j), gradient, F32{}), n);
      const I32 wrong = (index >= static_cast<int32_t>(height * width)) & (index != kNoGradient);
      if (!any(wrong)) return;
      for (int lane = 0; lane < n; ++lane)
        if (wrong[lane] != 0) report_bad_value(exec, kBadPosition, position + at + c + lane, index[lane]);
    });
  }
}
// dz of `images` images from `first` on.
void unpool(const Pooled& r, int64_t first, int64_t images, const float* dy, const uint8_t* argmax, float* dz, const Exec& exec) {
  const int64_t position = first * r.p * r.q * r.conv.k;
  for_rows(r, images, exec, [&](int64_t row) {
    if (r.pool_h == 2 && r.pool_w == 2) unpool_row(r, 2, 2, row, dy + position, argmax + position, dz, position, exec);
    else unpool_row(r, r.pool_h, r.pool_w, row, dy + position, argmax + position, dz, position, exec);
  });
}

// --- passes --------------------------------------------------------------------------------------------------------

template <const Kernel<Conv2d>& kConv>
void forward(const Pooled& r, const Buffers& b, const Exec& exec) {
  const Conv2d& c = r.conv;
  const float* x = b.get<float>(Pooled::kX);
  float* y = b.get<float>(Pooled::kY);
  auto* argmax = b.get<uint8_t>(Pooled::kArgmax);
  for_slices(kConv, c, exec, [&](int64_t first, int64_t images, float* z, int64_t floats, const Exec& inner) NDL_LAMBDA_INLINE {
    const int64_t at = first * r.p * r.q * c.k;
    call(kConv, slice_of(c, images), {x + first * c.h * c.w * c.c, b.get<float>(Pooled::kWeight), b.get<float>(Pooled::kBias), nullptr, z},
         b.derived, inner, z + floats);
    pool(r, images, z, y + at, argmax == nullptr ? nullptr : argmax + at, inner);
  });
}

template <const Kernel<Conv2d>& kConv>
void backward_input(const Pooled& r, const Buffers& b, const Exec& exec) {
  const Conv2d& c = r.conv;
  float* dx = b.get<float>(Pooled::kDx);
  for_slices(kConv, c, exec, [&](int64_t first, int64_t images, float* dz, int64_t floats, const Exec& inner) NDL_LAMBDA_INLINE {
    unpool(r, first, images, b.get<float>(Pooled::kDy), b.get<uint8_t>(Pooled::kIndex), dz, inner);
    call(kConv, slice_of(c, images), {dz, b.get<float>(Pooled::kFilter), nullptr, dx + first * c.h * c.w * c.c}, b.derived, inner, dz + floats);
  });
}

template <const Kernel<Conv2d>& kConv>
void backward_weight(const Pooled& r, const Buffers& b, const Exec& exec) {
  const Conv2d& c = r.conv;
  const Slices slices(c);
  const int64_t weights = c.k * c.r * c.s * c.c;
  const float* x = b.get<float>(Pooled::kImage);
  float* dw = b.get<float>(Pooled::kDw);
  auto* dz = static_cast<float*>(exec.workspace);
  float* part = dz + z_floats(c, slices);
  if (slices.count == 0) return fill_floats(dw, 0.0f, weights);
  for (int64_t i = 0; i < slices.count; ++i) {
    const int64_t first = slices.begin(i), images = slices.begin(i + 1) - first;
    unpool(r, first, images, b.get<float>(Pooled::kGradient), b.get<uint8_t>(Pooled::kPosition), dz, exec);
    call(kConv, slice_of(c, images), {x + first * c.h * c.w * c.c, dz, nullptr, i == 0 ? dw : part}, nullptr, exec, part + weight_floats(c));
    if (i == 0) continue;
    exec.parallel_for(weights, 16384, [&](int64_t begin, int64_t end, int32_t) {
      for_vectors(begin, end, [&](int64_t e, int n) NDL_LAMBDA_INLINE { store_some(dw + e, load_some(dw + e, n) + load_some(part + e, n), n); });
    });
  }
}

// Slices of rows, each summed by one task, then added in their order.
NDL_INLINE int64_t bias_slices(const Conv2dMaxPool2dBias& r) { return r.rows * r.k < 65536 ? 1 : r.rows < 16 ? r.rows : 16; }
int64_t bias_workspace(const Conv2dMaxPool2dBias& r, const Env&) { return bias_slices(r) * r.k * 4; }

void backward_bias(const Conv2dMaxPool2dBias& r, const Buffers& b, const Exec& exec) {
  const float* dy = b.get<float>(Conv2dMaxPool2dBias::kDy);
  const auto* argmax = b.get<uint8_t>(Conv2dMaxPool2dBias::kIndex);
  float* db = b.get<float>(Conv2dMaxPool2dBias::kDb);
  auto* partial = static_cast<float*>(exec.workspace);
  const int64_t slices = bias_slices(r);
  exec.parallel_for(slices, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t slice = begin; slice < end; ++slice)
      for_vectors(0, r.k, [&](int64_t k, int n) NDL_LAMBDA_INLINE {
        LongSum sum;
        for (int64_t row = r.rows * slice / slices; row < r.rows * (slice + 1) / slices; ++row)
          sum.add(select(load_bytes(argmax + row * r.k + k, n) == kNoGradient, F32{}, load_some(dy + row * r.k + k, n)));
        store_some(partial + slice * r.k + k, sum.value(), n);
      });
  });
  for_vectors(0, r.k, [&](int64_t k, int n) NDL_LAMBDA_INLINE {
    F32 sum = load_some(partial + k, n);
    for (int64_t slice = 1; slice < slices; ++slice) sum += load_some(partial + slice * r.k + k, n);
    store_some(db + k, sum, n);
  });
}

template <const Kernel<Conv2d>& kConv>
int64_t workspace(const Pooled& r, const Env& env) {
  const Slices own = private_slices(r.conv);
  const int64_t shared = workspace_of(kConv, r.conv, Slices(r.conv), env);
  return own.count == 0 ? shared : greater(shared, env.cores * private_workspace(kConv, r.conv, own));
}
template <const Kernel<Conv2d>& kConv>
int64_t weight_workspace(const Pooled& r, const Env& env) {
  return workspace_of(kConv, r.conv, Slices(r.conv), env) + weight_floats(r.conv) * 4;
}
template <const Kernel<Conv2d>& kConv>
int64_t derived_bytes(const Pooled& r, const Env& env) {
  return kConv.derived_bytes(r.conv, env);
}
template <const Kernel<Conv2d>& kConv>
void derive(const Pooled& r, const void* weight, void* derived, const Exec& exec) {
  kConv.derive(r.conv, weight, derived, exec);
}
template <const Kernel<Conv2d>& kConv>
int64_t derived_variant(const Pooled& r) {
  return kConv.derived_variant == nullptr ? 0 : kConv.derived_variant(r.conv);
}

}  // namespace

#define NDL_AROUND(method)                                                                                                         \
  const Kernel<Pooled> conv2d_max_pool2d_forward_##method{                                                                         \
      forward<conv2d_forward_##method>,       workspace<conv2d_forward_##method>, Pooled::kWeight,                                  \
      derived_bytes<conv2d_forward_##method>, derive<conv2d_forward_##method>,    derived_variant<conv2d_forward_##method>};        \
  const Kernel<Pooled> conv2d_max_pool2d_backward_input_##method{                                                                  \
      backward_input<conv2d_backward_input_##method>, workspace<conv2d_backward_input_##method>, Pooled::kFilter,                   \
      derived_bytes<conv2d_backward_input_##method>,  derive<conv2d_backward_input_##method>,    derived_variant<conv2d_backward_input_##method>}; \
  const Kernel<Pooled> conv2d_max_pool2d_backward_weight_##method{backward_weight<conv2d_backward_weight_##method>,                \
                                                                  weight_workspace<conv2d_backward_weight_##method>};
NDL_AROUND(implicit_gemm)
NDL_AROUND(few_channels)
NDL_AROUND(winograd2x2)
NDL_AROUND(winograd4x4)
#undef NDL_AROUND
const Kernel<Conv2dMaxPool2dBias> conv2d_max_pool2d_backward_bias_vector{backward_bias, bias_workspace};

}  // namespace ndl::cpu::NDL_ISA
