// cpu/kernels/conv2d_direct.cpp: convolution by register tiles of outputs, without a matrix of windows. For groups.
//
//   forward          y[n,p,q,k] = act( b[k] + sum_{r,s,i} x[n, p*sh + r*dh - top, q*sw + s*dw - left, g*C/G + i] * w[k,r,s,i] )
//   backward_input   dx[n,h,w,c] = sum_{r,s,i} dy[n,p,q, g*K/G + i] * w[g*K/G + i, r,s, c - g*C/G], over the outputs that read (h,w)
//   backward_weight  dw[k,r,s,i] = sum_{n,p,q} dy[n,p,q,k] * x[n, p*sh + r*dh - top, q*sw + s*dw - left, g*C/G + i]
//
// x, dx [n,h,w,c]; y, dy [n,p,q,k]; w, dw [k,r,s,C/G]; G groups, g that of the channel.
// A bundle is one group, or two where they fill a vector. The rows that a task reads of its bundle are copied once, dense, with
// zeros around: pixels of an image of many channels share cache sets. In a bundle of two the copy turns channels so that the i-th
// ones of both groups lie side by side; a load that repeats the pair is the broadcast of the plain case, and results are turned
// back as they are stored.
//
// Mapping: vectors along the channels of the result.
//   forward and backward_input  the same walk; under a stride the input's gradient goes phase by phase (positions a stride apart
//       are reached by the same taps). A task is a band of rows of one image and bundle. kRows positions of a row x kVectors
//       sums stay in registers over all taps; rows of the kernel outside the image are left out, at either end of the row a
//       tap's column too.
//   backward_weight  a task is a bundle and a slice of the bands; up to kElements channels of one tap x kVectors channels of
//       dy stay in registers over a band; the slices are added in order.
// Budget: the copy of a band and a group's weights, about 64 KB each or less where groups are narrow.
// Refuses: f64. Bound: FMA peak.
#include "cpu/gemm/operand.hpp"
#include "ops/conv2d.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

// --- bundles ---------------------------------------------------------------------------------------------------

// in and out: channels of one group on the side that is read and on that of the result.
struct Bundles {
  int64_t in, out, together, count, pixel;  // pixel: floats of a copied pixel

  NDL_INLINE Bundles(int64_t groups, int64_t in_channels, int64_t out_channels) : in(in_channels), out(out_channels), together(1) {
    if (in == out && in > 1 && 2 * in == kLanes && groups > 1) together = 2;
    count = ceil_div(groups, together), pixel = in * together;
  }
  NDL_INLINE Panels panels() const { return Panels(out * together); }
  // Channels of bundle `index`, fewer in the last one.
  NDL_INLINE int64_t first(int64_t index, int64_t of_group) const { return index * together * of_group; }
  NDL_INLINE int64_t channels(int64_t index, int64_t of_group, int64_t all) const {
    return smaller(together * of_group, all - first(index, of_group));
  }
};

// Lanes of a vector of kTogether groups, from group by group to member by member, and back.
template <int kTogether>
NDL_INLINE F32 by_member(F32 v) {
  if constexpr (kTogether == 1) return v;
  I32 lanes;
  for (int i = 0; i < kLanes; ++i) lanes[i] = i % kTogether * (kLanes / kTogether) + i / kTogether;
  return permute(v, lanes);
}
template <int kTogether>
NDL_INLINE F32 by_group(F32 v) {
  return by_member<kLanes / kTogether>(v);
}

template <int kTogether>
NDL_INLINE F32 repeated(const float* source) {
  if constexpr (kTogether == 2) return broadcast_pair(source);
  else return broadcast(*source);
}

// Calls body(Width<T>) for T groups in a bundle.
template <class Body>
NDL_INLINE void with_together(int64_t together, const Body& body) {
  if (together == 2) body(Width<2>{});
  else body(Width<1>{});
}

// --- what is read ----------------------------------------------------------------------------------------------

// One side of an image: `in` positions are read for `out` of the result.
struct Axis {
  int64_t in, out, taps, stride, pad, dilation;
  bool backward;

