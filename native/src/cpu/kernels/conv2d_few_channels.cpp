// cpu/kernels/conv2d_few_channels.cpp: convolution of images of few channels, as in the first layer of a network.
//
//   forward          y[n,p,q,k] = act( b[k] + sum_{r,s,c} x[n, p*sh + r*dh - top, q*sw + s - left, c] * w[k,r,s,c] )
//   backward_input   T[q, (r,s,c)] = sum_k dy[n,p,q,k] * w[k,(r,s,c)], added to dx where the window of (p,q) lies
//   backward_weight  dw[k,r,s,c] = sum_{n,p,q} dy[n,p,q,k] * x[n, p*sh + r*dh - top, q*sw + s - left, c]
//
// x, dx [n,h,w,c]; y, dy [n,p,q,k]; w, dw [k,r,s,c]. Gathering taps would cost about as much as multiplying them; here
// the s*c elements that a window reads of one row lie side by side, and a window's neighbour is sw*c elements on.
//
// Mapping: rows of x that need padding are copied once, with zeros around them, for each block of rows of y (kBandRows).
//   forward          kMr x kVectors outputs in registers (columns x channels of y): a broadcast of x straight from the
//                    image for each product; the weights are packed in panels, as for the GEMM
//   backward_input   T of one row of y by the GEMM's panels of w, then added to the rows of dx, row of the kernel by row;
//                    a task is a band of rows of dx, which it alone writes; rows of y that reach two bands are done twice
//   backward_weight  of a row of the kernel kElements x kVectors sums in registers (elements x channels of y), over the
//                    columns of a band; a task is a slice of the bands, the slices are added in order
// Refuses: f64, groups, dilation along w, more than 4 channels; bf16 in the pass to the input, which adds to dx. Bound: FMA peak.
// Measured on one thread, Zen 4, AVX-512, milliseconds, in brackets oneDNN 3.13.1: 7x7, stride 2, 16x224x224x3 to 64 channels,
// forward 36.8 (36.7), to the input 55 (181), to the weight 34.9 (42.4); 3x3, 128x28x28x1 to 32: 0.63 (1.01), 2.9 (9.0), 0.44 (0.46).
#include "cpu/gemm/conv2d_operands.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

// Rows of y that are worked on together, a band of one image.
constexpr int64_t kBandRows = 8;

struct Bands {
  int64_t rows, each, count;  // rows of a band, bands of an image, of all
};
NDL_INLINE Bands bands_of(const Conv2d& r) {
  const int64_t rows = r.p < kBandRows ? r.p : kBandRows, each = rows == 0 ? 0 : (r.p + rows - 1) / rows;
  return {rows, each, each * r.n};
}

// The rows of x that a band reads: floats inside the image as they lie, else a copy with zeros around.
struct Source {
  const float* data;
  int64_t line;  // floats from one row to the next
};
NDL_INLINE int64_t window_columns(const Conv2d& r) { return (r.q - 1) * r.stride_w + r.s; }
NDL_INLINE int64_t window_rows(const Conv2d& r, int64_t rows) { return (rows - 1) * r.stride_h + (r.r - 1) * r.dilation_h + 1; }
NDL_INLINE bool inside(const Conv2d& r) {
  return r.pad_top == 0 && r.pad_left == 0 && window_rows(r, r.p) <= r.h && window_columns(r) <= r.w;
}
NDL_INLINE int64_t source_floats(const Conv2d& r) {
  if (inside(r) && r.dtype == NDL_DTYPE_F32) return 0;
  return (window_rows(r, bands_of(r).rows) * window_columns(r) * r.c + 15) / 16 * 16;
}

template <class T>
NDL_INLINE Source source_of(const Conv2d& r, const T* x, int64_t n, int64_t p, int64_t rows, float* copy) {
  const T* image = x + n * r.h * r.w * r.c;
  const int64_t top = p * r.stride_h - r.pad_top, line = r.w * r.c;
  if constexpr (!kIsBf16<T>)
    if (inside(r)) return {image + top * line, line};
  const int64_t width = window_columns(r) * r.c, before = r.pad_left * r.c < width ? r.pad_left * r.c : width;
  const int64_t there = width - before < line ? width - before : line;
  float* to = copy;
  for (int64_t h = top; h < top + window_rows(r, rows); ++h, to += width) {
    if (h < 0 || h >= r.h) {
      fill_floats(to, 0.0f, width);
      continue;
    }
    fill_floats(to, 0.0f, before);
    copy_floats(to + before, image + h * line, there);
    fill_floats(to + before + there, 0.0f, width - before - there);
  }
  return {copy, width};
}

