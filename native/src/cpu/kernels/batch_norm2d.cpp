// cpu/kernels/batch_norm2d.cpp: batch normalisation over NHWC, vectors along channels.
//   forward:  mean and variance of each channel, then y = act( (x - mean) * (gamma * inverse_std) + beta )
//   backward: g = dy, under relu 0 where y, formed anew, is not above 0;  s = sum of g, d = sum of g * (x - mean);
//             dbeta = s, dgamma = d * inverse_std,
//             dx = gamma * inverse_std * (g - s/m - (x - mean) * d * inverse_std^2 / m), in inference without the sums
// x, y, dy, dx [m,c]; all else [c].
// Mapping: rows go in blocks of about kBlockFloats. A block is read once: it sums x for the mean, and distances from its
// first row and their squares, which lose no digits to a large mean. Blocks are merged within a slice, slices at the end in
// double (Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979). Slices
// are tasks, at most kSlices, blocks and slices depend on the shape alone. Then a pass over rows applies. Stripes of
// channels keep their constants and sums in registers.
// Refuses: f64. Bound: memory bandwidth, x read twice.
#include "cpu/simd.hpp"
#include "ops/batch_norm2d.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int64_t kBlockFloats = 8192, kSlices = 64;

struct Rows {
  int64_t block, slice, slices;  // rows of a block and of a slice, a multiple of it
};
NDL_INLINE Rows rows_of(const BatchNorm2d& r) {
  int64_t block = kBlockFloats / (r.c + 1);
  block = block < 16 ? 16 : block > 256 ? 256 : block;  // short chains of additions round less
  const int64_t blocks = (r.m + block - 1) / block, each = (blocks + kSlices - 1) / kSlices;
  return {block, block * (each < 1 ? 1 : each), each < 1 ? 0 : (blocks + each - 1) / each};
}

// Two sums per slice and channel, then kVectors values per channel.
constexpr int64_t kVectors = 4;
NDL_INLINE int64_t sums_floats(const BatchNorm2d& r) { return (2 * rows_of(r).slices * r.c + 15) / 16 * 16; }
int64_t workspace(const BatchNorm2d& r, const Env&) { return (sums_floats(r) + kVectors * r.c) * 4; }

// body(slice, begin, end, first) for each block of each slice; first: of its slice.
template <class Body>
NDL_INLINE void for_blocks(const BatchNorm2d& r, const Exec& exec, const Body& body) {
  const Rows rows = rows_of(r);
  exec.parallel_for(rows.slices, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t slice = begin; slice < end; ++slice) {
      const int64_t from = slice * rows.slice, to = from + rows.slice < r.m ? from + rows.slice : r.m;
      for (int64_t row = from; row < to; row += rows.block) body(slice, row, row + rows.block < to ? row + rows.block : to, row - from);
    }
  });
}

// Means and sums of squares about them, of each slice: sums[slice][0][c], sums[slice][1][c].
void slice_statistics(const BatchNorm2d& r, const float* x, float* sums, const Exec& exec) {
  for_blocks(r, exec, [&](int64_t slice, int64_t begin, int64_t end, int64_t before) NDL_LAMBDA_INLINE {
    const auto count = static_cast<float>(end - begin);
    // Merging (n_a, mean_a, squares_a) with a block: weights of the block's mean and of the squared difference.
    const auto na = static_cast<double>(before), nb = static_cast<double>(end - begin);
    const auto weight = static_cast<float>(nb / (na + nb)), product = static_cast<float>(na * nb / (na + nb));
    for_stripes(r.c, [&](auto width, int64_t c, int n) NDL_LAMBDA_INLINE {
      constexpr int kWide = decltype(width)::value;
      float* at = sums + 2 * slice * r.c + c;
      F32 shift[kWide], sum[kWide] = {}, distance[kWide] = {}, square[kWide] = {};
#pragma GCC unroll 4
      for (int v = 0; v < kWide; ++v) shift[v] = load_some(x + begin * r.c + c + v * kLanes, n);
      for (int64_t row = begin; row < end; ++row)
#pragma GCC unroll 4
        for (int v = 0; v < kWide; ++v) {
          const F32 value = load_some(x + row * r.c + c + v * kLanes, n), shifted = value - shift[v];
          sum[v] += value, distance[v] += shifted, square[v] += shifted * shifted;
        }
#pragma GCC unroll 4
      for (int v = 0; v < kWide; ++v, at += kLanes) {
        const F32 mean = sum[v] / count, squares = square[v] - distance[v] * distance[v] / count;
        if (before == 0) {
          store_some(at, mean, n);
          store_some(at + r.c, squares, n);
        } else {
          const F32 old = load_some(at, n), difference = mean - old;
          store_some(at, old + difference * weight, n);
          store_some(at + r.c, load_some(at + r.c, n) + squares + difference * difference * product, n);
        }
      }
    });
  });
}

