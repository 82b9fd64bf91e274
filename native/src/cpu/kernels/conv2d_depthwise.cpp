// cpu/kernels/conv2d_depthwise.cpp: convolution of the smallest groups: kWidth = 1 (depthwise), 2 or 4 channels.
//
//   forward          y[n,p,q,k] = act( b[k] + sum_{r,s,i} x[n, p*sh + r*dh - top, q*sw + s*dw - left, g + i] * w[k,r,s,i] )
//   backward_input   dx[n,h,w,c] = sum_{r,s,i} dy[n,p,q, g + i] * w[g + i,r,s,c - g], over the outputs that read pixel (h,w)
//   backward_weight  dw[k,r,s,i] = sum_{n,p,q} dy[n,p,q,k] * x[n, p*sh + r*dh - top, q*sw + s*dw - left, g + i]
//
// x, dx [n,h,w,c]; y, dy [n,p,q,c]; w [c,r,s,kWidth]; g: first channel of the group that k (or c) belongs to.
// Mapping: vectors along channels. A vector holds whole groups: their i-th channels, each repeated over its group, are one
// permutation of the vector read, with kWidth 1 the vector itself.
//   forward and backward_input  the same walk: which taps reach a row or a column, and what they read, are arithmetic
//       progressions (Reach), found once per call. A task is a row of the result; in it, up to kColumns neighbours of
//       one phase of the stride that are reached alike share each load of a weight: kColumns sums, a weight, a read.
//   backward_weight  a task is a slice of the rows of dy, with sums of its own; the slices are added in order. For a
//       row of the kernel, the sums of up to kTaps taps stay in registers over a block of columns.
// The weights are repacked as [r*s][kWidth][c], c padded to vectors.
// Refuses: f64, groups of other widths or with more outputs than inputs. Bound: memory bandwidth for depthwise.
// Measured on one thread, Zen 4, AVX-512, milliseconds, in brackets oneDNN 3.13.1: 3x3 on 16x56x56x144, forward 4.2 (6.6), to the
// input 3.9 (6.5), to the weight 2.9 (7.8), at stride 2 1.2 (2.6), 2.3 (2.2), 1.5 (2.2; of x and dy in blocks of 16 channels 0.8 to
// 1.3); without the prefetches 6.9, 6.7, 5.7 at stride 1. 32 groups of 4 on 8x56x56x128: 3.1 (7.1), 3.1 (6.1), 3.5 (10.5).
#include "cpu/gemm/operand.hpp"
#include "ops/conv2d.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int kColumns = 8;

// The i-th channel of each lane's group, for the lanes of channels c to c + n of a pixel.
template <int kWidth, class T>
NDL_INLINE F32 member(const T* pixel, int64_t c, int n, int i) {
  if constexpr (kWidth == 1) {
    return load_some(pixel + c, n);
  } else {
    I32 lanes;
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = lane / kWidth * kWidth + i;
    return permute(load_some(pixel + c, n), lanes);
  }
}

// --- forward and backward input ----------------------------------------------------------------------------------

// The taps that reach one row (or column) of the result: tap first + i*tap_step reads row at + i*read_step.
struct Reach {
  int64_t first, count, at;
};
struct Side {
  Reach* reach;  // of each position of the result
  int64_t positions, tap_step, read_step, phases;
};

NDL_INLINE int64_t common_divisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t rest = a % b;
    a = b, b = rest;
  }
  return a;
}

// Forward: output o reads pixel o*stride + tap*dilation - pad.
NDL_INLINE Side forward_side(int64_t outputs, int64_t size, int64_t taps, int64_t stride, int64_t pad, int64_t dilation, Reach* reach) {
  for (int64_t o = 0; o < outputs; ++o) {
    const int64_t start = o * stride - pad;
    const int64_t first = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
    const int64_t end = start >= size ? 0 : (size - 1 - start) / dilation + 1, last = end < taps ? end : taps;
    reach[o] = {first, last > first ? last - first : 0, start + first * dilation};
  }
  return {reach, outputs, 1, dilation, 1};
}
// Backward: pixel i is read through a tap by output o where o*stride = i + pad - tap*dilation.
NDL_INLINE Side backward_side(int64_t outputs, int64_t size, int64_t taps, int64_t stride, int64_t pad, int64_t dilation, Reach* reach) {
  const int64_t common = common_divisor(stride, dilation);
  for (int64_t i = 0; i < size; ++i) {
    reach[i] = {0, 0, 0};
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t o = (i + pad - tap * dilation) / stride;
      if (i + pad < tap * dilation) break;
      if (o * stride != i + pad - tap * dilation || o >= outputs) continue;
      if (reach[i].count++ == 0) reach[i].first = tap, reach[i].at = o;
    }
  }
  return {reach, size, stride / common, -dilation / common, stride};
}

