// cpu/kernels/conv2d_max_pool2d_patch.cpp: the weight's gradient of a first layer, 3x3 over one channel behind 2x2 pooling.
//
//   dw[k,r,s] = sum over windows (n,p,q) of dy[n,p,q,k] * x[n, 2p + a/2 + r, 2q + a%2 + s],  a = argmax[n,p,q,k]
//
// x [n,h,w,1]; dy, argmax [n,p,q,k]; dw [k,3,3,1]. Of the four outputs of a window one has a gradient, another one in each
// channel: its products are a quarter of those of the gradient spread out, which need not be written first. All that a
// window reads is a patch of 4x4 pixels, one register of 16; tap (r,s) of channel k is its element (a/2 + r)*4 + a%2 + s,
// which a permutation picks for 16 channels at once. 9 x 2 sums in registers, over a slice of the images; slices are added
// in order. Refuses: what is not that layer; it exists for AVX-512 alone. Bound: permutations, one for each FMA.
#if defined(__AVX512F__)

#include "cpu/simd.hpp"
#include "ops/conv2d_max_pool2d.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

using Pooled = Conv2dMaxPool2d;

constexpr int kTaps = 9;

NDL_INLINE int64_t slices_of(const Conv2d& c) { return smaller(c.n, 16); }
NDL_INLINE int64_t sums_floats(const Conv2d& c) { return kTaps * whole_vectors(c.k); }
int64_t workspace(const Pooled& r, const Env&) { return slices_of(r.conv) * sums_floats(r.conv) * 4; }

// Rows of four pixels, `line` apart.
NDL_INLINE F32 load_patch(const float* x, int64_t line) {
  __m512 patch = _mm512_castps128_ps512(_mm_loadu_ps(x));
  patch = _mm512_mask_broadcast_f32x4(patch, 0x00F0, _mm_loadu_ps(x + line));
  patch = _mm512_mask_broadcast_f32x4(patch, 0x0F00, _mm_loadu_ps(x + 2 * line));
  return (F32)_mm512_mask_broadcast_f32x4(patch, 0xF000, _mm_loadu_ps(x + 3 * line));
}

// Sums of images [first, last) for kVectors vectors of channels from k on, of which the last has n.
template <int kVectors>
NDL_INLINE void sum_images(const Pooled& r, const Buffers& b, int64_t first, int64_t last, int64_t k, int n, float* sums, const Exec& exec) {
  const Conv2d& c = r.conv;
  const float* x = b.get<float>(Pooled::kImage);
  const float* dy = b.get<float>(Pooled::kGradient);
  const auto* argmax = b.get<uint8_t>(Pooled::kPosition);
  F32 sum[kTaps][kVectors]{};
  for (int64_t image = first; image < last; ++image)
    for (int64_t p = 0; p < r.p; ++p)
      for (int64_t q = 0; q < r.q; ++q) {
        const F32 patch = load_patch(x + (image * c.h + 2 * p) * c.w + 2 * q, c.w);
        const int64_t window = ((image * r.p + p) * r.q + q) * c.k + k;
#pragma GCC unroll 2
        for (int j = 0; j < kVectors; ++j) {
          const int lanes = j + 1 < kVectors ? kLanes : n;
          const int64_t at = window + j * kLanes;
          const I32 position = load_bytes(argmax + at, lanes);
          const I32 none = position > 3;
          const F32 gradient = select(none, F32{}, load_some(dy + at, lanes));
          const I32 element = position + (position & 2);  // (a/2)*4 + a%2
#pragma GCC unroll 9
          for (int tap = 0; tap < kTaps; ++tap) sum[tap][j] += permute(patch, element + (tap / 3 * 4 + tap % 3)) * gradient;
          if (any(none & (position != kNoGradient)))
            for (int lane = 0; lane < lanes; ++lane)
              if (position[lane] > 3 && position[lane] != kNoGradient) report_bad_value(exec, kBadPosition, at + lane, position[lane]);
        }
      }
#pragma GCC unroll 9
  for (int tap = 0; tap < kTaps; ++tap)
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) store<F32>(sums + tap * whole_vectors(c.k) + k + j * kLanes, sum[tap][j]);
}

void backward_weight(const Pooled& r, const Buffers& b, const Exec& exec) {
  const Conv2d& c = r.conv;
  float* dw = b.get<float>(Pooled::kDw);
  auto* partial = static_cast<float*>(exec.workspace);
  const int64_t slices = slices_of(c), size = sums_floats(c), columns = whole_vectors(c.k);
  exec.parallel_for(slices, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t slice = begin; slice < end; ++slice) {
      const int64_t first = c.n * slice / slices, last = c.n * (slice + 1) / slices;
      int64_t k = 0;
      for (; k + 2 * kLanes <= c.k; k += 2 * kLanes) sum_images<2>(r, b, first, last, k, kLanes, partial + slice * size, exec);
      for_vectors(k, c.k, [&](int64_t at, int n) NDL_LAMBDA_INLINE { sum_images<1>(r, b, first, last, at, n, partial + slice * size, exec); });
    }
  });
  for (int64_t tap = 0; tap < kTaps; ++tap)
    for (int64_t k = 0; k < c.k; k += kLanes) {
      F32 sum{};
      for (int64_t slice = 0; slice < slices; ++slice) sum += load(partial + slice * size + tap * columns + k);
      for (int lane = 0; lane < kLanes && k + lane < c.k; ++lane) dw[(k + lane) * kTaps + tap] = sum[lane];
    }
}

}  // namespace

extern const Kernel<Pooled> conv2d_max_pool2d_backward_weight_patch{backward_weight, workspace};

}  // namespace ndl::cpu::NDL_ISA

#endif