// Rows in blocks that fit into L1, stripe by stripe of channels: body(width, row, end, c, n). Ranges of blocks go from the last
// to the first, since the cache still has what the pass before read last; within a range upwards, as prefetchers follow.
template <bool kStream, class Body>
NDL_INLINE void for_row_blocks(const BatchNorm2d& r, const Exec& exec, const Body& body) {
  const int64_t block = r.c > 2048 ? 1 : 4096 / (r.c + 1), blocks = (r.m + block - 1) / block;
  exec.parallel_for(blocks, stream_grain(kStream, 8), [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t row = (blocks - end) * block; row < (blocks - begin) * block; row += block)
      for_stripes(r.c, [&](auto width, int64_t c, int n) NDL_LAMBDA_INLINE { body(width, row, row + block < r.m ? row + block : r.m, c, n); });
    if (kStream) stream_fence();
  });
}
NDL_INLINE bool streamed(const BatchNorm2d& r, const float* target, const Exec& exec) { return exec.beyond_cache(r) && can_stream(target, r.c); }

// Constants of a stripe of channels; absent ones are 0.
template <int kWide>
NDL_INLINE void load_stripe(const float* from, int64_t c, int n, F32* to) {
#pragma GCC unroll 4
  for (int v = 0; v < kWide; ++v) to[v] = from == nullptr ? F32{} : load_some(from + c + v * kLanes, n);
}

// y before the activation. Backward forms it anew by the same operations on the same values: the signs agree.
NDL_INLINE F32 normalised(F32 x, F32 centre, F32 factor, F32 offset) { return (x - centre) * factor + offset; }

template <bool kRelu, bool kStream>
void apply_to(const BatchNorm2d& r, const float* x, const float* mean, const float* scale, const float* shift, float* y, const Exec& exec) {
  for_row_blocks<kStream>(r, exec, [&](auto width, int64_t begin, int64_t end, int64_t c, int n) NDL_LAMBDA_INLINE {
    constexpr int kWide = decltype(width)::value;
    F32 centre[kWide], factor[kWide], offset[kWide];
    load_stripe<kWide>(mean, c, n, centre);
    load_stripe<kWide>(scale, c, n, factor);
    load_stripe<kWide>(shift, c, n, offset);
    for (int64_t row = begin; row < end; ++row)
#pragma GCC unroll 4
      for (int v = 0; v < kWide; ++v) {
        const int64_t at = row * r.c + c + v * kLanes;
        F32 value = normalised(load_some(x + at, n), centre[v], factor[v], offset[v]);
        if (kRelu) value = select(value < 0.0f, F32{}, value);
        put<kStream>(y + at, value, n);
      }
  });
}
void apply(const BatchNorm2d& r, const float* x, const float* mean, const float* scale, const float* shift, float* y, const Exec& exec) {
  const bool relu = r.activation == NDL_ACTIVATION_RELU, past = streamed(r, y, exec);
  if (relu && past) apply_to<true, true>(r, x, mean, scale, shift, y, exec);
  else if (relu) apply_to<true, false>(r, x, mean, scale, shift, y, exec);
  else if (past) apply_to<false, true>(r, x, mean, scale, shift, y, exec);
  else apply_to<false, false>(r, x, mean, scale, shift, y, exec);
}

NDL_INLINE double scale_of(const float* gamma, double inverse_std, int64_t c) {
  return gamma == nullptr ? inverse_std : inverse_std * static_cast<double>(gamma[c]);
}