// --- forward ---------------------------------------------------------------------------------------------------

// kMr neighbouring outputs by a panel of kVectors: x at the first tap of the first of them. Sums are few: what is done with
// them beside stays in registers.
template <int kMr, int kVectors, class T>
void forward_tile(const Conv2d& r, const float* x, int64_t line, const float* panel, const EpilogueOf<T>& epilogue, int64_t channels, bool streamed,
                  T* y) {
  const int64_t next = r.stride_w * r.c, run = r.s * r.c, down = r.dilation_h * line;
  int64_t ldc = r.k;
  const auto lanes = [&](int64_t j) NDL_LAMBDA_INLINE { return static_cast<int>(smaller(channels - j * kLanes, kLanes)); };
  F32 sum[kMr][kVectors];
#pragma GCC unroll 3
  for (int j = 0; j < kVectors; ++j) {
    const F32 start = epilogue.bias == nullptr ? F32{} : load_some(epilogue.bias + j * kLanes, lanes(j));
#pragma GCC unroll 16
    for (int i = 0; i < kMr; ++i) sum[i][j] = start;
  }
  for (int64_t row = 0; row < r.r; ++row) {
    const float* from = x + row * down;
    for (int64_t e = 0; e < run; ++e, panel += kVectors * kLanes) {
      F32 w[kVectors];
#pragma GCC unroll 3
      for (int j = 0; j < kVectors; ++j) w[j] = load(panel + j * kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < kMr; ++i) {
        const F32 value = broadcast(from[i * next + e]);
#pragma GCC unroll 3
        for (int j = 0; j < kVectors; ++j) sum[i][j] += value * w[j];
      }
    }
  }
  if (epilogue.residual != nullptr)
#pragma GCC unroll 16
    for (int i = 0; i < kMr; ++i)
#pragma GCC unroll 3
      for (int j = 0; j < kVectors; ++j) sum[i][j] += load_some(epilogue.residual + i * ldc + j * kLanes, lanes(j));
  if (epilogue.relu)
#pragma GCC unroll 16
    for (int i = 0; i < kMr; ++i)
#pragma GCC unroll 3
      for (int j = 0; j < kVectors; ++j) sum[i][j] = select(sum[i][j] < 0.0f, F32{}, sum[i][j]);
  asm("" : "+r"(ldc));  // addresses of y that were kept since the residual's would cost more than new ones
#pragma GCC unroll 16
  for (int i = 0; i < kMr; ++i)
#pragma GCC unroll 3
    for (int j = 0; j < kVectors; ++j) {
      T* to = y + i * ldc + j * kLanes;
      if (streamed) stream(to, sum[i][j]);
      else if (lanes(j) == kLanes) store_some(to, sum[i][j], kLanes);
      else store_some(to, sum[i][j], lanes(j));
    }
}

// A row of y by one panel. The last tile reaches back over outputs that are there already, the same sums again; but not where
// y may be the residual, which must be added once.
template <int kVectors, class T>
NDL_INLINE void forward_row(const Conv2d& r, const float* x, int64_t line, const float* panel, const EpilogueOf<T>& epilogue, int64_t channels,
                            bool streamed, T* y) {
  constexpr int kMr = kRowsFor[kVectors], kHalf = kMr / 2;
  const int64_t reached = epilogue.residual == nullptr ? r.q : 0;  // outputs that a tile may reach back over
  const auto tiles = [&]<int kCount>(int64_t q) NDL_LAMBDA_INLINE {
    forward_tile<kCount, kVectors>(r, x + q * r.stride_w * r.c, line, panel, epilogue.at(q * r.k, 0), channels, streamed, y + q * r.k);
  };
  int64_t q = 0;
  for (; q + kMr <= r.q; q += kMr) tiles.template operator()<kMr>(q);
  while (q < r.q) {
    const int64_t left = r.q - q;
    if (reached >= kMr && left > kHalf) return tiles.template operator()<kMr>(r.q - kMr);
    if (left >= kHalf || reached >= kHalf) {
      if (left < kHalf) q = r.q - kHalf;
      tiles.template operator()<kHalf>(q);
      q += kHalf;
      continue;
    }
    tiles.template operator()<1>(q);
    ++q;
  }
}

int64_t forward_workspace(const Conv2d& r, const Env& env) { return env.cores * source_floats(r) * 4; }

