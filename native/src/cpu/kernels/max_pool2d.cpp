// cpu/kernels/max_pool2d.cpp: max pooling over NHWC, vectors along channels.
//   forward:  y[n,p,q,c] = max of x over the window, argmax = h*W + w of the first largest (i32), or its place in the window,
//             r*S + s (u8); NaN counts as largest
//   backward: dx[n,h,w,c] = sum of dy[n,p,q,c] over the windows with argmax (h,w)
// x, dx [n,h,w,c]; y, dy, argmax [n,p,q,c].
// Mapping: forward, a task is some rows (n,p) of y; windows of 2x2 and 3x3 inside the image run without a branch, and once
// more by the rule for NaN where one may be among them. Backward, where windows do not overlap, a task is a row of windows,
// whose argmax and dy are read once and whose pixels are written once; else a task is some rows (n,h) of dx, each element of
// which gathers from the few windows that cover it, added in order, and the first row that a window covers also checks its
// indices. Beyond the cache, results are stored past it. Refuses: f64. Bound: memory bandwidth.
#include "cpu/simd.hpp"
#include "ops/max_pool2d.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

NDL_INLINE int64_t greatest(int64_t a, int64_t b) { return a > b ? a : b; }

// What an argmax is: a pixel's number (int32_t), a place in the window (uint8_t), or not wanted (NoIndex).
struct NoIndex {};
template <class Index>
inline constexpr bool kIndex = true;
template <>
inline constexpr bool kIndex<NoIndex> = false;
template <class Index>
inline constexpr bool kInWindow = false;
template <>
inline constexpr bool kInWindow<uint8_t> = true;

NDL_INLINE I32 load_index(const int32_t* argmax, int lanes) { return load_n<I32>(argmax, lanes); }
NDL_INLINE I32 load_index(const uint8_t* argmax, int lanes) { return load_bytes(argmax, lanes); }

// --- forward -------------------------------------------------------------------------------------------------------

template <bool kStream, class Index>
NDL_INLINE void put_largest(F32 best, I32 index, int64_t at, int lanes, float* y, Index* argmax) {
  put<kStream>(y + at, best, lanes);
  if constexpr (kInWindow<Index>) store_bytes(argmax + at, index, lanes);
  else if constexpr (kIndex<Index> && kStream) stream(argmax + at, index);
  else if constexpr (kIndex<Index>) store_n<I32>(argmax + at, index, lanes);
}

// A window of any kind.
template <bool kStream, class Index>
void window(const MaxPool2d& r, const float* image, int64_t top, int64_t left, float* y, Index* argmax) {
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
        const I32 take = beats(v, best) | (index < 0);  // the first element may be -inf
        best = select(take, v, best);
        index = select(take, broadcast<I32>(static_cast<int32_t>(kInWindow<Index> ? i * r.s + j : row * r.w + col)), index);
      }
    }
    put_largest<kStream>(best, index, c, lanes, y, argmax);
  });
}

// kSize x kSize neighbours from x on, pixel `first` of an image `width` wide, all of them inside it; false where a NaN may
// be among them: then y and argmax are void.
template <int kSize, bool kStream, class Index>
NDL_INLINE bool whole_window(const float* x, int64_t first, int64_t width, int64_t channels, float* y, Index* argmax) {
  bool ordered = true;
  for_vectors(0, channels, [=, &ordered](int64_t c, int lanes) NDL_LAMBDA_INLINE {
    F32 best = load_some(x + c, lanes), sum = best;  // a NaN makes the sum one, as opposite infinities do, which is rare
    I32 index = broadcast<I32>(kInWindow<Index> ? 0 : static_cast<int32_t>(first));
#pragma GCC unroll 9
    for (int tap = 1; tap < kSize * kSize; ++tap) {
      const int64_t pixel = tap / kSize * width + tap % kSize;
      const F32 v = in_register(load_some(x + pixel * channels + c, lanes));
      if constexpr (kIndex<Index>) index = select(v > best, broadcast<I32>(kInWindow<Index> ? tap : static_cast<int32_t>(first + pixel)), index);
      best = maximum(v, best);
      sum += v;
    }
    ordered &= !any(sum != sum);
    put_largest<kStream>(best, index, c, lanes, y, argmax);
  });
  return ordered;
}

