// cpu/kernels/conv2d_winograd.cpp: 3x3 convolution at stride 1 by Winograd's method, F(2x2,3x3) and F(4x4,3x3), three passes.
//
// The identities, layouts and register tiles are those of cpu/winograd. One body serves both tile sizes, and forward
// and backward_input alike (a Direction); U is derived from the weight, [point][panels of out_c][in_c].
//
//   private  a task transforms a block of tiles into scratch of its thread (about 28 tiles: V and M stay in L2),
//            multiplies kBlockColumns output channels at a time and transforms those back: one fork for the pass
//   shared   where tiles are few, or U is so large that it should be read once: all threads transform a chunk of tiles,
//            then each takes its own output channels
//
// Backward weight transforms a chunk of tiles of x and of dy, then sums over its tiles, for every point a product
// [k, tiles] x [tiles, c].
//
//   private  where the sums of all points and a chunk stay in L2: a task does so for a slice of the tiles, whose sums are
//            added at the end
//   fused    all tiles are one chunk: a task does all points of its block of channels and transforms them back at once
//   shared   the sums of all points stand in the workspace until the last chunk is added
//
// Nothing that is added depends on the number of threads. Padding is any, odd sizes overhang the last tiles.
// Memory of F(4x4) at 64x56x56, 128x28x28, 256x14x14, 512x7x7, batch 16, two cores: U 0.6, 2.4, 9.4, 38 MB; workspace 1.0,
// 1.5, 1.6, 5.5 MB forward, 2.7, 4.8, 16, 11 MB backward weight (V and E of a chunk, at most 24 MB, and the sums, U's size).
// Refuses: f64; kernels, strides, dilations and groups other than 3x3, 1, 1, 1; U above 256 MB; F(4x4) under precision strict.
// Source: Lavin, Gray, 2016; tiles of a thread kept in its L2, as in Zlateski et al., "Optimizing N-dimensional,
// Winograd-based Convolution for Manycore CPUs", 2018.
// Measured (Zen 4, AVX-512, one thread, F(4x4), the same four layers; FMA peak 118 GFLOP/s, counted as the direct sum's):
// forward and backward input 12.4, 11.2, 13.1, 12.8 ms (290 to 330 GFLOP/s), backward weight 14.7, 12.3, 16.5, 14.4 ms.
// Products take two thirds of it, at 90 % of the peak; the transforms are bound by loads and stores.
#include "cpu/gemm/operand.hpp"
#include "cpu/winograd/engine.hpp"
#include "ops/conv2d.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

// --- forward and backward input --------------------------------------------------------------------------------

// A convolution in -> out with padding (top, left), which may be negative: rows and columns never read. What of out lies
// beyond `rows` and `columns` is zero.
struct Direction {
  int64_t n;
  Image in, out;
  int64_t top, left, rows, columns;
};
NDL_INLINE Direction forward_of(const Conv2d& r) { return {r.n, {r.h, r.w, r.c}, {r.p, r.q, r.k}, r.pad_top, r.pad_left, r.p, r.q}; }
NDL_INLINE Direction backward_of(const Conv2d& r) {
  const int64_t top = 2 - r.pad_top, left = 2 - r.pad_left, rows = smaller(r.h, r.p + top), columns = smaller(r.w, r.q + left);
  return {r.n, {r.p, r.q, r.k}, {r.h, r.w, r.c}, top, left, rows < 0 ? 0 : rows, columns < 0 ? 0 : columns};
}

constexpr int64_t kBlockTiles = kTileRows == 14 ? 28 : 24;  // of a private task
constexpr int64_t kSharedTiles = 64;                        // of a shared task
constexpr int64_t kBlockColumns = 64;                       // output channels multiplied before they are transformed back
constexpr int64_t kChunkFloats = int64_t{2} << 20;          // V of a shared chunk: 8 MB
constexpr int64_t kLargeWeight = int64_t{4} << 20;          // floats of U that should be read once: 16 MB