void forward(const BatchNorm2d& r, const Buffers& b, const Exec& exec) {
  const float* x = b.get<float>(BatchNorm2d::kX);
  const float* gamma = b.get<float>(BatchNorm2d::kGamma);
  float* mean = b.get<float>(BatchNorm2d::kMean);
  float* inverse_std = b.get<float>(BatchNorm2d::kInverseStd);
  float* running_mean = b.get<float>(BatchNorm2d::kRunningMean);
  float* running_var = b.get<float>(BatchNorm2d::kRunningVar);
  auto* num_batches = b.get<int64_t>(BatchNorm2d::kNumBatches);
  auto* sums = static_cast<float*>(exec.workspace);
  float* scale = sums + sums_floats(r);

  slice_statistics(r, x, sums, exec);
  *num_batches += 1;
  const double f = r.cumulative ? 1.0 / static_cast<double>(*num_batches) : r.momentum;
  const Rows rows = rows_of(r);
  exec.parallel_for(r.c, 64, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t c = begin; c < end; ++c) {
      double centre = 0, squares = 0, count = 0;
      for (int64_t slice = 0; slice < rows.slices; ++slice) {
        const int64_t size = slice + 1 < rows.slices ? rows.slice : r.m - slice * rows.slice;
        const auto n = static_cast<double>(size);
        const double difference = static_cast<double>(sums[2 * slice * r.c + c]) - centre;
        squares += static_cast<double>(sums[(2 * slice + 1) * r.c + c]) + difference * difference * count * n / (count + n);
        centre += difference * n / (count + n);
        count += n;
      }
      const double var = squares / count, inverse = 1 / __builtin_sqrt(var + r.eps);
      mean[c] = static_cast<float>(centre);
      inverse_std[c] = static_cast<float>(inverse);
      scale[c] = static_cast<float>(scale_of(gamma, static_cast<double>(inverse_std[c]), c));  // of what backward will be given
      running_mean[c] = static_cast<float>((1 - f) * static_cast<double>(running_mean[c]) + f * centre);
      running_var[c] = static_cast<float>((1 - f) * static_cast<double>(running_var[c]) + f * squares / (count - 1));
    }
  });
  apply(r, x, mean, scale, b.get<float>(BatchNorm2d::kBeta), b.get<float>(BatchNorm2d::kY), exec);
}

NDL_INLINE double inverse_root(const BatchNorm2d& r, float var) { return 1 / __builtin_sqrt(static_cast<double>(var) + r.eps); }

void inference_forward(const BatchNorm2d& r, const Buffers& b, const Exec& exec) {
  const float* var = b.get<float>(BatchNorm2d::kRunningVar);
  float* scale = static_cast<float*>(exec.workspace) + sums_floats(r);
  for (int64_t c = 0; c < r.c; ++c) scale[c] = static_cast<float>(scale_of(b.get<float>(BatchNorm2d::kGamma), inverse_root(r, var[c]), c));
  apply(r, b.get<float>(BatchNorm2d::kX), b.get<float>(BatchNorm2d::kRunningMean), scale, b.get<float>(BatchNorm2d::kBeta),
        b.get<float>(BatchNorm2d::kInferenceY), exec);
}

// What backward works on, by channel but for x and dy; constant and slope follow from the sums.
struct Gradient {
  const float *x, *dy, *mean, *scale, *shift, *constant, *slope;
};

// dy through the activation.
template <bool kRelu>
NDL_INLINE F32 through(F32 dy, F32 x, F32 centre, F32 factor, F32 offset) {
  if constexpr (kRelu) return select(normalised(x, centre, factor, offset) > 0.0f, dy, F32{});
  else return dy;
}

// Sums of g and of g * (x - mean), of each slice; g: dy through the activation.
template <bool kRelu>
void slice_gradients(const BatchNorm2d& r, const Gradient& g, float* sums, const Exec& exec) {
  for_blocks(r, exec, [&](int64_t slice, int64_t begin, int64_t end, int64_t before) NDL_LAMBDA_INLINE {
    for_stripes(r.c, [&](auto width, int64_t c, int n) NDL_LAMBDA_INLINE {
      constexpr int kWide = decltype(width)::value;
      F32 centre[kWide], factor[kWide], offset[kWide], sum[kWide] = {}, product[kWide] = {};
      load_stripe<kWide>(g.mean, c, n, centre);
      load_stripe<kWide>(g.scale, c, n, factor);
      load_stripe<kWide>(g.shift, c, n, offset);
      for (int64_t row = begin; row < end; ++row)
#pragma GCC unroll 4
        for (int v = 0; v < kWide; ++v) {
          const int64_t at = row * r.c + c + v * kLanes;
          const F32 x = load_some(g.x + at, n), gradient = through<kRelu>(load_some(g.dy + at, n), x, centre[v], factor[v], offset[v]);
          sum[v] += gradient, product[v] += gradient * (x - centre[v]);
        }
      float* to = sums + 2 * slice * r.c + c;
#pragma GCC unroll 4
      for (int v = 0; v < kWide; ++v, to += kLanes) {
        if (before > 0) sum[v] += load_some(to, n), product[v] += load_some(to + r.c, n);
        store_some(to, sum[v], n);
        store_some(to + r.c, product[v], n);
      }
    });
  });
}

