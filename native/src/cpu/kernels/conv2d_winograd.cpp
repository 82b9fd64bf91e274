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
// Nothing that is added depends on the number of threads. Padding is any; the last tiles of F(4) overhang or
// give way to F(2) (winograd/cut.hpp).
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
  Cut cut;
};
NDL_INLINE Direction forward_of(const Conv2d& r) {
  return {r.n, {r.h, r.w, r.c}, {r.p, r.q, r.k}, r.pad_top, r.pad_left, r.p, r.q, cut_of(r, r.p, r.q)};
}
NDL_INLINE Direction backward_of(const Conv2d& r) {
  const int64_t top = 2 - r.pad_top, left = 2 - r.pad_left;
  const int64_t rows = greater(smaller(r.h, r.p + top), 0), columns = greater(smaller(r.w, r.q + left), 0);
  return {r.n, {r.p, r.q, r.k}, {r.h, r.w, r.c}, top, left, rows, columns, cut_of(r, rows, columns)};
}

constexpr int64_t kBlockTiles = kTileRows == 14 ? 28 : 24;  // of a private task
constexpr int64_t kSharedTiles = 64;                        // of a shared task
constexpr int64_t kBlockColumns = 64;                       // output channels multiplied before they are transformed back
constexpr int64_t kChunkFloats = int64_t{2} << 20;          // V of a shared chunk: 8 MB
constexpr int64_t kLargeWeight = int64_t{4} << 20;          // floats of U that should be read once: 16 MB

template <class G>
struct Plan {
  G grid;
  bool shared;
  int64_t chunk, chunks;        // tiles transformed together
  int64_t block;                // at most that many tiles multiplied together
  int64_t columns;              // output channels multiplied together
  int64_t v_row, v_point;       // distances in V [point][tile][in_c]
  int64_t m_point;              // in M [point][tile][columns]
  int64_t in_c, out_c;          // whole vectors

  NDL_INLINE explicit Plan(const G& of) : grid(of) {}
};

template <class G>
NDL_INLINE Plan<G> plan_of(const Direction& d, const G& grid) {
  Plan<G> p(grid);
  p.in_c = whole_vectors(d.in.c), p.out_c = whole_vectors(d.out.c);
  p.v_row = row_distance(p.in_c);
  p.columns = smaller(kBlockColumns, p.out_c);
  p.shared = grid.count < 4 * kBlockTiles || G::kPoints * d.in.c * p.out_c > kLargeWeight;
  if (p.shared) {
    const int64_t room = kChunkFloats / (G::kPoints * p.v_row + 1);
    p.chunk = smaller(room < kSharedTiles ? kSharedTiles : room, grid.count);
    p.block = smaller(kSharedTiles, p.chunk);
    if (p.columns > kPanel) p.columns = kPanel;
  } else {
    // Few blocks are made a multiple of eight, so that threads end together.
    const int64_t blocks = ceil_div(grid.count, kBlockTiles);
    p.chunk = p.block = blocks > 32 ? kBlockTiles : ceil_div(grid.count, ceil_div(blocks, 8) * 8);
  }
  p.chunk = at_least_1(p.chunk), p.block = at_least_1(p.block);  // an empty batch has no tiles
  p.chunks = ceil_div(grid.count, p.chunk);
  p.v_point = skewed(p.chunk * p.v_row);
  p.m_point = skewed(p.block * p.columns);
  return p;
}

template <int kTile>
NDL_INLINE int64_t workspace_of(const Direction& d, const Env& env) {
  int64_t most = 0;
  for_grids<kTile>(d.n, d.rows, d.columns, d.cut, [&]<class G>(const G& grid, int64_t) {
    const Plan<G> p = plan_of(d, grid);
    most = greater(most, (p.in_c + 16 + G::kPoints * (p.v_point * (p.shared ? 1 : env.cores) + p.m_point * env.cores)) * 4);
  });
  return most;
}

// V rows [first, first + count) of the tiles from t0 on.
template <class G, class T>
void transform_tiles(const Direction& d, const Plan<G>& p, const T* in, const T* zeros, int64_t t0, int64_t count, float* v) {
  for (int64_t t = 0; t < count; ++t) {
    const Tile tile = tile_at(p.grid, t0 + t);
    transform_pixels<typename G::V::Input, typename G::H::Input>(in, d.in, tile.n, tile.row - d.top, tile.column - d.left, zeros, p.v_point,
                                                                 [&](int64_t c) NDL_LAMBDA_INLINE { return v + t * p.v_row + c; });
  }
}