struct Plan {
  Grid grid;
  bool shared;
  int64_t chunk, chunks;        // tiles transformed together
  int64_t block;                // at most that many tiles multiplied together
  int64_t columns;              // output channels multiplied together
  int64_t v_row, v_point;       // distances in V [point][tile][in_c]
  int64_t m_point;              // in M [point][tile][columns]
  int64_t in_c, out_c;          // whole vectors
};

template <int kTile>
NDL_INLINE Plan plan_of(const Direction& d) {
  constexpr int64_t kPoints = (kTile + 2) * (kTile + 2);
  Plan p;
  p.grid = grid_of<kTile>(d.n, d.rows, d.columns);
  p.in_c = whole_vectors(d.in.c), p.out_c = whole_vectors(d.out.c);
  p.v_row = row_distance(p.in_c);
  p.columns = smaller(kBlockColumns, p.out_c);
  p.shared = p.grid.count < 4 * kBlockTiles || kPoints * d.in.c * p.out_c > kLargeWeight;
  if (p.shared) {
    const int64_t room = kChunkFloats / (kPoints * p.v_row + 1);
    p.chunk = smaller(room < kSharedTiles ? kSharedTiles : room, p.grid.count);
    p.block = smaller(kSharedTiles, p.chunk);
    if (p.columns > kPanel) p.columns = kPanel;
  } else {
    // Few blocks are made a multiple of eight, so that threads end together.
    const int64_t blocks = ceil_div(p.grid.count, kBlockTiles);
    p.chunk = p.block = blocks > 32 ? kBlockTiles : ceil_div(p.grid.count, ceil_div(blocks, 8) * 8);
  }
  p.chunk = at_least_1(p.chunk), p.block = at_least_1(p.block);  // an empty batch has no tiles
  p.chunks = ceil_div(p.grid.count, p.chunk);
  p.v_point = skewed(p.chunk * p.v_row);
  p.m_point = skewed(p.block * p.columns);
  return p;
}

template <int kTile>
NDL_INLINE int64_t workspace_of(const Direction& d, const Env& env) {
  constexpr int64_t kPoints = (kTile + 2) * (kTile + 2);
  const Plan p = plan_of<kTile>(d);
  return (p.in_c + 16 + kPoints * (p.v_point * (p.shared ? 1 : env.cores) + p.m_point * env.cores)) * 4;
}

// V rows [first, first + count) of the tiles from t0 on.
template <int kTile, class T>
void transform_tiles(const Direction& d, const Plan& p, const T* in, const T* zeros, int64_t t0, int64_t count, float* v) {
  for (int64_t t = 0; t < count; ++t) {
    const Tile tile = tile_at<kTile>(p.grid, t0 + t);
    transform_pixels<typename Winograd<kTile>::Input>(in, d.in, tile.n, tile.row - d.top, tile.column - d.left, zeros, p.v_point,
                                                      [&](int64_t c) NDL_LAMBDA_INLINE { return v + t * p.v_row + c; });
  }
}