// dx = g * scale, in training less constant + (x - mean) * slope.
template <bool kTraining, bool kRelu, bool kStream>
void input_gradient(const BatchNorm2d& r, const Gradient& g, float* dx, const Exec& exec) {
  for_row_blocks<kStream>(r, exec, [&](auto width, int64_t begin, int64_t end, int64_t c, int n) NDL_LAMBDA_INLINE {
    constexpr int kWide = decltype(width)::value;
    F32 centre[kWide], factor[kWide], offset[kWide], less[kWide], tilt[kWide];
    load_stripe<kWide>(g.mean, c, n, centre);
    load_stripe<kWide>(g.scale, c, n, factor);
    load_stripe<kWide>(g.shift, c, n, offset);
    load_stripe<kWide>(g.constant, c, n, less);
    load_stripe<kWide>(g.slope, c, n, tilt);
    for (int64_t row = begin; row < end; ++row)
#pragma GCC unroll 4
      for (int v = 0; v < kWide; ++v) {
        const int64_t at = row * r.c + c + v * kLanes;
        const F32 x = kTraining || kRelu ? load_some(g.x + at, n) : F32{};
        F32 value = through<kRelu>(load_some(g.dy + at, n), x, centre[v], factor[v], offset[v]) * factor[v];
        if constexpr (kTraining) value -= less[v] + (x - centre[v]) * tilt[v];
        put<kStream>(dx + at, value, n);
      }
  });
}

template <bool kTraining, bool kRelu>
void backward_of(const BatchNorm2d& r, const Buffers& b, const Exec& exec) {
  const float* gamma = b.get<float>(BatchNorm2d::kScale);
  const float* spread = b.get<float>(BatchNorm2d::kSavedInverseStd);
  float* dx = b.get<float>(BatchNorm2d::kDx);
  float* dgamma = b.get<float>(BatchNorm2d::kDgamma);
  float* dbeta = b.get<float>(BatchNorm2d::kDbeta);
  auto* sums = static_cast<float*>(exec.workspace);
  float* scale = sums + sums_floats(r);
  float* constant = scale + r.c;  // scale * s/m
  float* slope = constant + r.c;  // scale * d * inverse_std^2 / m
  const Gradient g{b.get<float>(BatchNorm2d::kImage), b.get<float>(BatchNorm2d::kDy), b.get<float>(BatchNorm2d::kSavedMean), scale,
                   b.get<float>(BatchNorm2d::kShift), constant, slope};
  const auto inverse_std = [&](int64_t c) { return kTraining ? static_cast<double>(spread[c]) : inverse_root(r, spread[c]); };
  for (int64_t c = 0; c < r.c; ++c) scale[c] = static_cast<float>(scale_of(gamma, inverse_std(c), c));

  if (kTraining || dgamma != nullptr || dbeta != nullptr) {
    slice_gradients<kRelu>(r, g, sums, exec);
    const int64_t slices = rows_of(r).slices;
    const auto m = static_cast<double>(r.m);
    exec.parallel_for(r.c, 64, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t c = begin; c < end; ++c) {
        const double inverse = inverse_std(c), factor = scale_of(gamma, inverse, c);
        double sum = 0, product = 0;
        for (int64_t slice = 0; slice < slices; ++slice) {
          sum += static_cast<double>(sums[2 * slice * r.c + c]);
          product += static_cast<double>(sums[(2 * slice + 1) * r.c + c]);
        }
        constant[c] = static_cast<float>(factor * sum / m);
        slope[c] = static_cast<float>(factor * product * inverse * inverse / m);
        if (dgamma != nullptr) dgamma[c] = static_cast<float>(product * inverse);
        if (dbeta != nullptr) dbeta[c] = static_cast<float>(sum);
      }
    });
  }
  if (dx == nullptr) return;
  if (streamed(r, dx, exec)) input_gradient<kTraining, kRelu, true>(r, g, dx, exec);
  else input_gradient<kTraining, kRelu, false>(r, g, dx, exec);
}

template <bool kTraining>
void backward(const BatchNorm2d& r, const Buffers& b, const Exec& exec) {
  if (r.activation == NDL_ACTIVATION_RELU) backward_of<kTraining, true>(r, b, exec);
  else backward_of<kTraining, false>(r, b, exec);
}

}  // namespace

const Kernel<BatchNorm2d> batch_norm2d_forward_vector{forward, workspace};
const Kernel<BatchNorm2d> batch_norm2d_backward_vector{backward<true>, workspace};
const Kernel<BatchNorm2d> batch_norm2d_inference_forward_vector{inference_forward, workspace};
const Kernel<BatchNorm2d> batch_norm2d_inference_backward_vector{backward<false>, workspace};

}  // namespace ndl::cpu::NDL_ISA