  NDL_INLINE int64_t phases() const { return backward ? smaller(stride, out) : 1; }
  NDL_INLINE int64_t positions() const { return phases() == 0 ? 0 : ceil_div(out, phases()); }  // of phase 0, which has most
};
// One phase of it: position i of the phase (i * phases + phase of the result) reads, by tap first + t * step of the packed weight,
// what lies at `at` + i * next + t * apart.
struct Side {
  int64_t positions, first, step, taps, at, next, apart;
};
// The packed weight of the backward pass has its taps in reverse, so that later ones read further on here too.
NDL_INLINE Side side_of(const Axis& axis, int64_t phase) {
  if (!axis.backward) return {axis.out, 0, 1, axis.taps, -axis.pad, axis.stride, axis.dilation};
  Side side{ceil_div(axis.out - phase, axis.phases()), 0, 1, 0, 0, 1, 0};
  for (int64_t tap = 0; tap < axis.taps; ++tap) {
    const int64_t reach = phase + axis.pad - (axis.taps - 1 - tap) * axis.dilation;
    if (reach % axis.stride != 0) continue;
    if (side.taps == 0) side.first = tap, side.at = reach / axis.stride;
    if (side.taps == 1) side.step = tap - side.first, side.apart = reach / axis.stride - side.at;
    ++side.taps;
  }
  return side;
}
// Positions [0, count) of all phases read from `low` on, `size` positions; those from i on as many from low + i * next on.
struct Extent {
  int64_t low, size;
};
NDL_INLINE Extent extent_of(const Axis& axis, int64_t count) {
  int64_t low = 0, high = 0, next = 1;
  bool found = false;
  for (int64_t phase = 0; phase < axis.phases(); ++phase) {
    const Side side = side_of(axis, phase);
    if (side.taps == 0) continue;
    const int64_t end = side.at + (side.taps - 1) * side.apart;
    low = found ? smaller(low, side.at) : side.at, high = found ? greater(high, end) : end, next = side.next;
    found = true;
  }
  return {low, high - low + (count - 1) * next + 1};
}

struct Source {
  const float* data;
  int64_t line, pixel;  // floats from one row, and one column, to the next
};

// Rows from `row`, columns from `column` on of `channels` channels of an image [h,w,c], zeros outside. A copied pixel is
// `pixel` floats; with several groups in a bundle it is one vector, turned.
template <int kTogether, class T>
NDL_INLINE Source copy_of(const T* image, int64_t h, int64_t w, int64_t c, int64_t first, int64_t channels, int64_t row, int64_t rows,
                          int64_t column, int64_t columns, int64_t pixel, float* copy) {
  const int64_t begin = smaller(greater(-column, 0), columns), end = greater(smaller(w - column, columns), begin);
  float* to = copy;
  for (int64_t i = row; i < row + rows; ++i, to += columns * pixel) {
    if (i < 0 || i >= h) {
      fill_floats(to, 0.0f, columns * pixel);
      continue;
    }
    const T* from = image + (i * w + column) * c + first;
    fill_floats(to, 0.0f, begin * pixel);
    if (kTogether == 1 && pixel == c && channels == c) {
      copy_floats(to + begin * c, from + begin * c, (end - begin) * c);
    } else {
      for (int64_t j = begin; j < end; ++j) {
        for (int64_t i = 0; i < pixel; i += 16) prefetch(from + j * c + pixel + i);  // the next bundle's: too far apart to be foreseen
        if constexpr (kTogether == 1) {
          copy_floats(to + j * pixel, from + j * c, channels);
          if (channels < pixel) fill_floats(to + j * pixel + channels, 0.0f, pixel - channels);
        } else if (channels == kLanes) {
          store<F32>(to + j * kLanes, by_member<kTogether>(load(from + j * c)));
        } else {
          store<F32>(to + j * kLanes, by_member<kTogether>(load_some(from + j * c, static_cast<int>(channels))));
        }
      }
    }
    fill_floats(to + end * pixel, 0.0f, (columns - end) * pixel);
  }
  return {copy, columns * pixel, pixel};
}