// Output channels [first, last) of the tiles from t0 on, whose rows of V begin at v.
template <int kTile, class T>
void multiply_tiles(const Direction& d, const Plan& p, const float* v, const float* u, int64_t t0, int64_t count, int64_t first, int64_t last,
                    const EpilogueOf<T>& epilogue, float* m, T* out) {
  constexpr int64_t kPoints = (kTile + 2) * (kTile + 2);
  for (int64_t point = 0; point < kPoints; ++point)
    product<false>(count, d.in.c, v + point * p.v_point, p.v_row, u + point * d.in.c * p.out_c, p.out_c, first, last, m + point * p.m_point,
                   p.columns, false);
  for (int64_t t = 0; t < count; ++t) {
    const Tile tile = tile_at<kTile>(p.grid, t0 + t);
    const int64_t rows = d.rows - tile.row, columns = d.columns - tile.column;
    const int64_t corner = ((tile.n * d.out.h + tile.row) * d.out.w + tile.column) * d.out.c;
    const EpilogueOf<T> finish = epilogue;  // a copy, which no store to out can change
    for_vectors(first, smaller(last, d.out.c), [&](int64_t k, int lanes) NDL_LAMBDA_INLINE {
      const float* source = m + t * p.columns + (k - first);
      const F32 bias = finish.bias == nullptr ? F32{} : load_some(finish.bias + k, lanes);
      transform_square<typename Winograd<kTile>::Output>(
          [&](int i, int j) NDL_LAMBDA_INLINE { return load(source + (i * (kTile + 2) + j) * p.m_point); },
          [&](int i, int j, F32 y) NDL_LAMBDA_INLINE {
            if (i >= rows || j >= columns) return;
            const int64_t at = corner + (i * d.out.w + j) * d.out.c + k;
            y += bias;
            if (finish.residual != nullptr) y += load_some(finish.residual + at, lanes);
            if (finish.relu) y = select(y < 0.0f, F32{}, y);
            store_some(out + at, y, lanes);
          });
    });
  }
}

// The rows and columns of out that nothing reaches.
template <class T>
void fill_beyond(const Direction& d, T* out, const Exec& exec) {
  const int64_t line = d.out.w * d.out.c, reached = d.columns * d.out.c;
  if (d.rows == d.out.h && d.columns == d.out.w) return;
  exec.parallel_for(d.n * d.out.h, 1 + 16384 / (line + 1), [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t from = row % d.out.h < d.rows ? reached : 0;
      for_vectors(from, line, [&](int64_t i, int n) NDL_LAMBDA_INLINE { store_some(out + row * line + i, F32{}, n); });
    }
  });
}

template <int kTile, class T>
void convolve(const Direction& d, const T* in, const float* u, const EpilogueOf<T>& epilogue, T* out, const Exec& exec) {
  constexpr int64_t kPoints = (kTile + 2) * (kTile + 2);
  const Plan p = plan_of<kTile>(d);
  float* v = static_cast<float*>(exec.workspace) + (p.in_c + 15) / 16 * 16;
  fill_floats(static_cast<float*>(exec.workspace), 0.0f, p.in_c);
  const T* zeros = static_cast<const T*>(exec.workspace);
  fill_beyond(d, out, exec);
  if (!p.shared) {
    exec.parallel_for(p.chunks, 1, [&](int64_t begin, int64_t end, int32_t thread) {
      float* mine = v + thread * kPoints * (p.v_point + p.m_point);
      for (int64_t chunk = begin; chunk < end; ++chunk) {
        const int64_t t0 = chunk * p.chunk, count = smaller(p.chunk, p.grid.count - t0);
        transform_tiles<kTile>(d, p, in, zeros, t0, count, mine);
        for (int64_t k = 0; k < p.out_c; k += p.columns)
          multiply_tiles<kTile>(d, p, mine, u, t0, count, k, smaller(k + p.columns, p.out_c), epilogue, mine + kPoints * p.v_point, out);
      }
    });
    return;
  }
  float* m = v + kPoints * p.v_point;
  for (int64_t t0 = 0; t0 < p.grid.count; t0 += p.chunk) {
    const int64_t count = smaller(p.chunk, p.grid.count - t0), blocks = ceil_div(count, p.block);
    exec.parallel_for(count, 1 + 2048 / (p.in_c + 1), [&](int64_t begin, int64_t end, int32_t) {
      transform_tiles<kTile>(d, p, in, zeros, t0 + begin, end - begin, v + begin * p.v_row);
    });
    exec.parallel_for(ceil_div(p.out_c, p.columns) * blocks, 1, [&](int64_t begin, int64_t end, int32_t thread) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t first = task % blocks * p.block, k = task / blocks * p.columns;
        multiply_tiles<kTile>(d, p, v + first * p.v_row, u, t0 + first, smaller(p.block, count - first), k, smaller(k + p.columns, p.out_c),
                              epilogue, m + thread * kPoints * p.m_point, out);
      }
    });
  }
}