template <class T>
void convolve(const Conv2d& r, const Buffers& b, const Exec& exec) {
  const T* x = b.get<T>(Conv2d::kX);
  const EpilogueOf<T> epilogue{b.get<T>(Conv2d::kBias), r.activation == NDL_ACTIVATION_RELU, b.get<T>(Conv2d::kResidual)};
  T* y = b.get<T>(Conv2d::kY);
  const auto* packed = static_cast<const float*>(b.derived);
  const Bands bands = bands_of(r);
  const Panels panels(r.k);
  const bool streamed = exec.beyond_cache(r) && can_stream(y, r.k);
  const int64_t depth = r.r * r.s * r.c, grain = 1 + static_cast<int64_t>(5e5 * static_cast<double>(bands.count) / (r.flop + 1));
  exec.parallel_for(bands.count, grain, [&](int64_t begin, int64_t end, int32_t thread) {
    float* copy = static_cast<float*>(exec.workspace) + thread * source_floats(r);
    for (int64_t band = begin; band < end; ++band) {
      const int64_t n = band / bands.each, first = band % bands.each * bands.rows, rows = r.p - first < bands.rows ? r.p - first : bands.rows;
      const Source source = source_of(r, x, n, first, rows, copy);
      for (int64_t p = 0; p < rows; ++p)
        for (int64_t at = 0; at < panels.count; ++at) {
          const int64_t k = panels.first(at) * kLanes;
          const float* from = source.data + p * r.stride_h * source.line;
          const float* panel = packed + k * depth;
          const int64_t to = ((n * r.p + first + p) * r.q) * r.k + k;
          const auto row = [&]<int kVectors>() NDL_LAMBDA_INLINE {
            forward_row<kVectors>(r, from, source.line, panel, epilogue.at(to, k), panels.columns_of(at), streamed, y + to);
          };
          if (panels.width(at) == 3) row.template operator()<3>();
          else if (panels.width(at) == 2) row.template operator()<2>();
          else row.template operator()<1>();
        }
    }
    if (streamed) stream_fence();
  });
}
void forward(const Conv2d& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) { convolve<T>(r, b, exec); });
}

// --- backward input --------------------------------------------------------------------------------------------

NDL_INLINE int64_t window_elements(const Conv2d& r) { return r.r * r.s * r.c; }
NDL_INLINE int64_t padded_elements(const Conv2d& r) {
  return Panels(window_elements(r)).floats(1);
}

int64_t backward_input_packed_bytes(const Conv2d& r, const Env&) { return Panels(window_elements(r)).floats(r.k) * 4; }

void backward_input_pack(const Conv2d& r, const void* weight, void* packed, const Exec&) {
  const auto* w = static_cast<const float*>(weight);
  const int64_t elements = window_elements(r);
  const Panels panels(elements);
  pack_rows(r.k, panels, 0, panels.count, static_cast<float*>(packed),
            [&](int64_t k, int64_t first, int64_t count, float* target) NDL_LAMBDA_INLINE {
              copy_floats(target, w + k * elements + first, count);
            });
}

// Rows of y whose windows are computed at once: 96 KB of them, in L2.
NDL_INLINE int64_t rows_at_once(const Conv2d& r) {
  const int64_t room = 24576 / (r.q * padded_elements(r));
  return room < 1 ? 1 : room > r.p ? r.p : room;
}
NDL_INLINE int64_t windows_floats(const Conv2d& r) { return rows_at_once(r) * r.q * padded_elements(r); }
int64_t backward_input_workspace(const Conv2d& r, const Env& env) { return env.cores * windows_floats(r) * 4; }

// Adds row i of the kernel's part of each window of a row of y to a row of dx. Windows that overlap are some time apart:
// a load that waits for parts of two stores waits long.
NDL_INLINE void add_windows(const Conv2d& r, const float* windows, float* line) {
  const int64_t ld = padded_elements(r), width = r.w * r.c, apart = (r.s + r.stride_w - 1) / r.stride_w;
  for (int64_t phase = 0; phase < apart; ++phase)
    for (int64_t q = phase; q < r.q; q += apart) {
      const int64_t at = (q * r.stride_w - r.pad_left) * r.c;
      const int64_t begin = at < 0 ? -at : 0, end = at + r.s * r.c > width ? width - at : r.s * r.c;
      const float* from = windows + q * ld;
      for_vectors(begin, end, [&](int64_t e, int n) NDL_LAMBDA_INLINE {
        store_some(line + at + e, load_some(line + at + e, n) + load_some(from + e, n), n);
      });
    }
}