template <class T>
struct Walk {
  Side rows, columns;
  int64_t channels, line, next;   // floats of a row that is read, and from one column of a tile to the next there
  int64_t kernel_columns, ahead;  // rows that each row of the result reads first
  EpilogueOf<T> epilogue;
  T* result;
  int64_t below;  // floats to the row of the result that follows
};

// kCount columns of the result from `place` on, a phase apart, that are all reached by the same rows x columns taps.
template <int kWidth, int kCount, bool kStream, class T>
NDL_INLINE void tile(const Walk<T>& walk, const Reach& row, const Reach& column, const T* image, const float* weights, int64_t place) {
  const int64_t across = whole_vectors(walk.channels), tap = across * kWidth;
  const int64_t row_read = walk.rows.read_step * walk.line, column_read = walk.columns.read_step * walk.channels;
  const int64_t row_weight = walk.rows.tap_step * walk.kernel_columns * tap, column_weight = walk.columns.tap_step * tap;
  const int64_t next_result = walk.columns.phases * walk.channels;
  const T* read = image + row.at * walk.line + column.at * walk.channels;
  weights += (row.first * walk.kernel_columns + column.first) * tap;
  // What the next row of the result reads first: far enough from here that the processor would not foresee it.
  const T* ahead = read + (row_read > 0 ? row.count * row_read : walk.line);
  const EpilogueOf<T> epilogue = walk.epilogue.at(place, 0);  // copies: a store to the result could change what lies in memory
  T* const result = walk.result + place;
  for_vectors(0, walk.channels, [&](int64_t c, int lanes) NDL_LAMBDA_INLINE {
    for (int64_t i = 0; i < walk.ahead; ++i)
#pragma GCC unroll 4
      for (int64_t q = 0; q < kCount * walk.next; q += walk.channels) prefetch(ahead + i * walk.line + q + c);
    F32 sum[kCount];
    const F32 start = epilogue.bias == nullptr ? F32{} : load_some(epilogue.bias + c, lanes);
#pragma GCC unroll 8
    for (int q = 0; q < kCount; ++q) sum[q] = start;
    for (int64_t i = 0; i < row.count; ++i)
      for (int64_t j = 0; j < column.count; ++j) {
        const T* from = read + i * row_read + j * column_read;
        const float* w = weights + i * row_weight + j * column_weight + c;
#pragma GCC unroll 4
        for (int m = 0; m < kWidth; ++m) {
          const F32 weight = load(w + m * across);
#pragma GCC unroll 8
          for (int q = 0; q < kCount; ++q) sum[q] += member<kWidth>(from + q * walk.next, c, lanes, m) * weight;
        }
      }
    if (epilogue.residual != nullptr)
#pragma GCC unroll 8
      for (int q = 0; q < kCount; ++q) sum[q] += load_some(epilogue.residual + q * next_result + c, lanes);
    if (epilogue.relu)
#pragma GCC unroll 8
      for (int q = 0; q < kCount; ++q) sum[q] = select(sum[q] < 0.0f, F32{}, sum[q]);
#pragma GCC unroll 8
    for (int q = 0; q < kCount; ++q) {
      T* to = result + q * next_result + c;
      if constexpr (!kStream) prefetch_to_write(to + walk.below);  // a store that has to wait for its line holds up those behind it
      put<kStream>(to, sum[q], lanes);
    }
  });
}