// --- the weight's transform ------------------------------------------------------------------------------------

template <int kTile>
NDL_INLINE int64_t derived_bytes_of(const Direction& d) {
  return (kTile + 2) * (kTile + 2) * d.in.c * whole_vectors(d.out.c) * 4;
}

// U from kLanes x kLanes squares of the weight: gather(channel of in, first channel of out, count, taps) gives the nine
// taps as vectors over channels of out.
template <int kTile, class Gather>
NDL_INLINE void transform_weight(const Direction& d, float* u, const Gather& gather, const Exec& exec) {
  const int64_t out_c = whole_vectors(d.out.c), point = d.in.c * out_c, squares = ceil_div(d.in.c, kLanes);
  exec.parallel_for(out_c / kLanes * squares, 1 + 64 / kLanes, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t c0 = task % squares * kLanes, k = task / squares * kLanes;
      const int depth = static_cast<int>(smaller(kLanes, d.in.c - c0)), lanes = static_cast<int>(smaller(kLanes, d.out.c - k));
      alignas(64) float taps[9][kLanes][kLanes];  // [tap][channel of in][channel of out]
      gather(c0, depth, k, lanes, taps);
      for (int c = 0; c < depth; ++c) {
        float* target = u + in_panels(c0 + c, k, d.in.c, out_c);
        transform_square<typename Winograd<kTile>::Weight>(
            [&](int i, int j) NDL_LAMBDA_INLINE { return load(taps[i * 3 + j][c]); },
            [&](int i, int j, F32 v) NDL_LAMBDA_INLINE { store<F32>(target + (i * (kTile + 2) + j) * point, v); });
      }
    }
  });
}

template <int kTile>
void derive_forward(const Conv2d& r, const void* weight, void* derived, const Exec& exec) {
  by_type(r, [&]<class T>(T) {
    const auto* w = static_cast<const T*>(weight);
    transform_weight<kTile>(forward_of(r), static_cast<float*>(derived),
                            [&](int64_t c0, int depth, int64_t k, int lanes, float (&taps)[9][kLanes][kLanes]) {
                              for (int tap = 0; tap < 9; ++tap)
                                for (int lane = 0; lane < kLanes; ++lane)
                                  for (int c = 0; c < depth; ++c)
                                    taps[tap][c][lane] = lane < lanes ? element(w + ((k + lane) * 9 + tap) * r.c + c0 + c) : 0.0f;
                            },
                            exec);
  });
}

// The weight turned by half a turn, in: k, out: c.
template <int kTile>
void derive_backward(const Conv2d& r, const void* weight, void* derived, const Exec& exec) {
  by_type(r, [&]<class T>(T) {
    const auto* w = static_cast<const T*>(weight);
    transform_weight<kTile>(backward_of(r), static_cast<float*>(derived),
                            [&](int64_t k0, int depth, int64_t c, int lanes, float (&taps)[9][kLanes][kLanes]) {
                              for (int tap = 0; tap < 9; ++tap)
                                for (int k = 0; k < depth; ++k)
                                  store<F32>(taps[tap][k], load_some(w + ((k0 + k) * 9 + 8 - tap) * r.c + c, lanes));
                            },
                            exec);
  });
}

// --- backward weight -------------------------------------------------------------------------------------------

constexpr int64_t kWeightRows = 4 * kTileRows;                // output channels of a task
constexpr int64_t kWeightColumns = 64;                        // input channels of a task
constexpr int64_t kLeastWeightChunk = int64_t{1} << 19;       // floats of V and E of a chunk: 2 MB,
constexpr int64_t kMostWeightChunk = int64_t{6} << 20;        // and 24 MB where the sums are that large
constexpr int64_t kPrivateFloats = int64_t{208} << 10;        // of a private task: 832 KB of sums, V and E, in L2
constexpr int64_t kWeightSlices = 8;