// How the rows of the result are cut into bands: a band's copy stays near, and there are tasks to share.
constexpr int64_t kBandFloats = 16384, kMostBandFloats = 65536;  // of the copy: where 8 rows fit, and at most if 2 rows fit
struct Bands {
  int64_t rows, count;
};
NDL_INLINE Bands bands_of(const Axis& rows, const Axis& columns, int64_t pixel, int64_t copies) {
  const int64_t all = rows.positions(), line = greater(1, extent_of(columns, columns.positions()).size * pixel);
  if (all == 0) return {1, 0};
  const int64_t one = extent_of(rows, 1).size, next = extent_of(rows, 2).size - one;  // rows read for one, and for each further one
  const auto room = [&](int64_t floats) NDL_LAMBDA_INLINE { return (floats / line - one) / next + 1; };
  int64_t count = ceil_div(all, greater(room(kBandFloats), greater(smaller(room(kMostBandFloats), 8), 2)));
  if (copies * count < 16) count = smaller(ceil_div(16, greater(copies, 1)), ceil_div(all, 4));
  return {ceil_div(all, count), ceil_div(all, ceil_div(all, count))};
}

// --- forward and backward input --------------------------------------------------------------------------------

struct Direction {
  int64_t n, in_c, out_c;
  Axis rows, columns;
  Bundles bundles;
  Bands bands;

  NDL_INLINE Direction(int64_t images, int64_t groups, int64_t in, int64_t out, const Axis& row_axis, const Axis& column_axis)
      : n(images), in_c(in), out_c(out), rows(row_axis), columns(column_axis), bundles(groups, in / groups, out / groups),
        bands(bands_of(row_axis, column_axis, bundles.pixel, n * bundles.count)) {}
  NDL_INLINE Extent across() const { return extent_of(columns, columns.positions()); }
  NDL_INLINE Extent down() const { return extent_of(rows, bands.rows); }
  NDL_INLINE int64_t copy_floats() const { return (across().size * down().size * bundles.pixel + 15) / 16 * 16; }
};
NDL_INLINE Direction forward_of(const Conv2d& r) {
  return {r.n, r.groups, r.c, r.k, {r.h, r.p, r.r, r.stride_h, r.pad_top, r.dilation_h, false},
          {r.w, r.q, r.s, r.stride_w, r.pad_left, r.dilation_w, false}};
}
NDL_INLINE Direction backward_of(const Conv2d& r) {
  return {r.n, r.groups, r.k, r.c, {r.p, r.h, r.r, r.stride_h, r.pad_top, r.dilation_h, true},
          {r.q, r.w, r.s, r.stride_w, r.pad_left, r.dilation_w, true}};
}

// The taps that a row of the result sums over, and what a tile of it needs beside.
struct Taps {
  int64_t rows, columns, depth;  // depth: elements of a pixel, or of a whole row of the kernel, side by side
  int64_t x_row, x_column, w_row, w_column;  // floats from one tap to the next
  int64_t next;                              // floats from what a position reads to what its neighbour does
  int64_t column_next, column_apart, width;  // the same in columns of the image, which has `width`
};
// Of the result, `channels` of a panel: from one position to its neighbour, and how sums become it.
template <class T>
struct Result {
  T* y;
  int64_t next, channels;
  EpilogueOf<T> epilogue;
  bool streamed;
};

// sums[position][lane], `ld` from position to position, of kMr neighbours x a panel of kVectors. x, w: at the first tap; column: the first position's in the image there.
// kDense: neighbours read pixels side by side that are as wide as the panel, as in groups with as many outputs as inputs: a
// distance that is known saves finding kMr addresses for each tap.
template <int kMr, int kVectors, int kTogether, bool kDense>
void tile(const Taps& t, const float* x, const float* w, int64_t column, float* sums, int64_t ld) {
  F32 sum[kMr][kVectors];
#pragma GCC unroll 3
  for (int j = 0; j < kVectors; ++j)
#pragma GCC unroll 16
    for (int i = 0; i < kMr; ++i) sum[i][j] = F32{};
  const int64_t next = kDense ? kVectors * kLanes : t.next;
  // Positions [kFrom, kTo) of the tile.
  const auto add = [&]<int kFrom, int kTo>(const float* from, const float* weights) NDL_LAMBDA_INLINE {
    for (int64_t d = 0; d < t.depth; ++d, from += kTogether, weights += kVectors * kLanes) {
      F32 row[kVectors];
#pragma GCC unroll 3
      for (int j = 0; j < kVectors; ++j) row[j] = load(weights + j * kLanes);
#pragma GCC unroll 16
      for (int i = kFrom; i < kTo; ++i) {
        const F32 value = repeated<kTogether>(from + i * next);
#pragma GCC unroll 3
        for (int j = 0; j < kVectors; ++j) sum[i][j] += value * row[j];
      }
    }
  };
  for (int64_t i = 0; i < t.rows; ++i, x += t.x_row, w += t.w_row)
    for (int64_t j = 0; j < t.columns; ++j) {
      const int64_t at = column + j * t.column_apart;
      const float *from = x + j * t.x_column, *weights = w + j * t.w_column;
      const bool before = at < 0, behind = at + (kMr - 1) * t.column_next >= t.width;
      if (before && !behind) add.template operator()<1, kMr>(from, weights);
      else if (behind && !before) add.template operator()<0, kMr - 1>(from, weights);
      else add.template operator()<0, kMr>(from, weights);
    }
#pragma GCC unroll 16
  for (int i = 0; i < kMr; ++i)
#pragma GCC unroll 3
    for (int j = 0; j < kVectors; ++j) store<F32>(sums + i * ld + j * kLanes, by_group<kTogether>(sum[i][j]));
}