template <int kWidth, bool kStream, class T>
void result_row(const Walk<T>& walk, const Reach& row, const T* image, const float* weights, int64_t place) {
  const Side& side = walk.columns;
  // All phases of a stretch, so that it is written while it is near.
  const int64_t stretch = side.phases == 1 ? side.positions : 2 * kColumns * side.phases;
  for (int64_t begin = 0; begin < side.positions; begin += stretch) {
    const int64_t end = begin + stretch < side.positions ? begin + stretch : side.positions;
    for (int64_t phase = 0; phase < side.phases; ++phase)
      for (int64_t i = begin + phase; i < end;) {
        const Reach& column = side.reach[i];
        int64_t alike = 1;
        for (; alike < kColumns && i + alike * side.phases < end; ++alike) {
          const Reach& other = side.reach[i + alike * side.phases];
          if (other.first != column.first || other.count != column.count) break;
        }
        const int64_t to = place + i * walk.channels;
        if (alike == 8) tile<kWidth, 8, kStream>(walk, row, column, image, weights, to);
        else if (alike >= 4) alike = 4, tile<kWidth, 4, kStream>(walk, row, column, image, weights, to);
        else if (alike >= 2) alike = 2, tile<kWidth, 2, kStream>(walk, row, column, image, weights, to);
        else tile<kWidth, 1, kStream>(walk, row, column, image, weights, to);
        i += alike * side.phases;
      }
  }
}

// images of `read`, each walk.line * lines floats.
template <int kWidth, class T>
NDL_INLINE void walk_all(const Walk<T>& walk, int64_t images, int64_t lines, const T* read, const float* weights, bool beyond_cache,
                         const Exec& exec) {
  const int64_t size = walk.columns.positions * walk.channels, grain = 1 + 8192 / (size + 1);
  const bool streamed = beyond_cache && can_stream(walk.result, walk.channels);
  exec.parallel_for(images * walk.rows.positions, grain, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t at = begin; at < end; ++at) {
      const Reach& row = walk.rows.reach[at % walk.rows.positions];
      const T* image = read + at / walk.rows.positions * lines * walk.line;
      if (streamed) result_row<kWidth, true>(walk, row, image, weights, at * size);
      else result_row<kWidth, false>(walk, row, image, weights, at * size);
    }
    if (streamed) stream_fence();
  });
}

template <int kWidth>
void forward(const Conv2d& r, const Buffers& b, const Exec& exec) {
  auto* reach = static_cast<Reach*>(exec.workspace);
  by_type(r, [&]<class T>(T) {
    const Walk<T> walk{forward_side(r.p, r.h, r.r, r.stride_h, r.pad_top, r.dilation_h, reach),
                       forward_side(r.q, r.w, r.s, r.stride_w, r.pad_left, r.dilation_w, reach + r.p),
                       r.c, r.w * r.c, r.stride_w * r.c, r.s, r.stride_h,
                       {b.get<T>(Conv2d::kBias), r.activation == NDL_ACTIVATION_RELU, b.get<T>(Conv2d::kResidual)}, b.get<T>(Conv2d::kY), r.q * r.c};
    walk_all<kWidth>(walk, r.n, r.h, b.get<const T>(Conv2d::kX), static_cast<const float*>(b.derived), exec.beyond_cache(r), exec);
  });
}
template <int kWidth>
void backward_input(const Conv2d& r, const Buffers& b, const Exec& exec) {
  auto* reach = static_cast<Reach*>(exec.workspace);
  by_type(r, [&]<class T>(T) {
    const Walk<T> walk{backward_side(r.p, r.h, r.r, r.stride_h, r.pad_top, r.dilation_h, reach),
                       backward_side(r.q, r.w, r.s, r.stride_w, r.pad_left, r.dilation_w, reach + r.h),
                       r.c, r.q * r.c, r.c, r.s, 1, {}, b.get<T>(Conv2d::kDx), r.w * r.c};
    walk_all<kWidth>(walk, r.n, r.p, b.get<const T>(Conv2d::kDy), static_cast<const float*>(b.derived), exec.beyond_cache(r), exec);
  });
}
int64_t forward_workspace(const Conv2d& r, const Env&) { return (r.p + r.q) * static_cast<int64_t>(sizeof(Reach)); }
int64_t backward_input_workspace(const Conv2d& r, const Env&) { return (r.h + r.w) * static_cast<int64_t>(sizeof(Reach)); }

int64_t packed_bytes(const Conv2d& r, const Env&) { return r.r * r.s * (r.c / r.groups) * whole_vectors(r.c) * 4; }

