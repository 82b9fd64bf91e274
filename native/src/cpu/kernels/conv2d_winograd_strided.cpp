// cpu/kernels/conv2d_winograd_strided.cpp: convolution at stride 2 by Winograd's method over its four phases, for kernels of 5 to 8
// taps each way, as in the first layer of a network (7x7 from 3 channels).
//
// A tap of row 2u+a and column 2v+b, u and v in 0..3, meets the pixels of one phase (a, b) of the image alone, and there at stride 1:
//
//   X[i,j,(a,b,c)] = x[n, 2i + a - top, 2j + b - left, c]      w'[k,u,v,(a,b,c)] = w[k, 2u + a, 2v + b, c]
//   y[p,q,k] = sum_{u,v,(a,b,c)} X[p+u, q+v, (a,b,c)] * w'[k,u,v,(a,b,c)]
//
// So the image has four times the channels, a half of the rows and columns, and 4x4 taps, whose gradient for a tile of 3x3 of dy
// is F(4x4,3x3) of cpu/winograd with that tile in the place of the taps; forward is its transpose:
//
//   weight    dw' = A^T [ sum_t E[t,k] * V[t,(a,b,c)] ] A      V = B^T X B of the 6x6 pixels under the tile t, E = G dy G^T
//   forward   y = G^T [ sum_(a,b,c) V[t,(a,b,c)] * U[(a,b,c),k] ] G      U = A w' A^T, made once per version of the weight
//
// That is 16 products for each pixel of y and channels c, k; fewer where a phase has three taps (7 of 8) or two: its fourth is all
// that the point at infinity (the last of six) serves, so there the phase is left out. 13.4 are left of 49 for 7x7, 11.1 for 5x5.
// The phases stand in the order (0,1) (0,0) (1,0) (1,1), in which those that a point needs lie side by side.
//
// Mapping: a block is a rectangle of tiles of one image, whose X, V and, panel by panel of k, E stay in L2.
//   weight    a task is a slice of the blocks, with sums [panel][point][(a,b,c)][kPanel] of its own; slices are added in order
//   forward   a task is a block. The depth is small (12 where c is 3), so that storing sums and loading them again would cost half as
//             much as the products: those of a column of six points stay in registers for kTogether tiles x 2 vectors of k and
//             leave them transformed, three rows of six, which for kChunk tiles stay in L1 until the other columns are there
// x, dy, y, w as in conv2d_winograd.cpp; X is copied with zeros where x is padded, so that its tiles need no masks.
// Refuses: f64; other kernels, strides, dilations and groups; precision strict: the error is that of F(4x4).
// Measured (Zen 4, AVX-512, 16x224x224x3, 7x7 to 64 channels; in brackets few_channels; oneDNN 3.13.1), milliseconds on two threads:
// forward 8.6 (17.0; 17.1), to the weight 9.1 (17.8; 18.6). Products take six tenths of it, at 88 % of the FMA peak.
// Mean errors, as parts of the rms: forward 4.1e-7 (2.2e-7), to the weight 1.1e-6 (5e-7).
#include "cpu/gemm/operand.hpp"
#include "cpu/winograd/engine.hpp"
#include "ops/conv2d.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int kTile = 3;                   // of dy or y, each way
constexpr int kSide = 6, kPoints = kSide * kSide;
constexpr int64_t kBlockFloats = 140000;  // V and E or M of a block,
constexpr int64_t kMostTiles = 80;        // which has at most that many tiles,
constexpr int64_t kLeastTiles = 24;       // and that many where channels are many
constexpr int kTogether = kTileRows == 14 ? 2 : 1;  // tiles that are multiplied together: 24 sums of 32 registers, 12 of 16
constexpr int64_t kChunk = 8;             // tiles whose half-transformed sums stay in L1
constexpr int64_t kSlices = 16;
constexpr int64_t kMostSums = int64_t{4} << 20;  // floats of all slices, where that leaves four

// The channels of X that the points of column j need: [begin, end), the last point of them [begin, middle).
struct Channels {
  int64_t begin, middle, end;
};
NDL_INLINE Channels channels_at(const Conv2d& r, int64_t j) {
  const int64_t taps = j == kSide - 1 ? r.s : 8, begin = taps == 7 ? r.c : 0, end = (taps == 8 ? 4 : taps == 7 ? 3 : 0) * r.c;
  return {begin, r.r == 8 ? end : r.r == 7 ? smaller(2 * r.c, end) : begin, end};
}
// The phase of the q-th quarter of them.
struct Phase {
  int64_t a, b;
};
NDL_INLINE Phase phase_of(int64_t q) { return {q / 2, q == 0 || q == 3}; }