using TileKernel = void (*)(const Taps&, const float*, const float*, int64_t, float*, int64_t);
template <int kVectors, int kTogether>
struct TileTable {
  TileKernel of[2][kRowsFor[kVectors] + 1];  // [dense][positions]
  template <int kMr>
  constexpr void fill() {
    if constexpr (kMr > 0) {
      of[0][kMr] = tile<kMr, kVectors, kTogether, false>, of[1][kMr] = tile<kMr, kVectors, kTogether, true>;
      fill<kMr - 1>();
    }
  }
  constexpr TileTable() : of{} { fill<kRowsFor[kVectors]>(); }
};
template <int kVectors, int kTogether>
constexpr TileTable<kVectors, kTogether> tiles{};

// `count` positions of a row by one panel, in tiles as even as can be. Sums that are the result are stored as such.
template <int kVectors, int kTogether, class T>
NDL_INLINE void row_of_tiles(const Taps& t, const Result<T>& result, int64_t count, const float* x, const float* w, int64_t column, int64_t place) {
  constexpr int64_t kWidth = kVectors * kLanes;
  alignas(64) float sums[kRowsFor[kVectors] * kWidth];
  const bool finished = !kIsBf16<T> && result.epilogue.empty() && !result.streamed && result.channels >= kWidth;
  const int64_t parts = ceil_div(count, kRowsFor[kVectors]);
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t i = count * part / parts, rows = count * (part + 1) / parts - i;
    const int64_t at = place + i * result.next;
    float* to = sums;
    if constexpr (!kIsBf16<T>)
      if (finished) to = result.y + at;
    tiles<kVectors, kTogether>.of[t.next == kWidth][rows](t, x + i * t.next, w, column + i * t.column_next, to, finished ? result.next : kWidth);
    if (!finished)
      finish_tile(sums, kWidth, rows, smaller(result.channels, kWidth), result.epilogue.at(at, 0), result.streamed, result.next, result.y + at);
  }
}