// packed[tap][i][c] = w[c][tap][i], or with the group's members exchanged, w[g + i][tap][c - g].
template <bool kExchange>
void pack(const Conv2d& r, const void* weight, void* packed, const Exec&) {
  const int64_t width = r.c / r.groups, taps = r.r * r.s, across = whole_vectors(r.c);
  by_type(r, [&]<class T>(T) {
    const T* w = static_cast<const T*>(weight);
    float* to = static_cast<float*>(packed);
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t i = 0; i < width; ++i, to += across) {
        for (int64_t c = 0; c < r.c; ++c)
          to[c] = element(kExchange ? w + ((c - c % width + i) * taps + tap) * width + c % width : w + (c * taps + tap) * width + i);
        fill_floats(to + r.c, 0.0f, across - r.c);
      }
  });
}

// --- backward weight -----------------------------------------------------------------------------------------------

constexpr int64_t kBlock = 32;  // columns of dy between two updates of the sums in memory: short chains round less

struct Slices {
  int64_t rows, count;
};
NDL_INLINE Slices slices_of(const Conv2d& r) {
  const int64_t all = r.n * r.p, rows = (all + 31) / 32;  // at most 32 slices
  return rows == 0 ? Slices{1, 1} : Slices{rows, (all + rows - 1) / rows};
}
NDL_INLINE int64_t sums_floats(const Conv2d& r) { return r.r * r.s * (r.c / r.groups) * whole_vectors(r.c); }
int64_t backward_weight_workspace(const Conv2d& r, const Env&) {
  return slices_of(r).count * sums_floats(r) * 4 + r.s * static_cast<int64_t>(sizeof(Reach));
}

// sums[j][i][c] += dy over columns [begin, end) times what taps j .. j + kCount of the kernel row read there; all inside.
template <int kWidth, int kCount, class T>
NDL_INLINE void tap_sums(const Conv2d& r, const T* x, const T* dy, int64_t begin, int64_t end, float* sums) {
  const int64_t across = whole_vectors(r.c), next = r.stride_w * r.c, tap = r.dilation_w * r.c, ahead_x = r.w * r.c * r.stride_h, ahead_dy = r.q * r.c;
  for_vectors(0, r.c, [&](int64_t c, int lanes) NDL_LAMBDA_INLINE {
    F32 sum[kCount][kWidth] = {};
    const T* from = x + begin * next;
    for (int64_t q = begin; q < end; ++q, from += next) {
      const F32 gradient = load_some(dy + q * r.c + c, lanes);
      prefetch(dy + ahead_dy + q * r.c + c);
      prefetch(from + ahead_x + c);
#pragma GCC unroll 8
      for (int j = 0; j < kCount; ++j)
#pragma GCC unroll 4
        for (int i = 0; i < kWidth; ++i) sum[j][i] += member<kWidth>(from + j * tap, c, lanes, i) * gradient;
    }
#pragma GCC unroll 8
    for (int j = 0; j < kCount; ++j)
#pragma GCC unroll 8
      for (int i = 0; i < kWidth; ++i) {
        float* to = sums + (j * kWidth + i) * across + c;
        store<F32>(to, load(to) + sum[j][i]);
      }
  });
}

// The columns of dy, of those in [begin, end), for which tap j of a kernel row reads inside x.
struct Range {
  int64_t begin, end;
};
NDL_INLINE Range inside(const Conv2d& r, int64_t j, int64_t begin, int64_t end) {
  const int64_t offset = j * r.dilation_w - r.pad_left;  // of what column 0 reads
  const int64_t first = offset >= 0 ? 0 : (-offset + r.stride_w - 1) / r.stride_w;
  const int64_t last = offset >= r.w ? 0 : (r.w - 1 - offset) / r.stride_w + 1;
  return {first > begin ? first : begin, last < end ? last : end};
}