// Output channels [first, last) of the tiles from t0 on, whose rows of V begin at v.
template <class G, class T>
void multiply_tiles(const Direction& d, const Plan<G>& p, const float* v, const float* u, int64_t t0, int64_t count, int64_t first, int64_t last,
                    const EpilogueOf<T>& epilogue, float* m, T* out) {
  for (int64_t point = 0; point < G::kPoints; ++point)
    product<false>(count, d.in.c, v + point * p.v_point, p.v_row, u + point * d.in.c * p.out_c, p.out_c, first, last, m + point * p.m_point,
                   p.columns, false);
  for (int64_t t = 0; t < count; ++t) {
    const Tile tile = tile_at(p.grid, t0 + t);
    const int64_t rows = d.rows - tile.row, columns = d.columns - tile.column;
    const int64_t corner = ((tile.n * d.out.h + tile.row) * d.out.w + tile.column) * d.out.c;
    const EpilogueOf<T> finish = epilogue;  // a copy, which no store to out can change
    for_vectors(first, smaller(last, d.out.c), [&](int64_t k, int lanes) NDL_LAMBDA_INLINE {
      const float* source = m + t * p.columns + (k - first);
      const F32 bias = finish.bias == nullptr ? F32{} : load_some(finish.bias + k, lanes);
      transform_tile<typename G::V::Output, typename G::H::Output>(
          [&](int i, int j) NDL_LAMBDA_INLINE { return load(source + (i * G::kPointsInRow + j) * p.m_point); },
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

// The outputs of a grid; u is for its points.
template <class G, class T>
void convolve_grid(const Direction& d, const G& grid, const T* in, const float* u, const EpilogueOf<T>& epilogue, T* out, const Exec& exec) {
  const Plan<G> p = plan_of(d, grid);
  float* v = static_cast<float*>(exec.workspace) + (p.in_c + 15) / 16 * 16;
  fill_floats(static_cast<float*>(exec.workspace), 0.0f, p.in_c);
  const T* zeros = static_cast<const T*>(exec.workspace);
  if (!p.shared)
    return exec.parallel_for(p.chunks, 1, [&](int64_t begin, int64_t end, int32_t thread) {
      float* mine = v + thread * G::kPoints * (p.v_point + p.m_point);
      for (int64_t chunk = begin; chunk < end; ++chunk) {
        const int64_t t0 = chunk * p.chunk, count = smaller(p.chunk, grid.count - t0);
        transform_tiles(d, p, in, zeros, t0, count, mine);
        for (int64_t k = 0; k < p.out_c; k += p.columns)
          multiply_tiles(d, p, mine, u, t0, count, k, smaller(k + p.columns, p.out_c), epilogue, mine + G::kPoints * p.v_point, out);
      }
    });
  float* m = v + G::kPoints * p.v_point;
  for (int64_t t0 = 0; t0 < grid.count; t0 += p.chunk) {
    const int64_t count = smaller(p.chunk, grid.count - t0), blocks = ceil_div(count, p.block);
    exec.parallel_for(count, 1 + 2048 / (p.in_c + 1), [&](int64_t begin, int64_t end, int32_t) {
      transform_tiles(d, p, in, zeros, t0 + begin, end - begin, v + begin * p.v_row);
    });
    exec.parallel_for(ceil_div(p.out_c, p.columns) * blocks, 1, [&](int64_t begin, int64_t end, int32_t thread) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t first = task % blocks * p.block, k = task / blocks * p.columns;
        multiply_tiles(d, p, v + first * p.v_row, u, t0 + first, smaller(p.block, count - first), k, smaller(k + p.columns, p.out_c), epilogue,
                       m + thread * G::kPoints * p.m_point, out);
      }
    });
  }
}

template <int kTile, class T>
void convolve(const Direction& d, const T* in, const float* u, const EpilogueOf<T>& epilogue, T* out, const Exec& exec) {
  fill_beyond(d, out, exec);
  for_grids<kTile>(d.n, d.rows, d.columns, d.cut, [&](const auto& grid, int64_t points) {
    convolve_grid(d, grid, in, u + points * d.in.c * whole_vectors(d.out.c), epilogue, out, exec);
  });
}

// --- the weight's transform ------------------------------------------------------------------------------------

template <int kTile>
NDL_INLINE int64_t derived_bytes_of(const Direction& d) {
  int64_t all = 0;
  for_grids<kTile>(d.n, d.rows, d.columns, d.cut, [&]<class G>(const G&, int64_t points) { all = points + G::kPoints; });
  return all * d.in.c * whole_vectors(d.out.c) * 4;
}
// U holds the points of which parts of the image.
NDL_INLINE int64_t derived_variant_of(const Direction& d) { return (d.cut.rows > 0) * 2 + (d.cut.columns > 0); }

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
      for_grids<kTile>(d.n, d.rows, d.columns, d.cut, [&]<class G>(const G&, int64_t points) {
        for (int c = 0; c < depth; ++c) {
          float* target = u + points * point + in_panels(c0 + c, k, d.in.c, out_c);
          transform_tile<typename G::V::Weight, typename G::H::Weight>(
              [&](int i, int j) NDL_LAMBDA_INLINE { return load(taps[i * 3 + j][c]); },
              [&](int i, int j, F32 v) NDL_LAMBDA_INLINE { store<F32>(target + (i * G::kPointsInRow + j) * point, v); });
        }
      });
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
constexpr int64_t kPrivateFloats = int64_t{256} << 10;        // of a private task: 1 MB of sums, V and E, in L2
constexpr int64_t kWeightSlices = 8;

enum class WeightMode { priv, fused, shared };
template <class G>
struct WeightPlan {
  G grid;
  WeightMode mode;
  int64_t slices;                    // sums of dw, added at the end
  int64_t chunk, chunks;             // tiles transformed together
  int64_t c, k;                      // whole vectors of channels
  int64_t v_point, e_row, e_point;   // V [point][panels of c][tile], E [point][tile][k]
  int64_t row_blocks, column_blocks, rows, columns;
  int64_t sum_point, sums;           // of a task: [point][rows][columns]

  NDL_INLINE explicit WeightPlan(const G& of) : grid(of) {}
};

template <class G>
NDL_INLINE WeightPlan<G> weight_plan_of(const Conv2d& r, const G& grid) {
  WeightPlan<G> p(grid);
  p.c = whole_vectors(r.c), p.k = whole_vectors(r.k);
  p.e_row = row_distance(p.k);
  p.row_blocks = ceil_div(r.k, kWeightRows), p.rows = ceil_div(r.k, at_least_1(p.row_blocks));
  p.columns = smaller(kWeightColumns, p.c), p.column_blocks = ceil_div(p.c, at_least_1(p.columns));
  p.sum_point = skewed(p.rows * p.columns);
  p.sums = G::kPoints * p.sum_point;
  const int64_t tile = G::kPoints * (p.c + p.e_row), all = p.sums * p.row_blocks * p.column_blocks;
  const int64_t beside = (kPrivateFloats - all) / (tile + 1), slice = ceil_div(grid.count, kWeightSlices);
  if (beside >= kTileRows && slice >= 2 * kTileRows) {
    p.mode = WeightMode::priv, p.slices = kWeightSlices;
    p.chunks = ceil_div(slice, smaller(beside, kDepth)), p.chunk = ceil_div(slice, p.chunks);
  } else {
    const int64_t room = (all < kLeastWeightChunk ? kLeastWeightChunk : smaller(all, kMostWeightChunk)) / (tile + 1) + 1;
    p.chunks = ceil_div(grid.count, room < 2 * kTileRows ? 2 * kTileRows : room);
    p.chunk = p.chunks == 0 ? 0 : ceil_div(grid.count, p.chunks), p.slices = 1;
    p.mode = p.chunks == 1 && p.row_blocks * p.column_blocks >= 8 ? WeightMode::fused : WeightMode::shared;
  }
  p.v_point = skewed(p.chunk * p.c), p.e_point = skewed(p.chunk * p.e_row);
  return p;
}

// Sums in bf16 are rounded once: no part of them can be added to another.
NDL_INLINE Cut weight_cut_of(const Conv2d& r) { return r.dtype == NDL_DTYPE_F32 ? cut_of(r, r.p, r.q) : Cut{0, 0}; }

template <int kTile>
int64_t weight_workspace(const Conv2d& r, const Env& env) {
  int64_t most = 0;
  for_grids<kTile>(r.n, r.p, r.q, weight_cut_of(r), [&]<class G>(const G& grid, int64_t) {
    const WeightPlan<G> p = weight_plan_of(r, grid);
    const int64_t sums = p.mode == WeightMode::fused ? env.cores : p.slices * p.row_blocks * p.column_blocks;
    const int64_t chunks = p.mode == WeightMode::priv ? env.cores : 1;
    most = greater(most, (greater(p.c, p.k) + 16 + chunks * G::kPoints * (p.v_point + p.e_point) + sums * p.sums) * 4);
  });
  return most;
}

// dw of a task's block of channels from its sums, those of the slices added in their order; to what is there, if `begun`.
template <class G, class T>
void transform_sums(const Conv2d& r, const WeightPlan<G>& p, const float* sums, int64_t task, bool begun, T* dw) {
  const int64_t k0 = task % p.row_blocks * p.rows, c0 = task / p.row_blocks * p.columns, slice = p.sums * p.row_blocks * p.column_blocks;
  for (int64_t k = 0; k < smaller(p.rows, r.k - k0); ++k)
    for_vectors(c0, smaller(c0 + p.columns, r.c), [&](int64_t c, int lanes) NDL_LAMBDA_INLINE {
      const float* source = sums + k * p.columns + (c - c0);
      transform_tile<typename G::V::WeightGradient, typename G::H::WeightGradient>(
          [&](int i, int j) NDL_LAMBDA_INLINE {
            const float* at = source + (i * G::kPointsInRow + j) * p.sum_point;
            F32 sum = load(at);
            for (int64_t s = 1; s < p.slices; ++s) sum += load(at + s * slice);
            return sum;
          },
          [&](int i, int j, F32 g) NDL_LAMBDA_INLINE {
            T* to = dw + ((k0 + k) * 9 + i * 3 + j) * r.c + c;
            store_some(to, begun ? load_some(to, lanes) + g : g, lanes);
          });
    });
}

// The gradient that the dy of a grid give, added to dw if that is begun.
template <class G, class T>
void sum_grid(const Conv2d& r, const G& grid, const T* x, const T* dy, bool begun, T* dw, const Exec& exec) {
  const WeightPlan<G> p = weight_plan_of(r, grid);
  const int64_t most = greater(p.c, p.k), tasks = p.row_blocks * p.column_blocks, chunk_floats = G::kPoints * (p.v_point + p.e_point);
  float* first_v = static_cast<float*>(exec.workspace) + (most + 15) / 16 * 16;
  float* sums = first_v + chunk_floats * (p.mode == WeightMode::priv ? exec.threads : 1);
  fill_floats(static_cast<float*>(exec.workspace), 0.0f, most);
  const T* zeros = static_cast<const T*>(exec.workspace);

  // Rows [begin, end) of V and E of a chunk of `count` tiles from t0 on.
  const auto transform = [&](int64_t t0, int64_t count, int64_t begin, int64_t end, float* v) {
    float* e = v + G::kPoints * p.v_point;
    for (int64_t t = begin; t < end; ++t) {
      const Tile tile = tile_at(grid, t0 + t);
      transform_pixels<typename G::V::Input, typename G::H::Input>(
          x, {r.h, r.w, r.c}, tile.n, tile.row - r.pad_top, tile.column - r.pad_left, zeros, p.v_point,
          [&](int64_t c) NDL_LAMBDA_INLINE { return v + in_panels(t, c, count, p.c); });
      transform_pixels<typename G::V::OutputGradient, typename G::H::OutputGradient>(
          dy, {r.p, r.q, r.k}, tile.n, tile.row, tile.column, zeros, p.e_point,
          [&](int64_t k) NDL_LAMBDA_INLINE { return e + t * p.e_row + k; });
    }
  };
  // Their products at a point for a task's block of channels.
  const auto multiply = [&](int64_t count, const float* v, int64_t task, int64_t point, bool add, float* target) {
    const int64_t k = task % p.row_blocks * p.rows, c = task / p.row_blocks * p.columns;
    product<true>(smaller(p.rows, r.k - k), count, v + G::kPoints * p.v_point + point * p.e_point + k, p.e_row, v + point * p.v_point, p.c, c,
                  smaller(c + p.columns, p.c), target + point * p.sum_point, p.columns, add);
  };

  if (p.mode == WeightMode::priv)
    exec.parallel_for(p.slices, 1, [&](int64_t begin, int64_t end, int32_t thread) {
      float* v = first_v + thread * chunk_floats;
      for (int64_t slice = begin; slice < end; ++slice) {
        const int64_t first = grid.count * slice / p.slices, last = grid.count * (slice + 1) / p.slices;
        for (int64_t t0 = first; t0 < last; t0 += p.chunk) {
          const int64_t count = smaller(p.chunk, last - t0);
          transform(t0, count, 0, count, v);
          for (int64_t i = 0; i < tasks * G::kPoints; ++i)
            multiply(count, v, i % tasks, i / tasks, t0 > first, sums + (slice * tasks + i % tasks) * p.sums);
        }
      }
    });
  for (int64_t chunk = 0; p.mode != WeightMode::priv && chunk < p.chunks; ++chunk) {
    const int64_t t0 = chunk * p.chunk, count = smaller(p.chunk, grid.count - t0);
    exec.parallel_for(count, 1 + 2048 / (p.c + p.k), [&](int64_t begin, int64_t end, int32_t) { transform(t0, count, begin, end, first_v); });
    if (p.mode == WeightMode::fused)
      return exec.parallel_for(tasks, 1, [&](int64_t begin, int64_t end, int32_t thread) {
        float* target = sums + thread * p.sums;
        for (int64_t task = begin; task < end; ++task) {
          for (int64_t point = 0; point < G::kPoints; ++point) multiply(count, first_v, task, point, false, target);
          transform_sums(r, p, target, task, begun, dw);
        }
      });
    exec.parallel_for(tasks * G::kPoints, 1, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t i = begin; i < end; ++i) multiply(count, first_v, i % tasks, i / tasks, chunk > 0, sums + i % tasks * p.sums);
    });
  }
  exec.parallel_for(tasks, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) transform_sums(r, p, sums + task * p.sums, task, begun, dw);
  });
}