struct Plan {
  int64_t tile_rows, tile_columns;  // of an image
  int64_t row_blocks, column_blocks, blocks;
  int64_t channels;                 // of X
  int64_t columns;                  // of X in a block
  int64_t v_row, v_column;          // V [column][tile][row][channel]
  int64_t e_point;                  // E [point][tile][kPanel]
  int64_t x, scratch;               // floats of X, and of all that a block needs
  int64_t k;                        // whole vectors
  int64_t slices, sum_point, sums;  // of the weight's gradient
};

NDL_INLINE Plan plan_of(const Conv2d& r) {
  Plan p;
  p.tile_rows = ceil_div(r.p, kTile), p.tile_columns = ceil_div(r.q, kTile);
  p.channels = 4 * r.c, p.v_row = whole_vectors(p.channels), p.k = whole_vectors(r.k);
  const int64_t room = kBlockFloats / (kPoints * (p.v_row + kPanel)), most = smaller(kMostTiles, greater(kLeastTiles, room));
  p.column_blocks = at_least_1(ceil_div(p.tile_columns, most / 2));
  const int64_t columns = ceil_div(p.tile_columns, p.column_blocks);
  p.row_blocks = at_least_1(ceil_div(p.tile_rows, at_least_1(most / at_least_1(columns))));
  const int64_t rows = ceil_div(p.tile_rows, p.row_blocks);
  p.blocks = r.n * p.row_blocks * p.column_blocks;
  p.columns = kTile * (columns + 1);
  p.v_column = skewed((rows * columns + 1) * kSide * p.v_row), p.e_point = skewed(rows * columns * kPanel);
  p.x = skewed(kTile * (rows + 1) * p.columns * p.channels + kLanes);  // the last pixel is read as whole vectors
  p.scratch = p.x + kSide * p.v_column + kPoints * p.e_point;
  p.sum_point = skewed(p.channels * kPanel);
  p.sums = ceil_div(p.k, kPanel) * kPoints * p.sum_point;
  p.slices = smaller(p.blocks, smaller(kSlices, greater(4, kMostSums / at_least_1(p.sums))));
  return p;
}

// Tiles [row, row + rows) x [column, column + columns) of image n.
struct Block {
  int64_t n, row, rows, column, columns;
};
NDL_INLINE Block block_at(const Plan& p, int64_t block) {
  const int64_t j = block % p.column_blocks, i = block / p.column_blocks % p.row_blocks;
  const int64_t row = p.tile_rows * i / p.row_blocks, column = p.tile_columns * j / p.column_blocks;
  return {block / p.column_blocks / p.row_blocks, row, p.tile_rows * (i + 1) / p.row_blocks - row, column,
          p.tile_columns * (j + 1) / p.column_blocks - column};
}
// Its tile t: the first pixel of y.
NDL_INLINE Tile tile_of(const Block& b, int64_t t) { return {b.n, kTile * (b.row + t / b.columns), kTile * (b.column + t % b.columns)}; }

// --- the image -------------------------------------------------------------------------------------------------

// X of a block. Runs are written as whole vectors: what is too much, the next run covers.
template <class T>
NDL_INLINE void gather_phases(const Conv2d& r, const Plan& p, const Block& b, const T* x, float* target) {
  const int64_t channels = r.c, height = r.h, width = r.w, columns = p.columns;  // copies, which no store to X can change
  const int64_t top = 2 * kTile * b.row - r.pad_top, left = 2 * kTile * b.column - r.pad_left, rows = kTile * (b.rows + 1);
  const auto copy = [&](const T* from, bool inside) NDL_LAMBDA_INLINE {
    for (int64_t c = 0; c < channels; c += kLanes) {
      const F32 v = inside ? load_some(from + c, static_cast<int>(smaller(kLanes, channels - c))) : F32{};
      if (channels <= 4) __builtin_memcpy(target, &v, 4 * sizeof(float));  // whole vectors would mostly lie across two lines
      else store<F32>(target + c, v);
    }
    target += channels;
  };
  const T* image = x + b.n * height * width * channels;
  for (int64_t h = top; h < top + 2 * rows; h += 2) {
    const bool upper = h >= 0 && h < height, lower = h + 1 >= 0 && h + 1 < height;
    const T* line = image + (h * width + left) * channels;
    for (int64_t w = left; w < left + 2 * columns; w += 2, line += 2 * channels) {
      const bool even = w >= 0 && w < width, odd = w + 1 >= 0 && w + 1 < width;
      copy(line + channels, upper && odd);
      copy(line, upper && even);
      copy(line + width * channels, lower && even);
      copy(line + (width + 1) * channels, lower && odd);
    }
  }
}