void backward_input(const Conv2d& r, const Buffers& b, const Exec& exec) {
  const float* dy = b.get<float>(Conv2d::kDy);
  float* dx = b.get<float>(Conv2d::kDx);
  const auto* packed = static_cast<const float*>(b.derived);
  const int64_t elements = window_elements(r), ld = padded_elements(r), line = r.w * r.c, at_once = rows_at_once(r);
  const Panels panels(elements);
  // Bands of dx: whole images where there are enough.
  const int64_t wanted = r.n >= 8 ? 1 : (8 + r.n - 1) / r.n, room = (r.h + 15) / 16, each = wanted < room ? wanted : room;
  exec.parallel_for(r.n * each, 1, [&](int64_t begin, int64_t end, int32_t thread) {
    float* windows = static_cast<float*>(exec.workspace) + thread * windows_floats(r);
    for (int64_t band = begin; band < end; ++band) {
      const int64_t n = band / each, top = r.h * (band % each) / each, bottom = r.h * (band % each + 1) / each;
      float* image = dx + n * r.h * line;
      fill_floats(image + top * line, 0.0f, (bottom - top) * line);
      // The rows of y that reach rows [top, bottom).
      const int64_t before = top + r.pad_top - (r.r - 1) * r.dilation_h, after = (bottom - 1 + r.pad_top) / r.stride_h + 1;
      const int64_t first = before <= 0 ? 0 : (before + r.stride_h - 1) / r.stride_h, last = after < r.p ? after : r.p;
      for (int64_t p0 = first; p0 < last; p0 += at_once) {
        const int64_t rows = last - p0 < at_once ? last - p0 : at_once;
        for (int64_t k = 0; k < r.k; k += kKc)
          block_product<false>(rows * r.q, r.k - k < kKc ? r.k - k : kKc, dy + (n * r.p + p0) * r.q * r.k + k, r.k, panels, 0, panels.count,
                               {packed, r.k, k}, windows, ld, add_to(windows, k > 0));
        for (int64_t p = p0; p < p0 + rows; ++p)
          for (int64_t i = 0; i < r.r; ++i) {
            const int64_t h = p * r.stride_h + i * r.dilation_h - r.pad_top;
            if (h >= top && h < bottom) add_windows(r, windows + (p - p0) * r.q * ld + i * r.s * r.c, image + h * line);
          }
      }
    }
  });
}

// --- backward weight -------------------------------------------------------------------------------------------

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kElements = 12;
#else
constexpr int kElements = 6;
#endif
constexpr int kGradients = 2;  // vectors of dy

NDL_INLINE int64_t slices_of(const Conv2d& r) {
  const int64_t count = bands_of(r).count;
  return count < 1 ? 1 : count < 16 ? count : 16;
}
NDL_INLINE int64_t sums_floats(const Conv2d& r) { return window_elements(r) * whole_vectors(r.k); }
int64_t backward_weight_workspace(const Conv2d& r, const Env& env) {
  return (slices_of(r) * sums_floats(r) + env.cores * source_floats(r)) * 4;
}

// sums[e][k] += over a band, kCount elements of kRows rows of the kernel by kVectors vectors of dy, of which the last has
// `lanes` lanes.
template <int kRows, int kCount, int kVectors, class T>
void weight_tile(const Conv2d& r, const float* x, int64_t line, const T* dy, int64_t rows, int lanes, float* sums) {
  const int64_t next = r.stride_w * r.c, ld = whole_vectors(r.k), down = r.dilation_h * line, run = r.s * r.c;
  F32 sum[kRows * kCount][kVectors];
#pragma GCC unroll 12
  for (int e = 0; e < kRows * kCount; ++e)
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) sum[e][j] = F32{};
  const auto add = [&](int n) NDL_LAMBDA_INLINE {
    for (int64_t p = 0; p < rows; ++p) {
      const float* from = x + p * r.stride_h * line;
      const T* gradient = dy + p * r.q * r.k;
      for (int64_t q = 0; q < r.q; ++q, from += next, gradient += r.k) {
        F32 g[kVectors];
#pragma GCC unroll 2
        for (int j = 0; j < kVectors; ++j) g[j] = load_some(gradient + j * kLanes, j + 1 < kVectors ? kLanes : n);
#pragma GCC unroll 12
        for (int e = 0; e < kRows * kCount; ++e) {
          const F32 value = broadcast(from[e / kCount * down + e % kCount]);
#pragma GCC unroll 2
          for (int j = 0; j < kVectors; ++j) sum[e][j] += value * g[j];
        }
      }
    }
  };
  if (lanes == kLanes) add(kLanes);
  else add(lanes);