// The same for all taps of one kernel row, over columns [begin, end) of a row of dy; line: the row of x that it reads.
template <int kWidth, class T>
void row_sums(const Conv2d& r, const T* line, const T* dy, int64_t begin, int64_t end, float* sums) {
  constexpr int kTogether = 4 / kWidth;  // taps whose sums that stay in registers: enough to hide the latency of one
  const int64_t tap = kWidth * whole_vectors(r.c);
  for (int64_t j = 0; j < r.s; j += kTogether) {
    const int64_t taps = r.s - j < kTogether ? r.s - j : kTogether;
    Range all{begin, end};
    for (int64_t t = j; t < j + taps; ++t) all = inside(r, t, all.begin, all.end);
    if (all.begin >= all.end) all = {end, end};
    const auto at = [&](int64_t t) { return line + (t * r.dilation_w - r.pad_left) * r.c; };
    if (all.begin < all.end) {
      if (taps == 4) tap_sums<kWidth, 4>(r, at(j), dy, all.begin, all.end, sums + j * tap);
      else if (taps == 3) tap_sums<kWidth, 3>(r, at(j), dy, all.begin, all.end, sums + j * tap);
      else if (taps == 2) tap_sums<kWidth, 2>(r, at(j), dy, all.begin, all.end, sums + j * tap);
      else tap_sums<kWidth, 1>(r, at(j), dy, all.begin, all.end, sums + j * tap);
    }
    for (int64_t t = j; t < j + taps; ++t) {  // columns where some of the taps, but not this one, lie outside
      const Range left = inside(r, t, begin, all.begin), right = inside(r, t, all.end, end);
      if (left.begin < left.end) tap_sums<kWidth, 1>(r, at(t), dy, left.begin, left.end, sums + t * tap);
      if (right.begin < right.end) tap_sums<kWidth, 1>(r, at(t), dy, right.begin, right.end, sums + t * tap);
    }
  }
}

// The same for all nine taps of a 3x3 kernel at once, whose rows, all inside, begin at x and lie `line` apart; kVectors of channels
// from c on, each `lanes` wide.
template <int kVectors, class T>
NDL_INLINE void square_of(const Conv2d& r, const T* x, int64_t line, const T* dy, int64_t begin, int64_t end, int64_t c, int lanes, float* sums) {
  const int64_t across = whole_vectors(r.c), next = r.stride_w * r.c, tap = r.dilation_w * r.c, ahead = r.stride_h * r.w * r.c;
  const int64_t new_rows = smaller(r.stride_h, 3), new_taps = smaller(r.stride_w, 3);  // that the next row and column of dy read
  F32 sum[3][3][kVectors] = {};
  const T* from = x + begin * next + c;
  dy += c;
  for (int64_t q = begin; q < end; ++q, from += next) {
    F32 gradient[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const int64_t at = v * kLanes;
      gradient[v] = load_some(dy + q * r.c + at, lanes);
      prefetch(dy + (r.q + q) * r.c + at);
      for (int64_t i = 3 - new_rows; i < 3; ++i)
        for (int64_t j = 3 - new_taps; j < 3; ++j) prefetch(from + ahead + i * line + j * tap + at);
    }
#pragma GCC unroll 3
    for (int i = 0; i < 3; ++i)
#pragma GCC unroll 3
      for (int j = 0; j < 3; ++j)
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) sum[i][j][v] += load_some(from + i * line + j * tap + v * kLanes, lanes) * gradient[v];
  }
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i)
#pragma GCC unroll 3
    for (int j = 0; j < 3; ++j)
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        float* to = sums + (i * 3 + j) * across + c + v * kLanes;
        store<F32>(to, load(to) + sum[i][j][v]);
      }
}
template <class T>
void square_sums(const Conv2d& r, const T* x, int64_t line, const T* dy, int64_t begin, int64_t end, float* sums) {
  int64_t c = 0;
#if defined(__AVX512F__) || defined(__aarch64__)  // 32 registers hold two vectors' sums: fewer, longer reads
  for (; c + 2 * kLanes <= r.c; c += 2 * kLanes) square_of<2>(r, x, line, dy, begin, end, c, kLanes, sums);
#endif
  for_vectors(c, r.c, [&](int64_t at, int lanes) NDL_LAMBDA_INLINE { square_of<1>(r, x, line, dy, begin, end, at, lanes, sums); });
}