template <int kSize, bool kStream, class Index>
void forward_rows(const MaxPool2d& r, const float* x, float* y, Index* argmax, const Exec& exec) {
  exec.parallel_for(r.n * r.p, 1 + stream_grain(kStream, 8192) / (r.q * r.c + 1), [=, &r](int64_t begin, int64_t end, int32_t) {
    const int64_t width = r.w, channels = r.c, windows = r.q;  // kept in registers: r may lie anywhere
    for (int64_t row = begin; row < end; ++row) {
      const float* image = x + row / r.p * r.h * width * channels;
      const int64_t top = row % r.p * r.stride_h - r.pad_top;
      const bool inside = kSize > 0 && top >= 0 && top + kSize <= r.h;
      int64_t left = -r.pad_left, at = row * windows * channels;
      for (int64_t q = 0; q < windows; ++q, left += r.stride_w, at += channels) {
        Index* index = kIndex<Index> ? argmax + at : nullptr;
        if constexpr (kSize > 0) {
          const int64_t first = top * width + left;
          if (inside && left >= 0 && left + kSize <= width &&
              whole_window<kSize, kStream>(image + first * channels, first, width, channels, y + at, index))
            continue;
        }
        window<kStream>(r, image, top, left, y + at, index);
      }
    }
    if (kStream) stream_fence();
  });
}

template <bool kStream, class Index>
void forward_sizes(const MaxPool2d& r, const float* x, float* y, Index* argmax, const Exec& exec) {
  const bool square = r.r == r.s && r.dilation_h == 1 && r.dilation_w == 1;
  if (square && r.r == 2) forward_rows<2, kStream>(r, x, y, argmax, exec);
  else if (square && r.r == 3) forward_rows<3, kStream>(r, x, y, argmax, exec);
  else forward_rows<0, kStream>(r, x, y, argmax, exec);
}

template <class Index>
void forward_of(const MaxPool2d& r, const Buffers& b, const Exec& exec) {
  const float* x = b.get<float>(MaxPool2d::kX);
  float* y = b.get<float>(MaxPool2d::kY);
  auto* argmax = b.get<Index>(MaxPool2d::kArgmax);
  const bool streamed = exec.beyond_cache(r) && can_stream(y, r.c) && can_stream(argmax, r.c);
  streamed ? forward_sizes<true>(r, x, y, argmax, exec) : forward_sizes<false>(r, x, y, argmax, exec);
}

void forward(const MaxPool2d& r, const Buffers& b, const Exec& exec) {
  if (b.get<void>(MaxPool2d::kArgmax) == nullptr) forward_of<NoIndex>(r, b, exec);
  else if (r.argmax_in_window) forward_of<uint8_t>(r, b, exec);
  else forward_of<int32_t>(r, b, exec);
}

// --- backward ------------------------------------------------------------------------------------------------------

// A range of rows or columns.
struct Span {
  int64_t first, end;
};
// Of the taps of a window that starts at `start`, those in [0, size).
NDL_INLINE Span taps_inside(int64_t start, int64_t taps, int64_t size) { return {greatest(start, 0), smaller(start + taps, size)}; }

// Claimed from the start: lanes that are not there.
NDL_INLINE I32 absent(int lanes) {
  I32 mask;
  for (int lane = 0; lane < kLanes; ++lane) mask[lane] = lane < lanes ? 0 : -1;
  return mask;
}

// The argmax of window (top, left) where its largest element is (row, column) of the image, one of its taps, which are
// neighbours.
template <class Index>
NDL_INLINE int64_t index_of(const MaxPool2d& r, int64_t top, int64_t left, int64_t row, int64_t column) {
  return kInWindow<Index> ? (row - top) * r.s + (column - left) : row * r.w + column;
}