template <int kTogether, class T>
NDL_INLINE void band_of_rows(const Direction& d, const Panels& panels, const Extent& down, const Extent& across, int64_t bundle, int64_t begin,
                             const Source& x, const float* w, const EpilogueOf<T>& epilogue, bool streamed, T* y) {
  const int64_t first = d.bundles.first(bundle, d.bundles.out), channels = d.bundles.channels(bundle, d.bundles.out, d.out_c);
  const int64_t row_phases = d.rows.phases(), column_phases = d.columns.phases(), taps = d.rows.taps * d.columns.taps;
  for (int64_t a = 0; a < row_phases; ++a) {
    const Side rows = side_of(d.rows, a);
    const int64_t end = smaller(begin + d.bands.rows, rows.positions);
    for (int64_t b = 0; b < column_phases; ++b) {
      const Side columns = side_of(d.columns, b);
      for (int64_t panel = 0; panel < panels.count; ++panel) {
        const int64_t k = panels.first(panel) * kLanes, tap = d.bundles.in * panels.width(panel) * kLanes;
        const float* weights = w + k * taps * d.bundles.in + columns.first * tap;
        Taps t{0,           columns.taps, d.bundles.in,  rows.apart * x.line, columns.apart * x.pixel, rows.step * d.columns.taps * tap, columns.step * tap,
               columns.next * x.pixel, columns.next, columns.apart, d.columns.in};
        const Result<T> result{y + first + k, column_phases * d.out_c, channels - k, epilogue.at(first + k, first + k), streamed};
        // Short pixels that lie side by side are taken as one run.
        if (d.bundles.in < 8 && columns.taps > 1 && columns.apart == 1 && columns.step == 1) t.depth *= columns.taps, t.columns = 1, t.column_apart = 0;
        const bool run = t.depth != d.bundles.in;
        if (run) t.width = INT64_MAX;
        for (int64_t i = begin; i < end; ++i) {
          const int64_t at = rows.at + i * rows.next;  // the row that tap 0 reads
          int64_t from = 0, to = rows.taps;
          while (from < to && at + from * rows.apart < 0) ++from;
          while (from < to && at + (to - 1) * rows.apart >= d.rows.in) --to;
          t.rows = to - from;
          const float* source = x.data + (at + from * rows.apart - down.low - begin * rows.next) * x.line + (columns.at - across.low) * x.pixel;
          const float* first_tap = weights + (rows.first + from * rows.step) * d.columns.taps * tap;
          const int64_t place = ((i * row_phases + a) * d.columns.out + b) * d.out_c;
          const int64_t column = run ? 0 : columns.at;
          if constexpr (kTogether > 1) row_of_tiles<1, kTogether>(t, result, columns.positions, source, first_tap, column, place);
          else if (panels.width(panel) == 3) row_of_tiles<3, 1>(t, result, columns.positions, source, first_tap, column, place);
          else if (panels.width(panel) == 2) row_of_tiles<2, 1>(t, result, columns.positions, source, first_tap, column, place);
          else row_of_tiles<1, 1>(t, result, columns.positions, source, first_tap, column, place);
        }
      }
    }
  }
}

template <class T>
void convolve(const Direction& d, const T* in, const float* packed, const EpilogueOf<T>& epilogue, bool beyond_cache, T* out, const Exec& exec) {
  const Panels panels = d.bundles.panels();
  const Extent down = d.down(), across = d.across();
  const int64_t size = panels.floats(d.rows.taps * d.columns.taps * d.bundles.in);
  const bool streamed = beyond_cache && can_stream(out, d.out_c) && d.bundles.out * d.bundles.together % kLanes == 0;
  with_together(d.bundles.together, [&](auto together) NDL_LAMBDA_INLINE {
    constexpr int kTogether = decltype(together)::value;
    exec.parallel_for(d.n * d.bundles.count * d.bands.count, 1, [&](int64_t begin, int64_t end, int32_t thread) {
      float* copy = static_cast<float*>(exec.workspace) + thread * d.copy_floats();
      for (int64_t task = begin; task < end; ++task) {
        const int64_t band = task % d.bands.count * d.bands.rows, bundle = task / d.bands.count % d.bundles.count;
        const int64_t n = task / d.bands.count / d.bundles.count, next = d.rows.backward ? 1 : d.rows.stride;
        const int64_t image = n * d.rows.out * d.columns.out * d.out_c;
        const Source x = copy_of<kTogether>(in + n * d.rows.in * d.columns.in * d.in_c, d.rows.in, d.columns.in, d.in_c,
                                            d.bundles.first(bundle, d.bundles.in), d.bundles.channels(bundle, d.bundles.in, d.in_c),
                                            down.low + band * next, down.size, across.low, across.size, d.bundles.pixel, copy);
        band_of_rows<kTogether>(d, panels, down, across, bundle, band, x, packed + bundle * size, epilogue.at(image, 0), streamed, out + image);
      }
      if (streamed) stream_fence();
    });
  });
}

void forward(const Conv2d& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) {
    const EpilogueOf<T> epilogue{b.get<T>(Conv2d::kBias), r.activation == NDL_ACTIVATION_RELU, b.get<T>(Conv2d::kResidual)};
    convolve(forward_of(r), b.get<const T>(Conv2d::kX), static_cast<const float*>(b.derived), epilogue, exec.beyond_cache(r), b.get<T>(Conv2d::kY),
             exec);
  });
}
void backward_input(const Conv2d& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) {
    convolve(backward_of(r), b.get<const T>(Conv2d::kDy), static_cast<const float*>(b.derived), EpilogueOf<T>{}, exec.beyond_cache(r),
             b.get<T>(Conv2d::kDx), exec);
  });
}
int64_t forward_workspace(const Conv2d& r, const Env& env) { return env.cores * forward_of(r).copy_floats() * 4; }
int64_t backward_input_workspace(const Conv2d& r, const Env& env) { return env.cores * backward_of(r).copy_floats() * 4; }