enum class WeightMode { priv, fused, shared };
struct WeightPlan {
  Grid grid;
  WeightMode mode;
  int64_t slices;                    // sums of dw, added at the end
  int64_t chunk, chunks;             // tiles transformed together
  int64_t c, k;                      // whole vectors of channels
  int64_t v_point, e_row, e_point;   // V [point][panels of c][tile], E [point][tile][k]
  int64_t row_blocks, column_blocks, rows, columns;
  int64_t sum_point, sums;           // of a task: [point][rows][columns]
};

template <int kTile>
NDL_INLINE WeightPlan weight_plan_of(const Conv2d& r) {
  constexpr int64_t kPoints = (kTile + 2) * (kTile + 2);
  WeightPlan p;
  p.grid = grid_of<kTile>(r.n, r.p, r.q);
  p.c = whole_vectors(r.c), p.k = whole_vectors(r.k);
  p.e_row = row_distance(p.k);
  p.row_blocks = ceil_div(r.k, kWeightRows), p.rows = ceil_div(r.k, at_least_1(p.row_blocks));
  p.columns = smaller(kWeightColumns, p.c), p.column_blocks = ceil_div(p.c, at_least_1(p.columns));
  p.sum_point = skewed(p.rows * p.columns);
  p.sums = kPoints * p.sum_point;
  const int64_t tile = kPoints * (p.c + p.e_row), all = p.sums * p.row_blocks * p.column_blocks;
  const int64_t beside = (kPrivateFloats - all) / (tile + 1), slice = ceil_div(p.grid.count, kWeightSlices);
  if (beside >= kTileRows && slice >= 2 * kTileRows) {
    p.mode = WeightMode::priv, p.slices = kWeightSlices;
    p.chunks = ceil_div(slice, smaller(beside, kDepth)), p.chunk = ceil_div(slice, p.chunks);
  } else {
    const int64_t room = (all < kLeastWeightChunk ? kLeastWeightChunk : smaller(all, kMostWeightChunk)) / (tile + 1) + 1;
    p.chunks = ceil_div(p.grid.count, room < 2 * kTileRows ? 2 * kTileRows : room);
    p.chunk = p.chunks == 0 ? 0 : ceil_div(p.grid.count, p.chunks), p.slices = 1;
    p.mode = p.chunks == 1 && p.row_blocks * p.column_blocks >= 8 ? WeightMode::fused : WeightMode::shared;
  }
  p.v_point = skewed(p.chunk * p.c), p.e_point = skewed(p.chunk * p.e_row);
  return p;
}

template <int kTile>
int64_t weight_workspace(const Conv2d& r, const Env& env) {
  constexpr int64_t kPoints = (kTile + 2) * (kTile + 2);
  const WeightPlan p = weight_plan_of<kTile>(r);
  const int64_t sums = p.mode == WeightMode::fused ? env.cores : p.slices * p.row_blocks * p.column_blocks;
  const int64_t chunks = p.mode == WeightMode::priv ? env.cores : 1;
  return ((p.c > p.k ? p.c : p.k) + 16 + chunks * kPoints * (p.v_point + p.e_point) + sums * p.sums) * 4;
}

// dw of a task's block of channels from its sums, those of the slices added in their order.
template <int kTile, class T>
void transform_sums(const Conv2d& r, const WeightPlan& p, const float* sums, int64_t task, T* dw) {
  const int64_t k0 = task % p.row_blocks * p.rows, c0 = task / p.row_blocks * p.columns, slice = p.sums * p.row_blocks * p.column_blocks;
  for (int64_t k = 0; k < smaller(p.rows, r.k - k0); ++k)
    for_vectors(c0, smaller(c0 + p.columns, r.c), [&](int64_t c, int lanes) NDL_LAMBDA_INLINE {
      const float* source = sums + k * p.columns + (c - c0);
      transform_square<typename Winograd<kTile>::WeightGradient>(
          [&](int i, int j) NDL_LAMBDA_INLINE {
            const float* at = source + (i * (kTile + 2) + j) * p.sum_point;
            F32 sum = load(at);
            for (int64_t s = 1; s < p.slices; ++s) sum += load(at + s * slice);
            return sum;
          },
          [&](int i, int j, F32 g) NDL_LAMBDA_INLINE { store_some(dw + ((k0 + k) * 9 + i * 3 + j) * r.c + c, g, lanes); });
    });
}