// Whether every index of a row of windows is a tap of its window; taps are neighbours.
template <class Index>
bool inside_windows(const MaxPool2d& r, const Index* argmax, int64_t top) {
  typedef uint32_t U32 __attribute__((vector_size(kVectorBytes)));
  const int64_t channels = r.c, windows = r.q, line = kInWindow<Index> ? r.s : r.w;
  const Span rows = taps_inside(top, r.r, r.h);
  bool known = true;
  for (int64_t q = 0; q < windows; ++q, argmax += channels) {
    const int64_t left = q * r.stride_w - r.pad_left;
    const Span columns = taps_inside(left, r.s, r.w);
    const auto first = static_cast<uint32_t>(index_of<Index>(r, top, left, rows.first, columns.first));
    const auto count = static_cast<uint32_t>(columns.end - columns.first);
    for_vectors(0, channels, [=, &known](int64_t c, int lanes) NDL_LAMBDA_INLINE {
      U32 distance = (U32)load_index(argmax + c, lanes) - first;
      I32 claimed = absent(lanes);
      for (int64_t row = rows.first; row < rows.end; ++row, distance -= static_cast<uint32_t>(line)) claimed |= distance < count;
      known &= !any(~claimed);
    });
  }
  return known;
}

// Reports indices of row (n,p) that are no taps of their windows. `at`: number of the row's first element.
template <class Index>
void check_row(const MaxPool2d& r, const Index* argmax, int64_t at, int64_t top, const Exec& exec) {
  if (r.dilation_h == 1 && r.dilation_w == 1 && inside_windows(r, argmax + at, top)) return;
  for (int64_t q = 0; q < r.q; ++q, at += r.c) {
    const int64_t left = q * r.stride_w - r.pad_left;
    for (int64_t c = 0; c < r.c; ++c) {
      const int64_t index = argmax[at + c];
      const int64_t row = kInWindow<Index> ? top + index / r.s * r.dilation_h : index / r.w;
      const int64_t column = kInWindow<Index> ? left + index % r.s * r.dilation_w : index % r.w;
      const int64_t down = row - top, right = column - left;
      if (index < 0 || row < 0 || row >= r.h || column < 0 || column >= r.w || down < 0 || down % r.dilation_h != 0 ||
          down / r.dilation_h >= r.r || right < 0 || right % r.dilation_w != 0 || right / r.dilation_w >= r.s)
        report_bad_value(exec, "an argmax lies outside its window", at + c, index);
    }
  }
}

// Where windows do not overlap: the pixels of a window, each of which takes dy where it is the argmax; false where an argmax
// is none of them. kSize: of a square window that lies inside the image, else 0.
template <int kSize, bool kStream, class Index>
NDL_INLINE bool scatter(const MaxPool2d& r, const float* dy, const Index* argmax, int64_t top, int64_t left, Span rows, Span columns, float* image) {
  const int64_t width = r.w, channels = r.c;  // kept in registers: r may lie anywhere
  bool known = true;
  for_vectors(0, channels, [=, &r, &known](int64_t c, int lanes) NDL_LAMBDA_INLINE {
    const I32 index = load_index(argmax + c, lanes);
    const F32 gradient = load_some(dy + c, lanes);
    I32 claimed = absent(lanes);
    const auto pixel = [=, &claimed](int64_t h, int64_t w, int64_t number) NDL_LAMBDA_INLINE {
      const I32 here = index == static_cast<int32_t>(number);
      claimed |= here;
      put<kStream>(image + (h * width + w) * channels + c, select(here, gradient, F32{}), lanes);
    };
    if constexpr (kSize > 0) {
#pragma GCC unroll 9
      for (int tap = 0; tap < kSize * kSize; ++tap) {
        const int64_t h = rows.first + tap / kSize, w = columns.first + tap % kSize;
        pixel(h, w, kInWindow<Index> ? tap : h * width + w);
      }
    } else {
      for (int64_t h = rows.first; h < rows.end; ++h)
        for (int64_t w = columns.first; w < columns.end; ++w) pixel(h, w, index_of<Index>(r, top, left, h, w));
    }
    known &= !any(~claimed);
  });
  return known;
}

template <bool kStream>
NDL_INLINE void clear(float* dx, int64_t count) {
  for_vectors(0, count, [&](int64_t i, int lanes) NDL_LAMBDA_INLINE { put<kStream>(dx + i, F32{}, lanes); });
}