#pragma GCC unroll 12
  for (int e = 0; e < kRows * kCount; ++e)
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      float* to = sums + (e / kCount * run + e % kCount) * ld + j * kLanes;
      store<F32>(to, load(to) + sum[e][j]);
    }
}

// Calls weight_tile for a count that is known at run time.
template <int kRows, int kCount, class T>
NDL_INLINE void weight_tile_of(int64_t count, const Conv2d& r, const float* x, int64_t line, const T* dy, int64_t rows, int64_t outputs,
                               float* sums) {
  if (count != kCount) {
    if constexpr (kCount > 1) weight_tile_of<kRows, kCount - 1>(count, r, x, line, dy, rows, outputs, sums);
  } else if (outputs > kLanes) {
    weight_tile<kRows, kCount, kGradients>(r, x, line, dy, rows, outputs < kGradients * kLanes ? static_cast<int>(outputs - kLanes) : kLanes, sums);
  } else {
    weight_tile<kRows, kCount, 1>(r, x, line, dy, rows, static_cast<int>(outputs), sums);
  }
}

template <class T>
void sum_weight(const Conv2d& r, const T* x, const T* dy, T* dw, const Exec& exec) {
  const Bands bands = bands_of(r);
  const int64_t slices = slices_of(r), size = sums_floats(r), ld = whole_vectors(r.k), run = r.s * r.c, elements = window_elements(r);
  auto* partial = static_cast<float*>(exec.workspace);
  exec.parallel_for(slices, 1, [&](int64_t begin, int64_t end, int32_t thread) {
    float* copy = partial + slices * size + thread * source_floats(r);
    for (int64_t slice = begin; slice < end; ++slice) {
      float* sums = partial + slice * size;
      fill_floats(sums, 0.0f, size);
      for (int64_t band = bands.count * slice / slices; band < bands.count * (slice + 1) / slices; ++band) {
        const int64_t n = band / bands.each, p = band % bands.each * bands.rows, rows = r.p - p < bands.rows ? r.p - p : bands.rows;
        const Source source = source_of(r, x, n, p, rows, copy);
        const T* gradients = dy + (n * r.p + p) * r.q * r.k;
        // Three rows of a narrow kernel together, else a row in parts as even as can be.
        const int64_t rows_at_once = r.r % 3 == 0 && run <= kElements / 3 ? 3 : 1, parts = (run + kElements - 1) / kElements;
        for (int64_t k = 0; k < r.k; k += kGradients * kLanes)
          for (int64_t i = 0; i < r.r; i += rows_at_once)
            for (int64_t part = 0; part < parts; ++part) {
              const int64_t e = run * part / parts, count = run * (part + 1) / parts - e;
              const float* from = source.data + i * r.dilation_h * source.line + e;
              float* to = sums + (i * run + e) * ld + k;
              if (rows_at_once == 3) weight_tile_of<3, kElements / 3>(count, r, from, source.line, gradients + k, rows, r.k - k, to);
              else weight_tile_of<1, kElements>(count, r, from, source.line, gradients + k, rows, r.k - k, to);
            }
      }
    }
  });
  // Added in order, then turned: dw[k][e] = sums[e][k].
  exec.parallel_for(elements, 1 + 8192 / (ld * slices), [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t e = begin; e < end; ++e)
      for (int64_t k = 0; k < ld; k += kLanes) {
        F32 sum = load(partial + e * ld + k);
        for (int64_t slice = 1; slice < slices; ++slice) sum += load(partial + slice * size + e * ld + k);
        for (int lane = 0; lane < kLanes && k + lane < r.k; ++lane) set_element(dw + (k + lane) * elements + e, sum[lane]);
      }
  });
}
void backward_weight(const Conv2d& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) { sum_weight(r, b.get<const T>(Conv2d::kImage), b.get<const T>(Conv2d::kGradient), b.get<T>(Conv2d::kDw), exec); });
}

}  // namespace

const Kernel<Conv2d> conv2d_forward_few_channels{forward, forward_workspace, Conv2d::kWeight, filter_packed_bytes<true>, pack_filter<true>};
const Kernel<Conv2d> conv2d_backward_input_few_channels{backward_input, backward_input_workspace, Conv2d::kFilter, backward_input_packed_bytes,
                                                        backward_input_pack};
const Kernel<Conv2d> conv2d_backward_weight_few_channels{backward_weight, backward_weight_workspace};

}  // namespace ndl::cpu::NDL_ISA