template <int kTile, class T>
void sum_weight(const Conv2d& r, const T* x, const T* dy, T* dw, const Exec& exec) {
  if (r.n * r.p * r.q == 0)
    return for_vectors(0, r.k * 9 * r.c, [&](int64_t i, int n) NDL_LAMBDA_INLINE { store_some(dw + i, F32{}, n); });
  for_grids<kTile>(r.n, r.p, r.q, weight_cut_of(r), [&](const auto& grid, int64_t points) { sum_grid(r, grid, x, dy, points > 0, dw, exec); });
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
int64_t forward_variant(const Conv2d& r) { return derived_variant_of(forward_of(r)); }
int64_t backward_variant(const Conv2d& r) { return derived_variant_of(backward_of(r)); }

}  // namespace

const Kernel<Conv2d> conv2d_forward_winograd2x2{forward<2>, forward_workspace<2>, Conv2d::kWeight, forward_derived_bytes<2>, derive_forward<2>};
const Kernel<Conv2d> conv2d_forward_winograd4x4{forward<4>, forward_workspace<4>, Conv2d::kWeight, forward_derived_bytes<4>, derive_forward<4>,
                                                 forward_variant};
const Kernel<Conv2d> conv2d_backward_input_winograd2x2{backward_input<2>, backward_workspace<2>, Conv2d::kFilter, backward_derived_bytes<2>,
                                                       derive_backward<2>};
const Kernel<Conv2d> conv2d_backward_input_winograd4x4{backward_input<4>, backward_workspace<4>, Conv2d::kFilter, backward_derived_bytes<4>,
                                                       derive_backward<4>, backward_variant};
const Kernel<Conv2d> conv2d_backward_weight_winograd2x2{backward_weight<2>, weight_workspace<2>};
const Kernel<Conv2d> conv2d_backward_weight_winograd4x4{backward_weight<4>, weight_workspace<4>};

}  // namespace ndl::cpu::NDL_ISA