template <int kWidth, class T>
void sum_weight(const Conv2d& r, const T* x, const T* dy, T* dw, const Exec& exec) {
  auto* partial = static_cast<float*>(exec.workspace);
  const Slices slices = slices_of(r);
  const int64_t size = sums_floats(r), across = whole_vectors(r.c), taps = r.r * r.s;
  exec.parallel_for(slices.count, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t slice = begin; slice < end; ++slice) {
      float* sums = partial + slice * size;
      fill_floats(sums, 0.0f, size);
      const int64_t last = (slice + 1) * slices.rows < r.n * r.p ? (slice + 1) * slices.rows : r.n * r.p;
      for (int64_t row = slice * slices.rows; row < last; ++row)
        for (int64_t column = 0; column < r.q; column += kBlock) {
          const int64_t top = row % r.p * r.stride_h - r.pad_top, line = r.w * r.c, end = smaller(column + kBlock, r.q);
          const T* image = x + row / r.p * r.h * line;
          const T* gradients = dy + row * r.q * r.c;
          Range whole{end, end};  // columns whose windows are inside
          if (kWidth == 1 && r.r == 3 && r.s == 3 && top >= 0 && top + 2 * r.dilation_h < r.h) {
            whole = inside(r, 0, column, end), whole = inside(r, 2, whole.begin, whole.end);
            if (whole.begin < whole.end)
              square_sums(r, image + top * line - r.pad_left * r.c, r.dilation_h * line, gradients, whole.begin, whole.end, sums);
            else whole = {end, end};
          }
          for (int64_t i = 0; i < r.r; ++i) {
            const int64_t h = top + i * r.dilation_h;
            if (h < 0 || h >= r.h) continue;
            float* to = sums + i * r.s * kWidth * across;
            if (column < whole.begin) row_sums<kWidth>(r, image + h * line, gradients, column, whole.begin, to);
            if (whole.end < end) row_sums<kWidth>(r, image + h * line, gradients, whole.end, end, to);
          }
        }
    }
  });
  // Added in order, then turned: dw[c][tap][i] = sums[tap][i][c].
  exec.parallel_for(taps * kWidth, 1 + 4096 / (across * slices.count), [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t at = begin; at < end; ++at)
      for (int64_t c = 0; c < across; c += kLanes) {
        F32 sum = load(partial + at * across + c);
        for (int64_t slice = 1; slice < slices.count; ++slice) sum += load(partial + slice * size + at * across + c);
        for (int lane = 0; lane < kLanes && c + lane < r.c; ++lane) set_element(dw + (c + lane) * taps * kWidth + at, sum[lane]);
      }
  });
}
template <int kWidth>
void backward_weight(const Conv2d& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) { sum_weight<kWidth>(r, b.get<const T>(Conv2d::kImage), b.get<const T>(Conv2d::kGradient), b.get<T>(Conv2d::kDw), exec); });
}

void forward_depthwise(const Conv2d& r, const Buffers& b, const Exec& exec) { forward<1>(r, b, exec); }
void backward_input_depthwise(const Conv2d& r, const Buffers& b, const Exec& exec) { backward_input<1>(r, b, exec); }
void backward_weight_depthwise(const Conv2d& r, const Buffers& b, const Exec& exec) { backward_weight<1>(r, b, exec); }

#define NDL_OF_WIDTH(pass)                                                   \
  void pass##_grouped(const Conv2d& r, const Buffers& b, const Exec& exec) { \
    if (r.c / r.groups == 2) pass<2>(r, b, exec);                            \
    else pass<4>(r, b, exec);                                                \
  }
NDL_OF_WIDTH(forward)
NDL_OF_WIDTH(backward_input)
NDL_OF_WIDTH(backward_weight)
#undef NDL_OF_WIDTH

// The layout follows from the weight's shape but for the number of groups.
int64_t groups_of(const Conv2d& r) { return r.groups; }

}  // namespace

const Kernel<Conv2d> conv2d_forward_depthwise{forward_depthwise, forward_workspace, Conv2d::kWeight, packed_bytes, pack<false>, groups_of};
const Kernel<Conv2d> conv2d_backward_input_depthwise{backward_input_depthwise, backward_input_workspace, Conv2d::kFilter, packed_bytes,
                                                     pack<true>, groups_of};
const Kernel<Conv2d> conv2d_backward_weight_depthwise{backward_weight_depthwise, backward_weight_workspace};
const Kernel<Conv2d> conv2d_forward_grouped{forward_grouped, forward_workspace, Conv2d::kWeight, packed_bytes, pack<false>, groups_of};
const Kernel<Conv2d> conv2d_backward_input_grouped{backward_input_grouped, backward_input_workspace, Conv2d::kFilter, packed_bytes,
                                                   pack<true>, groups_of};
const Kernel<Conv2d> conv2d_backward_weight_grouped{backward_weight_grouped, backward_weight_workspace};

}  // namespace ndl::cpu::NDL_ISA
