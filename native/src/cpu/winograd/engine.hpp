// cpu/winograd/engine.hpp: 3x3 convolution at stride 1 by tiles: transform, multiply once per point, transform back. NHWC;
// f32 and bf16, which the transforms read and write; between them all is f32.
//
//   forward   y = A^T [ sum_c U[c,k] * V[t,c] ] A         V = B^T d B of the tile t of x (a matrix [tiles, c] for each point)
//             (backward_input: the same, x = dy and the  U = G g G^T, made once per version of the weight
//             weight flipped and its channels swapped)   M = V U, one product for each point
//   weight    dw = G^T [ sum_t E[t,k] * V[t,c] ] G        E = A dy A^T of the tile t of dy
//
// Products keep kTileRows x kPanel sums in registers (14 x 2 vectors of 32 registers, 6 x 2 of 16); the right-hand side
// lies in panels of kPanel columns, [panel][depth][kPanel], the last one a single vector wide where that is enough.
// Columns past a matrix's end are zeros in scratch; operands are read and written under masks there.
#pragma once

#include "cpu/gemm/engine.hpp"
#include "cpu/winograd/cut.hpp"
#include "cpu/winograd/transforms.hpp"

namespace ndl::cpu::NDL_ISA {

inline constexpr int kPanel = 2 * kLanes;
inline constexpr int kTileRows = kRowsFor[2];

// Distance of matrices (or rows) that are walked side by side: an odd number of cache lines puts them in different sets.
NDL_INLINE int64_t skewed(int64_t floats) { return (ceil_div(floats, 16) | 1) * 16; }
// Distance of rows: as they are, unless they lie a large power of two apart.
NDL_INLINE int64_t row_distance(int64_t floats) { return floats % 128 == 0 ? floats + 16 : floats; }

// Where vector `column` (a multiple of kLanes) of row `row` of a matrix in panels lies; n: whole vectors of columns.
NDL_INLINE int64_t in_panels(int64_t row, int64_t column, int64_t depth, int64_t n) {
  const int64_t panel = column / kPanel * kPanel, width = smaller(kPanel, n - panel);
  return panel * depth + row * width + (column - panel);
}

// --- products --------------------------------------------------------------------------------------------------

// C [rows, columns [first, last)] = or += A [rows, depth] * B, which has n columns in panels; first: a multiple of kPanel.
// Rows go in groups of equal size, so that none is computed for nothing. Depth goes in blocks: a block of a panel stays
// in L1 for all groups, and sums in two levels round less (on 512 channels, half the error of F(4x4)).
inline constexpr int64_t kDepth = 128;

template <bool kColumns>
void product(int64_t rows, int64_t depth, const float* a, int64_t lda, const float* b, int64_t n, int64_t first, int64_t last, float* c,
             int64_t ldc, bool accumulate) {
  const int64_t groups = ceil_div(rows, kTileRows);
  for (int64_t column = first; column < last; column += kPanel) {
    const bool wide = n - column > kLanes;
    for (int64_t k = 0; k < depth || k == 0; k += kDepth) {
      const float* panel = b + column * depth + k * (wide ? kPanel : kLanes);
      for (int64_t group = 0; group < groups; ++group) {
        const int64_t row = rows * group / groups, count = rows * (group + 1) / groups - row;
        const float* block = kColumns ? a + k * lda + row : a + row * lda + k;
        const int vectors = wide ? 2 : 1;
        float* target = c + row * ldc + (column - first);
        tile_kernels.bare[kColumns][vectors][count](smaller(kDepth, depth - k), block, lda, panel, vectors * kLanes, nullptr, target, ldc,
                                                  vectors * kLanes, add_to(target, accumulate || k > 0), nullptr, 0);
      }
    }
  }
}

// --- tiles -----------------------------------------------------------------------------------------------------

struct Image {
  int64_t h, w, c;
};
struct Region {
  int64_t row, column, rows, columns;
};
// How the outputs of a region are cut into tiles of kHeight x kWidth, in the order (n, row, column). In two dimensions each
// transform is that of one length: F(kHeight) of the columns, F(kWidth) of the rows.
template <int kTileHeight, int kTileWidth>
struct Grid {
  static constexpr int kHeight = kTileHeight, kWidth = kTileWidth, kPointsInRow = kWidth + 2;
  static constexpr int64_t kPoints = (kHeight + 2) * kPointsInRow;
  using V = Winograd<kHeight>;
  using H = Winograd<kWidth>;