// packed[bundle][panel][tap][i][lane]: the weight of the result's channel `lane` and the i-th channel read.
template <bool kBackward>
int64_t packed_bytes(const Conv2d& r, const Env&) {
  const Bundles bundles(r.groups, (kBackward ? r.k : r.c) / r.groups, (kBackward ? r.c : r.k) / r.groups);
  return bundles.count * bundles.panels().floats(r.r * r.s * bundles.in) * 4;
}
template <bool kBackward>
void pack(const Conv2d& r, const void* weight, void* packed, const Exec& exec) {
  const Bundles bundles(r.groups, (kBackward ? r.k : r.c) / r.groups, (kBackward ? r.c : r.k) / r.groups);
  const Panels panels = bundles.panels();
  const int64_t taps = r.r * r.s, depth = taps * bundles.in, cg = r.c / r.groups;
  by_type(r, [&]<class T>(T) {
    const T* w = static_cast<const T*>(weight);
    exec.parallel_for(bundles.count, 1, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t bundle = begin; bundle < end; ++bundle)
        pack_rows(depth, panels, 0, panels.count, static_cast<float*>(packed) + bundle * panels.floats(depth),
                  [&](int64_t at, int64_t first, int64_t count, float* target) NDL_LAMBDA_INLINE {
                    const int64_t tap = at / bundles.in, i = at % bundles.in;
                    for (int64_t lane = 0; lane < count; ++lane) {
                      const int64_t channel = first + lane;  // of the bundle, member by member
                      const int64_t group = bundle * bundles.together + channel % bundles.together, member = channel / bundles.together;
                      if (group >= r.groups) target[lane] = 0.0f;
                      else if (kBackward) target[lane] = element(w + ((group * bundles.in + i) * taps + taps - 1 - tap) * cg + member);
                      else target[lane] = element(w + ((group * bundles.out + member) * taps + tap) * cg + i);
                    }
                  });
    });
  });
}

// --- backward weight -------------------------------------------------------------------------------------------

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kElements[3] = {0, 16, 12};  // by the vectors of dy
#else
constexpr int kElements[3] = {0, 12, 6};
#endif

// Units are bands of images; a slice is a range of them, as many as kSliceFloats allow. Where that gives few tasks, the outputs
// are divided too.
constexpr int64_t kSliceFloats = int64_t{4} << 20;
struct WeightPlan {
  Direction d;
  Panels panels;
  int64_t units, slices, parts, size;  // parts: of the panels; size: sums of a slice and bundle, [tap][i][vectors of dy]
  int64_t gradient_floats;

  NDL_INLINE explicit WeightPlan(const Conv2d& r) : d(forward_of(r)), panels(d.bundles.out * d.bundles.together, 2) {
    units = r.n * d.bands.count;
    size = r.r * r.s * d.bundles.in * panels.vectors * kLanes;
    slices = greater(smaller(smaller(ceil_div(32, d.bundles.count), units), kSliceFloats / (size * d.bundles.count + 1)), 1);
    parts = greater(smaller(ceil_div(32, d.bundles.count * slices), panels.count), 1);
    gradient_floats = d.bands.rows * r.q * panels.vectors * kLanes;
  }
  NDL_INLINE int64_t first_panel(int64_t part) const { return panels.count * part / parts; }
  NDL_INLINE int64_t first_lane(int64_t part) const { return panels.first(first_panel(part)) * kLanes; }
};
int64_t backward_weight_workspace(const Conv2d& r, const Env& env) {
  const WeightPlan plan(r);
  return (plan.slices * plan.d.bundles.count * plan.size + env.cores * (plan.d.copy_floats() + plan.gradient_floats)) * 4;
}