template <int kTile, class T>
void sum_weight(const Conv2d& r, const T* x, const T* dy, T* dw, const Exec& exec) {
  constexpr int64_t kPoints = (kTile + 2) * (kTile + 2);
  const WeightPlan p = weight_plan_of<kTile>(r);
  if (p.grid.count == 0)
    return for_vectors(0, r.k * 9 * r.c, [&](int64_t i, int n) NDL_LAMBDA_INLINE { store_some(dw + i, F32{}, n); });
  const int64_t most = p.c > p.k ? p.c : p.k, tasks = p.row_blocks * p.column_blocks, chunk_floats = kPoints * (p.v_point + p.e_point);
  float* first_v = static_cast<float*>(exec.workspace) + (most + 15) / 16 * 16;
  float* sums = first_v + chunk_floats * (p.mode == WeightMode::priv ? exec.threads : 1);
  fill_floats(static_cast<float*>(exec.workspace), 0.0f, most);
  const T* zeros = static_cast<const T*>(exec.workspace);

  // Rows [begin, end) of V and E of a chunk of `count` tiles from t0 on.
  const auto transform = [&](int64_t t0, int64_t count, int64_t begin, int64_t end, float* v) {
    float* e = v + kPoints * p.v_point;
    for (int64_t t = begin; t < end; ++t) {
      const Tile tile = tile_at<kTile>(p.grid, t0 + t);
      transform_pixels<typename Winograd<kTile>::Input>(x, {r.h, r.w, r.c}, tile.n, tile.row - r.pad_top, tile.column - r.pad_left, zeros,
                                                        p.v_point,
                                                        [&](int64_t c) NDL_LAMBDA_INLINE { return v + in_panels(t, c, count, p.c); });
      transform_pixels<typename Winograd<kTile>::OutputGradient>(dy, {r.p, r.q, r.k}, tile.n, tile.row, tile.column, zeros, p.e_point,
                                                                 [&](int64_t k) NDL_LAMBDA_INLINE { return e + t * p.e_row + k; });
    }
  };
  // Their products at a point for a task's block of channels.
  const auto multiply = [&](int64_t count, const float* v, int64_t task, int64_t point, bool begun, float* target) {
    const int64_t k = task % p.row_blocks * p.rows, c = task / p.row_blocks * p.columns;
    product<true>(smaller(p.rows, r.k - k), count, v + kPoints * p.v_point + point * p.e_point + k, p.e_row, v + point * p.v_point, p.c, c,
                  smaller(c + p.columns, p.c), target + point * p.sum_point, p.columns, begun);
  };

  if (p.mode == WeightMode::priv)
    exec.parallel_for(p.slices, 1, [&](int64_t begin, int64_t end, int32_t thread) {
      float* v = first_v + thread * chunk_floats;
      for (int64_t slice = begin; slice < end; ++slice) {
        const int64_t first = p.grid.count * slice / p.slices, last = p.grid.count * (slice + 1) / p.slices;
        for (int64_t t0 = first; t0 < last; t0 += p.chunk) {
          const int64_t count = smaller(p.chunk, last - t0);
          transform(t0, count, 0, count, v);
          for (int64_t i = 0; i < tasks * kPoints; ++i) multiply(count, v, i % tasks, i / tasks, t0 > first, sums + (slice * tasks + i % tasks) * p.sums);
        }
      }
    });
  for (int64_t chunk = 0; p.mode != WeightMode::priv && chunk < p.chunks; ++chunk) {
    const int64_t t0 = chunk * p.chunk, count = smaller(p.chunk, p.grid.count - t0);
    exec.parallel_for(count, 1 + 2048 / (p.c + p.k), [&](int64_t begin, int64_t end, int32_t) { transform(t0, count, begin, end, first_v); });
    if (p.mode == WeightMode::fused)
      return exec.parallel_for(tasks, 1, [&](int64_t begin, int64_t end, int32_t thread) {
        float* target = sums + thread * p.sums;
        for (int64_t task = begin; task < end; ++task) {
          for (int64_t point = 0; point < kPoints; ++point) multiply(count, first_v, task, point, false, target);
          transform_sums<kTile>(r, p, target, task, dw);
        }
      });
    exec.parallel_for(tasks * kPoints, 1, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t i = begin; i < end; ++i) multiply(count, first_v, i % tasks, i / tasks, chunk > 0, sums + i % tasks * p.sums);
    });
  }
  exec.parallel_for(tasks, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) transform_sums<kTile>(r, p, sums + task * p.sums, task, dw);
  });
}