// Windows that do not overlap. A task is a row of windows (n,p), with the rows of dx from it to the next; those that no
// window holds become 0.
template <int kSize, bool kStream, class Index>
void scatter_rows(const MaxPool2d& r, const float* dy, const Index* argmax, float* dx, const Exec& exec) {
  const int64_t line = r.w * r.c;
  exec.parallel_for(r.n * r.p, 1 + stream_grain(kStream, 8192) / (r.stride_h * line + 1), [=, &r, &exec](int64_t begin, int64_t end, int32_t) {
    const int64_t channels = r.c, windows = r.q;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t p = task % r.p, top = p * r.stride_h - r.pad_top, first = task * windows * channels;
      float* image = dx + task / r.p * r.h * line;
      const Span rows = taps_inside(top, r.r, r.h), owned{p == 0 ? 0 : rows.first, p + 1 == r.p ? r.h : top + r.stride_h};
      // Columns [from, to) of the windows' rows, which lie between windows.
      const auto clear_columns = [=](int64_t from, int64_t to) NDL_LAMBDA_INLINE {
        if (from == to) return;
        for (int64_t h = rows.first; h < rows.end; ++h) clear<kStream>(image + h * line + from * channels, (to - from) * channels);
      };
      clear<kStream>(image + owned.first * line, (rows.first - owned.first) * line);
      bool known = true;
      int64_t done = 0, at = first;
      for (int64_t q = 0; q < windows; ++q, at += channels) {
        const int64_t left = q * r.stride_w - r.pad_left;
        const Span columns = taps_inside(left, r.s, r.w);
        clear_columns(done, columns.first);
        done = columns.end;
        if (kSize > 0 && rows.end - rows.first == kSize && columns.end - columns.first == kSize)
          known &= scatter<kSize, kStream>(r, dy + at, argmax + at, top, left, rows, columns, image);
        else
          known &= scatter<0, kStream>(r, dy + at, argmax + at, top, left, rows, columns, image);
      }
      clear_columns(done, r.w);
      clear<kStream>(image + rows.end * line, (owned.end - rows.end) * line);
      if (!known) check_row(r, argmax, first, top, exec);
    }
    if (kStream) stream_fence();
  });
}

// The windows whose taps reach row (or column) i, for i one after the other; where taps are dilated, some may skip it.
struct Cover {
  int64_t windows, reach, stride, pad;  // reach: from a window's first tap to its last
  Span span{0, 0};

  NDL_INLINE void move_to(int64_t i) {
    while (span.end < windows && span.end * stride - pad <= i) ++span.end;
    while (span.first < span.end && span.first * stride - pad + reach < i) ++span.first;
  }
};

// What the windows that cover a pixel have as argmax where that is the pixel. They are `rows` x `columns`; the first of them
// begins `down` and `right` before the pixel.
template <class Index>
struct Here;
template <>
struct Here<int32_t> {
  int32_t pixel;
  NDL_INLINE Here(const MaxPool2d& r, int64_t row, int64_t column, int64_t, int64_t, int64_t, int64_t) : pixel(static_cast<int32_t>(row * r.w + column)) {}
  NDL_INLINE int32_t operator[](int64_t) const { return pixel; }
};
template <>
struct Here<uint8_t> {
  int32_t place[256];  // of the window's elements, each is the pixel for one window at most
  NDL_INLINE Here(const MaxPool2d& r, int64_t, int64_t, int64_t rows, int64_t columns, int64_t down, int64_t right) {
    const bool dilated = r.dilation_h != 1 || r.dilation_w != 1;
    for (int64_t i = 0; i < rows; ++i, down -= r.stride_h)
      for (int64_t j = 0, across = right; j < columns; ++j, across -= r.stride_w)
        if (!dilated) place[i * columns + j] = static_cast<int32_t>(down * r.s + across);
        else if (down % r.dilation_h != 0 || across % r.dilation_w != 0) place[i * columns + j] = -1;  // between the taps
        else place[i * columns + j] = static_cast<int32_t>(down / r.dilation_h * r.s + across / r.dilation_w);
  }
  NDL_INLINE int32_t operator[](int64_t window) const { return place[window]; }
};

// A pixel of dx under `rows` x `columns` windows, the first at argmax and dy; `line`: elements of a row of windows.
template <bool kStream, class Index>
NDL_INLINE void gather(int64_t rows, int64_t columns, int64_t line, int64_t channels, const Index* argmax, const float* dy, const Here<Index>& here, float* dx) {
  for_vectors(0, channels, [&](int64_t c, int lanes) NDL_LAMBDA_INLINE {
    F32 sum{};
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) {
        const int64_t at = i * line + j * channels + c;
        sum += select(load_index(argmax + at, lanes) == here[i * columns + j], load_some(dy + at, lanes), F32{});
      }
    put<kStream>(dx + c, sum, lanes);
  });
}