// V of a block, by way of X.
template <class T>
void transform_image(const Conv2d& r, const Plan& p, const Block& b, const T* image, float* x, float* v) {
  gather_phases(r, p, b, image, x);
  for (int64_t i = 0; i < b.rows; ++i)
    for (int64_t j = 0; j < b.columns; ++j)
      for (int64_t c = 0; c < p.channels; c += kLanes) {
        const float* source = x + (i * p.columns + j) * kTile * p.channels + c;
        float* target = v + (i * b.columns + j) * kSide * p.v_row + c;
        transform_square<Winograd<4>::Input>(
            [&](int row, int column) NDL_LAMBDA_INLINE { return load(source + (row * p.columns + column) * p.channels); },
            [&](int row, int column, F32 value) NDL_LAMBDA_INLINE { store<F32>(target + column * p.v_column + row * p.v_row, value); });
      }
}

// --- forward ---------------------------------------------------------------------------------------------------

int64_t forward_workspace(const Conv2d& r, const Env& env) { return env.cores * plan_of(r).scratch * 4; }

int64_t derived_bytes(const Conv2d& r, const Env&) { return kPoints * 4 * r.c * whole_vectors(r.k) * 4; }

// U [panel][column][channel][row][kPanel].
void derive(const Conv2d& r, const void* weight, void* derived, const Exec& exec) {
  by_type(r, [&]<class T>(T) {
    const int64_t channels = 4 * r.c, columns = whole_vectors(r.k);
    const auto* w = static_cast<const T*>(weight);
    exec.parallel_for(channels, 1 + 256 / (columns + 1), [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t channel = begin; channel < end; ++channel) {
        const Phase phase = phase_of(channel / r.c);
        for_vectors(0, r.k, [&](int64_t k, int lanes) NDL_LAMBDA_INLINE {
          alignas(64) float taps[4][4][kLanes] = {};
          for (int64_t row = phase.a; row < r.r; row += 2)
            for (int64_t column = phase.b; column < r.s; column += 2)
              for (int lane = 0; lane < lanes; ++lane)
                taps[row / 2][column / 2][lane] = element(w + (((k + lane) * r.r + row) * r.s + column) * r.c + channel % r.c);
          const int64_t first = k / kPanel * kPanel, width = smaller(kPanel, columns - first);
          float* target = static_cast<float*>(derived) + kPoints * channels * first + channel * kSide * width + (k - first);
          transform_square<Winograd<4>::OutputGradient>(
              [&](int i, int j) NDL_LAMBDA_INLINE { return load(taps[i][j]); },
              [&](int i, int j, F32 value) NDL_LAMBDA_INLINE { store<F32>(target + (j * channels * kSide + i) * width, value); });
        });
      }
    });
  });
}

// A column of M for kTogether tiles from V and U, transformed: rows [tile][3][column] of `half`.
template <int kVectors>
__attribute__((noinline)) void multiply_column(const Channels& needed, const float* v, int64_t v_row, const float* u, float* half) {
  using Transform = Winograd<4>::WeightGradient;
  constexpr int64_t kWidth = kVectors * kLanes;
  F32 sum[kTogether][kVectors][kSide] = {};
  const auto add = [&]<int kCount>(int64_t begin, int64_t end) NDL_LAMBDA_INLINE {
    for (int64_t c = begin; c < end; ++c)
#pragma GCC unroll 6
      for (int i = 0; i < kCount; ++i) {
        F32 row[kVectors];
#pragma GCC unroll 2
        for (int k = 0; k < kVectors; ++k) row[k] = in_register(load(u + (c * kSide + i) * kWidth + k * kLanes));
#pragma GCC unroll 2
        for (int t = 0; t < kTogether; ++t) {
          const F32 value = broadcast(v[(t * kSide + i) * v_row + c]);
#pragma GCC unroll 2
          for (int k = 0; k < kVectors; ++k) sum[t][k][i] += value * row[k];
        }
      }
  };
  add.template operator()<kSide>(needed.begin, needed.middle);
  add.template operator()<kSide - 1>(needed.middle, needed.end);
#pragma GCC unroll 2
  for (int t = 0; t < kTogether; ++t)
#pragma GCC unroll 2
    for (int k = 0; k < kVectors; ++k) {
      F32 result[kTile];
      Transform::apply(sum[t][k], result);
#pragma GCC unroll 3
      for (int i = 0; i < kTile; ++i) store<F32>(half + (t * kTile + i) * kSide * kWidth + k * kLanes, result[i]);
    }
}