  Region region;
  int64_t rows, columns, count;

  NDL_INLINE Grid(int64_t n, const Region& of)
      : region(of), rows(ceil_div(of.rows, kHeight)), columns(ceil_div(of.columns, kWidth)), count(n * rows * columns) {}
};
struct Tile {
  int64_t n, row, column;  // of its first output
};
template <class G>
NDL_INLINE Tile tile_at(const G& grid, int64_t t) {
  return {t / grid.columns / grid.rows, grid.region.row + t / grid.columns % grid.rows * G::kHeight,
          grid.region.column + t % grid.columns * G::kWidth};
}

// The pixels of a tile whose corner is (row, column): those outside the image are at `zeros`, which holds c of them.
template <int kRows, int kColumns, class E>
NDL_INLINE void find_pixels(const E* data, const Image& image, int64_t n, int64_t row, int64_t column, const E* zeros,
                            const E* (&pixels)[kRows][kColumns]) {
  for (int i = 0; i < kRows; ++i) {
    const bool inside = row + i >= 0 && row + i < image.h;
    const E* line = data + ((n * image.h + row + i) * image.w + column) * image.c;
    for (int j = 0; j < kColumns; ++j) pixels[i][j] = inside && column + j >= 0 && column + j < image.w ? line + j * image.c : zeros;
  }
}

// Transforms one tile of pixels, its columns by V and its rows by H; element (i, j) of channels c.. goes to
// target(c) + (i*H::kOut + j)*point.
template <class V, class H, class E, class Target>
NDL_INLINE void transform_pixels(const E* data, const Image& image, int64_t n, int64_t row, int64_t column, const E* zeros, int64_t point,
                                 const Target& target) {
  const E* pixels[V::kIn][H::kIn];
  find_pixels(data, image, n, row, column, zeros, pixels);
  for_vectors(0, image.c, [&](int64_t c, int lanes) NDL_LAMBDA_INLINE {
    float* out = target(c);
    transform_tile<V, H>([&](int i, int j) NDL_LAMBDA_INLINE { return load_some(pixels[i][j] + c, lanes); },
                         [&](int i, int j, F32 v) NDL_LAMBDA_INLINE { store<F32>(out + (i * H::kOut + j) * point, v); });
  });
}

// --- the cut of an image ----------------------------------------------------------------------------------------

struct Cut {
  int64_t rows, columns;  // of the last tiles, of F(2), or 0
};
NDL_INLINE Cut cut_of(const Conv2d& r, int64_t h, int64_t w) { return {winograd_rest(r, h), winograd_rest(r, w)}; }

// Calls body with a Grid of each part of h x w outputs, and the number of points of the parts before it.
template <int kTile, class Body>
NDL_INLINE void for_grids(int64_t n, int64_t h, int64_t w, const Cut& cut, const Body& body) {
  int64_t points = 0;
  const auto part = [&]<int kHeight, int kWidth>(const Region& region) NDL_LAMBDA_INLINE {
    const Grid<kHeight, kWidth> grid(n, region);
    body(grid, points);
    points += grid.kPoints;
  };
  const int64_t rows = h - cut.rows, columns = w - cut.columns;
  if constexpr (kTile == 2) return part.template operator()<2, 2>({0, 0, h, w});
  part.template operator()<4, 4>({0, 0, rows, columns});
  if (cut.columns > 0) part.template operator()<4, 2>({0, columns, rows, cut.columns});
  if (cut.rows > 0) part.template operator()<2, 4>({rows, 0, cut.rows, columns});
  if (cut.rows > 0 && cut.columns > 0) part.template operator()<2, 2>({rows, columns, cut.rows, cut.columns});
}

}  // namespace ndl::cpu::NDL_ISA