// Row h of an image of dx under `rows` of windows, the first of them at dy and argmax. kHeight: how many rows, where that is 1
// or 2, so that the common counts run straight on, else 0.
template <int kHeight, bool kStream, class Index>
NDL_INLINE void gather_row(const MaxPool2d& r, Span rows, int64_t h, const float* dy, const Index* argmax, float* dx) {
  const int64_t width = r.w, channels = r.c, line = r.q * channels;  // kept in registers: r may lie anywhere
  const int64_t height = rows.end - rows.first, down = h + r.pad_top - rows.first * r.stride_h;
  Cover columns{r.q, (r.s - 1) * r.dilation_w, r.stride_w, r.pad_left};
  for (int64_t w = 0; w < width; ++w, dx += channels) {
    columns.move_to(w);
    const int64_t count = columns.span.end - columns.span.first, at = columns.span.first * channels;
    const Here<Index> here(r, h, w, height, count, down, w + r.pad_left - columns.span.first * r.stride_w);
    if (kHeight > 0 && count == 1) gather<kStream>(kHeight, 1, line, channels, argmax + at, dy + at, here, dx);
    else if (kHeight > 0 && count == 2) gather<kStream>(kHeight, 2, line, channels, argmax + at, dy + at, here, dx);
    else gather<kStream>(height, count, line, channels, argmax + at, dy + at, here, dx);
  }
}

// Any windows. A task is a row (n,h) of dx.
template <bool kStream, class Index>
void gather_rows(const MaxPool2d& r, const float* dy, const Index* argmax, float* dx, const Exec& exec) {
  const int64_t line = r.q * r.c;
  exec.parallel_for(r.n * r.h, 1 + stream_grain(kStream, 8192) / (r.w * r.c + 1), [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t n = task / r.h, h = task % r.h;
      Cover rows{r.p, (r.r - 1) * r.dilation_h, r.stride_h, r.pad_top};
      rows.move_to(h);
      for (int64_t p = rows.span.first; p < rows.span.end; ++p) {
        const int64_t top = p * r.stride_h - r.pad_top;
        if (greatest(top, 0) == h) check_row(r, argmax, (n * r.p + p) * line, top, exec);
      }
      const int64_t height = rows.span.end - rows.span.first, from = (n * r.p + rows.span.first) * line;
      float* to = dx + task * r.w * r.c;
      if (height == 1) gather_row<1, kStream>(r, rows.span, h, dy + from, argmax + from, to);
      else if (height == 2) gather_row<2, kStream>(r, rows.span, h, dy + from, argmax + from, to);
      else gather_row<0, kStream>(r, rows.span, h, dy + from, argmax + from, to);
    }
    if (kStream) stream_fence();
  });
}

template <bool kStream, class Index>
void backward_windows(const MaxPool2d& r, const float* dy, const Index* argmax, float* dx, const Exec& exec) {
  const bool apart = r.stride_h >= r.r && r.stride_w >= r.s && r.dilation_h == 1 && r.dilation_w == 1;
  if (apart && r.r == 2 && r.s == 2) scatter_rows<2, kStream>(r, dy, argmax, dx, exec);
  else if (apart) scatter_rows<0, kStream>(r, dy, argmax, dx, exec);
  else gather_rows<kStream>(r, dy, argmax, dx, exec);
}

template <class Index>
void backward_of(const MaxPool2d& r, const Buffers& b, const Exec& exec) {
  const float* dy = b.get<float>(MaxPool2d::kDy);
  const auto* argmax = b.get<Index>(MaxPool2d::kIndex);
  float* dx = b.get<float>(MaxPool2d::kDx);
  if (exec.beyond_cache(r) && can_stream(dx, r.c)) backward_windows<true>(r, dy, argmax, dx, exec);
  else backward_windows<false>(r, dy, argmax, dx, exec);
}

void backward(const MaxPool2d& r, const Buffers& b, const Exec& exec) {
  if (r.argmax_in_window) backward_of<uint8_t>(r, b, exec);
  else backward_of<int32_t>(r, b, exec);
}

}  // namespace

const Kernel<MaxPool2d> max_pool2d_forward_vector{forward};
const Kernel<MaxPool2d> max_pool2d_backward_vector{backward};

}  // namespace ndl::cpu::NDL_ISA