// The outputs of a tile from `half`.
template <bool kStream, class T>
NDL_INLINE void transform_outputs(const Conv2d& r, const Tile& tile, const float* half, int64_t first, int64_t width, const EpilogueOf<T>& epilogue, T* y) {
  const int64_t corner = ((tile.n * r.p + tile.row) * r.q + tile.column) * r.k, rows = smaller(kTile, r.p - tile.row),
                columns = smaller(kTile, r.q - tile.column);
  for_vectors(first, smaller(first + width, r.k), [&](int64_t k, int lanes) NDL_LAMBDA_INLINE {
    for (int64_t i = 0; i < rows; ++i) {
      F32 row[kSide], result[kTile];
#pragma GCC unroll 6
      for (int j = 0; j < kSide; ++j) row[j] = load(half + (i * kSide + j) * width + (k - first));
      Winograd<4>::WeightGradient::apply(row, result);
#pragma GCC unroll 3
      for (int j = 0; j < kTile; ++j) {
        if (j >= columns) break;
        const int64_t at = corner + (i * r.q + j) * r.k + k;
        put<kStream>(y + at, epilogue.apply_plain(result[j], at, k, lanes), lanes);
      }
    }
  });
}

// Channels [k, k + width) of y of a block.
template <bool kStream, class T>
void multiply_block(const Conv2d& r, const Plan& p, const Block& b, const float* v, const float* u, float* half, int64_t k, int64_t width,
                    const EpilogueOf<T>& epilogue, T* y) {
  const EpilogueOf<T> finish = epilogue;  // a copy, which no store to y can change
  const int64_t tiles = b.rows * b.columns;
  for (int64_t t0 = 0; t0 < tiles; t0 += kChunk) {
    const int64_t count = smaller(kChunk, tiles - t0);
    for (int64_t j = 0; j < kSide; ++j) {
      const Channels needed = channels_at(r, j);
      for (int64_t t = 0; t < count; t += kTogether)  // perhaps one tile too many, for which V and `half` have room
        (width > kLanes ? multiply_column<2> : multiply_column<1>)(needed, v + j * p.v_column + (t0 + t) * kSide * p.v_row, p.v_row,
                                                                   u + j * p.channels * kSide * width, half + (t * kTile * kSide + j) * width);
    }
    for (int64_t t = 0; t < count; ++t)
      transform_outputs<kStream>(r, tile_of(b, t0 + t), half + t * kTile * kSide * width, k, width, finish, y);
  }
}

template <class T>
void convolve(const Conv2d& r, const Buffers& buffers, const Exec& exec) {
  const Plan p = plan_of(r);
  const EpilogueOf<T> epilogue{buffers.get<T>(Conv2d::kBias), r.activation == NDL_ACTIVATION_RELU, buffers.get<T>(Conv2d::kResidual)};
  const T* x = buffers.get<T>(Conv2d::kX);
  T* y = buffers.get<T>(Conv2d::kY);
  const auto* u = static_cast<const float*>(buffers.derived);
  const bool streamed = is_streamed(exec, r, y, r.k);
  exec.parallel_for(p.blocks, stream_grain(streamed, 1), [&](int64_t begin, int64_t end, int32_t thread) {
    float* phases = static_cast<float*>(exec.workspace) + thread * p.scratch;
    float* v = phases + p.x;
    float* half = v + kSide * p.v_column;
    for (int64_t block = begin; block < end; ++block) {
      const Block b = block_at(p, block);
      transform_image(r, p, b, x, phases, v);
      for (int64_t k = 0; k < p.k; k += kPanel)
        (streamed ? multiply_block<true, T> : multiply_block<false, T>)(r, p, b, v, u + kPoints * p.channels * k, half, k, smaller(kPanel, p.k - k),
                                                                       epilogue, y);
    }
    if (streamed) stream_fence();
  });
}
void forward(const Conv2d& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) { convolve<T>(r, b, exec); });
}

// --- backward weight -------------------------------------------------------------------------------------------

int64_t weight_workspace(const Conv2d& r, const Env& env) {
  const Plan p = plan_of(r);
  return (p.k + 16 + p.slices * p.sums + env.cores * p.scratch) * 4;
}