// --- kernels ---------------------------------------------------------------------------------------------------

template <int kTile>
void forward(const Conv2d& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) {
    const EpilogueOf<T> epilogue{b.get<T>(Conv2d::kBias), r.activation == NDL_ACTIVATION_RELU, b.get<T>(Conv2d::kResidual)};
    convolve<kTile>(forward_of(r), b.get<const T>(Conv2d::kX), static_cast<const float*>(b.derived), epilogue, b.get<T>(Conv2d::kY), exec);
  });
}
template <int kTile>
void backward_input(const Conv2d& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) {
    convolve<kTile>(backward_of(r), b.get<const T>(Conv2d::kDy), static_cast<const float*>(b.derived), EpilogueOf<T>{}, b.get<T>(Conv2d::kDx), exec);
  });
}
template <int kTile>
void backward_weight(const Conv2d& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) { sum_weight<kTile>(r, b.get<const T>(Conv2d::kImage), b.get<const T>(Conv2d::kGradient), b.get<T>(Conv2d::kDw), exec); });
}
template <int kTile>
int64_t forward_workspace(const Conv2d& r, const Env& env) { return workspace_of<kTile>(forward_of(r), env); }
template <int kTile>
int64_t backward_workspace(const Conv2d& r, const Env& env) { return workspace_of<kTile>(backward_of(r), env); }
template <int kTile>
int64_t forward_derived_bytes(const Conv2d& r, const Env&) { return derived_bytes_of<kTile>(forward_of(r)); }
template <int kTile>
int64_t backward_derived_bytes(const Conv2d& r, const Env&) { return derived_bytes_of<kTile>(backward_of(r)); }

}  // namespace

const Kernel<Conv2d> conv2d_forward_winograd2x2{forward<2>, forward_workspace<2>, Conv2d::kWeight, forward_derived_bytes<2>, derive_forward<2>};
const Kernel<Conv2d> conv2d_forward_winograd4x4{forward<4>, forward_workspace<4>, Conv2d::kWeight, forward_derived_bytes<4>, derive_forward<4>};
const Kernel<Conv2d> conv2d_backward_input_winograd2x2{backward_input<2>, backward_workspace<2>, Conv2d::kFilter, backward_derived_bytes<2>,
                                                       derive_backward<2>};
const Kernel<Conv2d> conv2d_backward_input_winograd4x4{backward_input<4>, backward_workspace<4>, Conv2d::kFilter, backward_derived_bytes<4>,
                                                       derive_backward<4>};
const Kernel<Conv2d> conv2d_backward_weight_winograd2x2{backward_weight<2>, weight_workspace<2>};
const Kernel<Conv2d> conv2d_backward_weight_winograd4x4{backward_weight<4>, weight_workspace<4>};

}  // namespace ndl::cpu::NDL_ISA