// sums[e][vectors] += over rows x columns positions, kCount elements by kVectors vectors of dy.
template <int kCount, int kVectors, int kTogether>
void weight_tile(int64_t rows, int64_t columns, const float* x, int64_t x_row, int64_t x_next, const float* dy, int64_t dy_row, int64_t dy_next,
                 float* sums, int64_t ld) {
  F32 sum[kCount][kVectors];
#pragma GCC unroll 16
  for (int e = 0; e < kCount; ++e)
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) sum[e][j] = F32{};
  for (int64_t p = 0; p < rows; ++p) {
    const float *from = x + p * x_row, *gradient = dy + p * dy_row;
    for (int64_t q = 0; q < columns; ++q, from += x_next, gradient += dy_next) {
      F32 g[kVectors];
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; ++j) g[j] = load(gradient + j * kLanes);
#pragma GCC unroll 16
      for (int e = 0; e < kCount; ++e) {
        const F32 value = repeated<kTogether>(from + e * kTogether);
#pragma GCC unroll 2
        for (int j = 0; j < kVectors; ++j) sum[e][j] += value * g[j];
      }
    }
  }
#pragma GCC unroll 16
  for (int e = 0; e < kCount; ++e)
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      float* to = sums + e * ld + j * kLanes;
      store<F32>(to, load(to) + sum[e][j]);
    }
}

using WeightKernel = void (*)(int64_t, int64_t, const float*, int64_t, int64_t, const float*, int64_t, int64_t, float*, int64_t);
template <int kVectors, int kTogether>
struct WeightTable {
  WeightKernel of[kElements[kVectors] + 1];
  template <int kCount>
  constexpr void fill() {
    if constexpr (kCount > 0) of[kCount] = weight_tile<kCount, kVectors, kTogether>, fill<kCount - 1>();
  }
  constexpr WeightTable() : of{} { fill<kElements[kVectors]>(); }
};
template <int kVectors, int kTogether>
constexpr WeightTable<kVectors, kTogether> weight_tiles{};

// The positions [begin, end) of `count` for which a tap reads inside; the first reads `at`.
struct Range {
  int64_t begin, end;
};
NDL_INLINE Range inside(int64_t at, int64_t next, int64_t size, int64_t count) {
  const int64_t begin = at >= 0 ? 0 : ceil_div(-at, next), end = at >= size ? 0 : (size - 1 - at) / next + 1;
  return {begin, greater(smaller(end, count), begin)};
}

// Adds a band's part to the sums of one bundle.
template <int kTogether>
NDL_INLINE void band_of_sums(const Conv2d& r, const WeightPlan& plan, int64_t part, int64_t p, int64_t rows, const Source& x, const Source& dy,
                             float* sums) {
  const Direction& d = plan.d;
  const int64_t ld = plan.panels.vectors * kLanes, in = d.bundles.in;
  const bool run = in < 8 && r.dilation_w == 1;  // taps of a row taken as one
  const int64_t taps = run ? 1 : r.s, depth = run ? r.s * in : in;
  for (int64_t panel = plan.first_panel(part); panel < plan.first_panel(part + 1); ++panel) {
    const int64_t k = plan.panels.first(panel) * kLanes, pieces = ceil_div(depth, kElements[plan.panels.width(panel)]);
    for (int64_t i = 0; i < r.r; ++i) {
      const Range down = inside(p * r.stride_h + i * r.dilation_h - r.pad_top, r.stride_h, r.h, rows);
      for (int64_t j = 0; j < taps; ++j) {
        const Range across = run ? Range{0, r.q} : inside(j * r.dilation_w - r.pad_left, r.stride_w, r.w, r.q);
        const float* from = x.data + (down.begin * r.stride_h + i * r.dilation_h) * x.line + (across.begin * r.stride_w + j * r.dilation_w) * x.pixel;
        const float* gradient = dy.data + down.begin * dy.line + across.begin * dy.pixel + k - plan.first_lane(part);
        for (int64_t piece = 0; piece < pieces; ++piece) {
          const int64_t e = depth * piece / pieces, count = depth * (piece + 1) / pieces - e;
          const auto add = [&](const auto& table) NDL_LAMBDA_INLINE {
            table.of[count](down.end - down.begin, across.end - across.begin, from + e * kTogether, r.stride_h * x.line, r.stride_w * x.pixel, gradient,
                            dy.line, dy.pixel, sums + ((i * r.s + j) * in + e) * ld + k, ld);
          };
          if (kTogether == 1 && plan.panels.width(panel) == 2) add(weight_tiles<2, 1>);
          else add(weight_tiles<1, kTogether>);
        }
      }
    }
  }
}