// dw from the sums of all slices.
template <class T>
void transform_sums(const Conv2d& r, const Plan& p, const float* sums, T* dw, const Exec& exec) {
  exec.parallel_for(p.channels, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t channel = begin; channel < end; ++channel) {
      const Phase phase = phase_of(channel / r.c);
      for_vectors(0, r.k, [&](int64_t k, int lanes) NDL_LAMBDA_INLINE {
        const float* source = sums + k / kPanel * kPoints * p.sum_point + channel * kPanel + k % kPanel;
        transform_square<Winograd<4>::Output>(
            [&](int i, int j) NDL_LAMBDA_INLINE {
              const float* point = source + (i * kSide + j) * p.sum_point;
              F32 sum = load(point);
              for (int64_t slice = 1; slice < p.slices; ++slice) sum += load(point + slice * p.sums);
              return sum;
            },
            [&](int u, int v, F32 value) NDL_LAMBDA_INLINE {
              const int64_t row = 2 * u + phase.a, column = 2 * v + phase.b;
              if (row >= r.r || column >= r.s) return;
              for (int lane = 0; lane < lanes; ++lane)
                set_element(dw + (((k + lane) * r.r + row) * r.s + column) * r.c + channel % r.c, value[lane]);
            });
      });
    }
  });
}

template <class T>
void sum_weight(const Conv2d& r, const T* x, const T* dy, T* dw, const Exec& exec) {
  const Plan p = plan_of(r);
  if (p.blocks == 0)
    return for_vectors(0, r.k * r.r * r.s * r.c, [&](int64_t i, int n) NDL_LAMBDA_INLINE { store_some(dw + i, F32{}, n); });
  auto* workspace = static_cast<float*>(exec.workspace);
  fill_floats(workspace, 0.0f, p.k);
  const T* zeros = static_cast<const T*>(exec.workspace);
  float* sums = workspace + ceil_div(p.k, 16) * 16;
  exec.parallel_for(p.slices, 1, [&](int64_t begin, int64_t end, int32_t thread) {
    float* phases = sums + p.slices * p.sums + thread * p.scratch;
    float* v = phases + p.x;
    float* e = v + kSide * p.v_column;
    for (int64_t slice = begin; slice < end; ++slice) {
      const int64_t first = p.blocks * slice / p.slices, last = p.blocks * (slice + 1) / p.slices;
      for (int64_t block = first; block < last; ++block) {
        const Block b = block_at(p, block);
        const int64_t ahead = kTile * b.rows * r.q * r.k;  // to the block below
        transform_image(r, p, b, x, phases, v);
        for (int64_t k = 0; k < p.k; k += kPanel) {
          const int64_t width = smaller(kPanel, p.k - k);
          for (int64_t t = 0; t < b.rows * b.columns; ++t) {
            const Tile tile = tile_of(b, t);
            const T* pixels[kTile][kTile];
            find_pixels(dy, {r.p, r.q, r.k}, tile.n, tile.row, tile.column, zeros, pixels);
            for_vectors(k, smaller(k + width, r.k), [&](int64_t at, int lanes) NDL_LAMBDA_INLINE {
              float* target = e + t * width + (at - k);
              transform_square<Winograd<4>::Weight>(
                  [&](int i, int j) NDL_LAMBDA_INLINE {
                    prefetch(pixels[i][j] + at + ahead);
                    return load_some(pixels[i][j] + at, lanes);
                  },
                  [&](int i, int j, F32 value) NDL_LAMBDA_INLINE { store<F32>(target + (i * kSide + j) * p.e_point, value); });
            });
          }
          float* target = sums + slice * p.sums + k / kPanel * kPoints * p.sum_point;
          for (int64_t j = 0; j < kSide; ++j) {
            const Channels needed = channels_at(r, j);
            for (int64_t i = 0; i < kSide; ++i) {
              const int64_t point = i * kSide + j, end = i == kSide - 1 ? needed.middle : needed.end;
              product<true>(end - needed.begin, b.rows * b.columns, v + j * p.v_column + i * p.v_row + needed.begin, kSide * p.v_row,
                            e + point * p.e_point, width, 0, width, target + point * p.sum_point + needed.begin * kPanel, kPanel, block > first);
            }
          }
        }
      }
    }
  });
  transform_sums(r, p, sums, dw, exec);
}
void backward_weight(const Conv2d& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) { sum_weight(r, b.get<const T>(Conv2d::kImage), b.get<const T>(Conv2d::kGradient), b.get<T>(Conv2d::kDw), exec); });
}

}  // namespace

const Kernel<Conv2d> conv2d_forward_winograd_strided{forward, forward_workspace, Conv2d::kWeight, derived_bytes, derive};
const Kernel<Conv2d> conv2d_backward_weight_winograd_strided{backward_weight, weight_workspace};

}  // namespace ndl::cpu::NDL_ISA