template <class T>
void sum_weight(const Conv2d& r, const T* x, const T* dy, T* dw, const Exec& exec) {
  const WeightPlan plan(r);
  const Direction& d = plan.d;
  const Extent down = d.down(), across = d.across();
  auto* partial = static_cast<float*>(exec.workspace);
  float* scratch = partial + plan.slices * d.bundles.count * plan.size;
  const int64_t ld = plan.panels.vectors * kLanes, depth = r.r * r.s * d.bundles.in;
  with_together(d.bundles.together, [&](auto together) NDL_LAMBDA_INLINE {
    constexpr int kTogether = decltype(together)::value;
    exec.parallel_for(d.bundles.count * plan.slices * plan.parts, 1, [&](int64_t begin, int64_t end, int32_t thread) {
      float* copy = scratch + thread * (d.copy_floats() + plan.gradient_floats);
      for (int64_t task = begin; task < end; ++task) {
        const int64_t bundle = task % d.bundles.count, part = task / d.bundles.count % plan.parts, slice = task / d.bundles.count / plan.parts;
        const int64_t lane = plan.first_lane(part), lanes = plan.first_lane(part + 1) - lane;
        float* sums = partial + (slice * d.bundles.count + bundle) * plan.size;
        for (int64_t at = 0; at < depth; ++at) fill_floats(sums + at * ld + lane, 0.0f, lanes);
        for (int64_t unit = plan.units * slice / plan.slices; unit < plan.units * (slice + 1) / plan.slices; ++unit) {
          const int64_t n = unit / d.bands.count, p = unit % d.bands.count * d.bands.rows, rows = smaller(d.bands.rows, r.p - p);
          const Source image = copy_of<kTogether>(x + n * r.h * r.w * r.c, r.h, r.w, r.c, d.bundles.first(bundle, d.bundles.in),
                                                  d.bundles.channels(bundle, d.bundles.in, r.c), down.low + p * r.stride_h, down.size, across.low,
                                                  across.size, d.bundles.pixel, copy);
          const Source gradient = copy_of<kTogether>(dy + n * r.p * r.q * r.k, r.p, r.q, r.k, d.bundles.first(bundle, d.bundles.out) + lane,
                                                     smaller(lanes, d.bundles.channels(bundle, d.bundles.out, r.k) - lane), p, rows, 0, r.q, lanes,
                                                     copy + d.copy_floats());
          band_of_sums<kTogether>(r, plan, part, p, rows, image, gradient, sums);
        }
      }
    });
  });
  // Added in order, then turned: dw[k][tap][i] = sums[tap][i][lane of k], square by square.
  const int64_t squares = ceil_div(depth, kLanes), columns = plan.panels.vectors, together = d.bundles.together;
  exec.parallel_for(d.bundles.count * columns * squares, 16, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t at = task % squares * kLanes, lane = task / squares % columns * kLanes, bundle = task / squares / columns;
      const int64_t rows = smaller(kLanes, depth - at);
      float square[kLanes][kLanes];
      for (int64_t e = 0; e < rows; ++e) {
        const float* from = partial + bundle * plan.size + (at + e) * ld + lane;
        F32 sum = load(from);
        for (int64_t slice = 1; slice < plan.slices; ++slice) sum += load(from + slice * d.bundles.count * plan.size);
        store<F32>(square[e], sum);
      }
      for (int64_t i = lane; i < lane + kLanes; ++i) {
        const int64_t member = i / together, k = (bundle * together + i % together) * d.bundles.out + member;
        if (member >= d.bundles.out || k >= r.k) continue;
        for (int64_t e = 0; e < rows; ++e) set_element(dw + k * depth + at + e, square[e][i - lane]);
      }
    }
  });
}
void backward_weight(const Conv2d& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) { sum_weight(r, b.get<const T>(Conv2d::kImage), b.get<const T>(Conv2d::kGradient), b.get<T>(Conv2d::kDw), exec); });
}

// The layout follows from the weight's shape but for the number of groups.
int64_t groups_of(const Conv2d& r) { return r.groups; }

}  // namespace

const Kernel<Conv2d> conv2d_forward_direct{forward, forward_workspace, Conv2d::kWeight, packed_bytes<false>, pack<false>, groups_of};
const Kernel<Conv2d> conv2d_backward_input_direct{backward_input, backward_input_workspace, Conv2d::kFilter, packed_bytes<true>, pack<true>,
                                                  groups_of};
const Kernel<Conv2d> conv2d_backward_weight_direct{backward_weight, backward_weight_workspace};

}  // namespace ndl::cpu::NDL_ISA
