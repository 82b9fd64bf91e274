// cpu/gemm/engine.hpp: the matrix product under GEMM, linear and every pass of convolution. f32, bf16 with sums in f32.
//
//   C[m,n] = act( alpha * sum_k A[m,k] * B[k,n] + beta * residual[m,n] + bias[n] )
//
// The residual is added with the first block of k, so that it may be C itself; bias and activation with the last.
//
//   A  rows as they lie in memory, or a block of them gathered into scratch: row-major with leading dimension lda,
//      or column-major (kColumns: element (i,k) at a[k*lda + i]), as the transposed operand of a weight gradient
//   B  packed in panels of up to 3 vectors of columns (Panels), each [k][width], columns past n are zero
//   C  row-major, leading dimension ldc
//
// Mapping: a task is a range of rows by a group of panels; k goes in even blocks of at most kKc. Within a block of kMc
// rows, a tile of kRowsFor[width] rows meets all panels of the group in turn, so that its rows of A stay in L1 while B
// streams from L2. A tile's sums stay in registers.
//
//   registers   32 of 16 lanes: 8x3, 14x2 or 16x1 sums + width + 1;   16 registers: 4x3, 6x2 or 12x1 sums
//   rows of A   8 x kKc floats = 32 KB: they pass L1 once a panel, as B does
//   B group     kGroupSteps x 48 floats = 4096 x 48 x 4 = 768 KB, in L2 (1 MB and more)
//   A block     kMc x kKc floats = 56 x 1024 x 4 = 224 KB where it is gathered
//
// A step of k is one float; in the builds for AVX-512 BF16 and AMX, whose dot products take pairs, it is two bf16 in a float's
// place, and k below counts steps; AMX's tiles are 32 x 32 (kernels/gemm_tiles.cpp). Elsewhere bf16 becomes f32 as it is packed
// (operand.hpp). Where steps are pairs and k is one block, tiles write a C in bf16; else its sums stay in scratch until they
// are whole.
//
// An element's sum runs over k in order within a block and over the blocks in order: no dependence on threads or tiles.
// Source of the scheme: Goto, van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008.
#pragma once

#include "cpu/simd.hpp"

namespace ndl::cpu::NDL_ISA {

#if defined(NDL_AMX) || defined(__AVX512BF16__)
inline constexpr int kStep = 2;  // elements of k in a step
#else
inline constexpr int kStep = 1;
#endif
#if defined(NDL_AMX)
inline constexpr bool kAmx = true;
#else
inline constexpr bool kAmx = false;
#endif
inline constexpr int kWidest = kAmx ? 2 : 3;  // vectors of a panel
template <class T>
inline constexpr bool kIsBf16 = sizeof(T) == 2;

inline constexpr int64_t kKc = 1024;            // C is read and written once for so many steps; at 512 a hundredth slower
inline constexpr int64_t kAhead = 16;           // rows of B that are asked for before they are packed
inline constexpr int64_t kColumnsAhead = 24;    // rows of a column-major A that are asked for before they are multiplied
inline constexpr int64_t kGroup = 8;            // panels of B that stay in L2 while rows of A pass, at most,
inline constexpr int64_t kGroupSteps = 4096;    // and their steps together
#if defined(NDL_AMX)
inline constexpr int kRowsFor[4] = {0, 32, 32, 0};
#elif defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kRowsFor[4] = {0, 16, 14, 8};  // of a tile, by its vectors
#else
inline constexpr int kRowsFor[4] = {0, 12, 6, 4};
#endif
inline constexpr int kMaxRows = kRowsFor[1];
inline constexpr int64_t kMc = 4 * kRowsFor[2];  // about a multiple of every tile's rows
inline constexpr int64_t kScratchLd = kKc + 16;  // rows a power of two apart would fall into the same cache sets
inline constexpr int64_t kScratchFloats = kMc * kScratchLd;

NDL_INLINE int64_t group_panels(int64_t kc) { return kc * kGroup <= kGroupSteps ? kGroup : kGroupSteps / kc; }

// Vectors of the panels for a product of so many rows. Tiles of two are taller, 14 rows for 8, and read B less often, which counts
// where rows are one block: B then comes from L3 or memory for a few tiles alone.
NDL_INLINE int64_t widest_for(int64_t rows) { return rows > kRowsFor[3] && rows <= kMc ? 2 : kWidest; }

// How the columns of B are cut: panels of `widest` vectors, and narrower ones at the end rather than empty vectors
// (49 columns are 2 + 2 vectors, 256 are 3 + 3 + 3 + 3 + 2 + 2 of 16 lanes).
struct Panels {
  int64_t columns, vectors, count, widest;

  NDL_INLINE explicit Panels(int64_t n, int64_t widest_panel = kWidest)
      : columns(n), vectors((n + kLanes - 1) / kLanes), count((vectors + widest_panel - 1) / widest_panel), widest(widest_panel) {}
  // The first vector of panel p; of p = count, one past the last.
  NDL_INLINE int64_t first(int64_t p) const {
    if (p >= count) return vectors;
    return widest == 3 && p == count - 1 && p > 0 && vectors % 3 == 1 ? vectors - 2 : p * widest;
  }
  NDL_INLINE int width(int64_t p) const { return static_cast<int>(first(p + 1) - first(p)); }
  NDL_INLINE int64_t columns_of(int64_t p) const {
    const int64_t from = first(p) * kLanes, to = first(p + 1) * kLanes;
    return (to < columns ? to : columns) - from;
  }
  NDL_INLINE int64_t floats(int64_t depth) const { return vectors * kLanes * depth; }
  // Groups of panels that stay in L2 where a block of k is so deep; the first panel of one of them.
  NDL_INLINE int64_t groups(int64_t kc) const { return ceil_div(count, group_panels(kc)); }
  NDL_INLINE int64_t group_begin(int64_t g, int64_t groups) const { return count * g / groups; }
};

// Blocks of k: even, at most kKc deep, whole chunks.
struct Depth {
  int64_t chunk, k, blocks;  // k in chunks
  NDL_INLINE explicit Depth(int64_t depth, int64_t steps_of_chunk = 1)
      : chunk(steps_of_chunk), k(depth / chunk), blocks(depth > kKc ? ceil_div(k, kKc / chunk) : 1) {}
  NDL_INLINE int64_t begin(int64_t block) const { return k * block / blocks * chunk; }
  NDL_INLINE int64_t deepest() const { return ceil_div(k, blocks) * chunk; }
};

// What becomes of sums on their way into C, whose elements are T.
template <class T>
struct EpilogueOf {
  const T* bias = nullptr;  // [n], or null
  bool relu = false;
  const T* residual = nullptr;  // lies as C does, or is C; or null
  float alpha = 1, beta = 1;
  bool streamed = false;  // C goes past the caches, where k is one block and a tile has whole vectors

  // Of the part of C that begins `offset` elements on, in column j.
  NDL_INLINE EpilogueOf at(int64_t offset, int64_t j) const {
    return {bias == nullptr ? nullptr : bias + j, relu, residual == nullptr ? nullptr : residual + offset, alpha, beta, streamed};
  }
  NDL_INLINE bool empty() const { return bias == nullptr && !relu && residual == nullptr && alpha == 1; }
  // Of one block of k, c being where the blocks before it left their sums.
  NDL_INLINE EpilogueOf block(bool first, bool last, const T* c) const {
    return {last ? bias : nullptr, last && relu, first ? residual : c, alpha, first ? beta : 1, first && last && streamed};
  }
  // n lanes of C, `offset` elements from its beginning and in column j.
  NDL_INLINE F32 apply(F32 sum, int64_t offset, int64_t j, int n) const {
    if (alpha == 1 && beta == 1) return apply_plain(sum, offset, j, n);  // sums of blocks need no multiplier
    if (residual != nullptr) sum = alpha * sum + beta * load_some(residual + offset, n);
    else sum *= alpha;
    return EpilogueOf{bias, relu}.apply_plain(sum, offset, j, n);
  }
  // The same where alpha and beta are 1.
  NDL_INLINE F32 apply_plain(F32 sum, int64_t offset, int64_t j, int n) const {
    if (residual != nullptr) sum += load_some(residual + offset, n);
    if (bias != nullptr) sum += load_some(bias + j, n);
    return relu ? select(sum < 0.0f, F32{}, sum) : sum;
  }
};
using Epilogue = EpilogueOf<float>;
// Whether C, `columns` wide, should be streamed. Vectors of less than a line would leave lines half written at a panel's edge.
template <class T>
NDL_INLINE bool is_streamed(const Exec& exec, const Record& record, const T* c, int64_t columns) {
  return kVectorBytes == 64 && exec.beyond_cache(record) && can_stream(c, columns);
}
// That of sums which add up in C.
NDL_INLINE Epilogue add_to(const float* c, bool begun) { return Epilogue{}.block(!begun, false, c); }

// sum + value * row, a step of k: value the same in all lanes.
NDL_INLINE F32 broadcast_step(const float* value) {
#if defined(__AVX512BF16__)
  int32_t bits;
  __builtin_memcpy(&bits, value, sizeof(bits));
  return (F32)broadcast<I32>(bits);
#else
  return broadcast(*value);
#endif
}
NDL_INLINE F32 multiply_add(F32 sum, F32 value, F32 row) {
#if defined(__AVX512BF16__)
  return (F32)_mm512_dpbf16_ps((__m512)sum, (__m512bh)value, (__m512bh)row);
#else
  return sum + value * row;
#endif
}

// packing: B is read where it lies, at a distance of ldb, and what was read is written to `packed` for the tiles that follow.
// bare: for operands that are near already and a C of whole vectors, which begins at 0 or at the epilogue's residual. In
// Winograd's short products what the others check and ask for beside costs a tenth.
enum class TileKind { plain, packing, bare };

// C (rows x up to kVectors*kLanes columns) from A block (kc deep) times one panel of B.
// next: rows of a row-major A, `next_rows` of them (at most 16), that the tile after this one needs. A line of one is asked for in
// each step: many at once would have the core wait for them.
template <int kMr, int kVectors, bool kColumns, TileKind kKind, class Y>
NDL_INLINE void micro_kernel(int64_t kc, const float* a, int64_t lda, const float* b, int64_t ldb, float* packed, Y* c, int64_t ldc,
                             int64_t columns, const EpilogueOf<Y>& epilogue, const float* next, int64_t next_rows) {
  constexpr bool kBare = kKind == TileKind::bare;
  F32 sum[kMr][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kMr; ++i)
#pragma GCC unroll 3
    for (int j = 0; j < kVectors; ++j) sum[i][j] = F32{};
  // C is needed when the sums are done; its rows lie too far apart for the hardware to foresee. Asked for at once where there are
  // few steps, else a line in each: two dozen that come from memory would hold up the loads of B behind them.
  constexpr int64_t kLines = kMr * kVectors;
  const bool early = kBare || (!epilogue.streamed && kc < 2 * kLines);
  const int64_t lines = kBare || early || epilogue.streamed ? 0 : kLines;
  if (early)
#pragma GCC unroll 16
    for (int i = 0; i < kMr; ++i)
#pragma GCC unroll 3
      for (int j = 0; j < kVectors; ++j) __builtin_prefetch(c + i * ldc + j * kLanes, 1);
  // A pointer for three rows of A, whose addresses it makes with lda. One for each row would be too many, and GCC keeps what the
  // general registers do not hold in vector registers: each move back takes a multiply-add's place (8 x 2 sums: 5 % slower).
  const float* rows[(kMr + 2) / 3];
#pragma GCC unroll 6
  for (int i = 0; i < kMr; i += 3) rows[i / 3] = a + i * lda;
  for (int64_t k = 0; k < kc; ++k) {
    if constexpr (kBare) {
    } else if constexpr (kColumns) {
      prefetch(a + (k + kColumnsAhead) * lda + kMr - 1);  // a row each step; where it begins the tile before has read
    } else if (k % 16 < next_rows) {
      prefetch(next + k % 16 * lda + k);
    }
    if constexpr (!kBare)
      if (k < lines) __builtin_prefetch(c + k / kVectors * ldc + k % kVectors * kLanes, 1);
    F32 row[kVectors];
#pragma GCC unroll 3
    for (int j = 0; j < kVectors; ++j) {
      row[j] = load(b + k * ldb + j * kLanes);
      if constexpr (kKind == TileKind::packing) {
        store<F32>(packed + (k * kVectors + j) * kLanes, row[j]);
        prefetch(b + (k + kAhead) * ldb + j * kLanes);  // each row on a page of its own, maybe
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < kMr; ++i) {
      const F32 value = broadcast_step(kColumns ? a + k * lda + i : rows[i / 3] + i % 3 * lda);
#pragma GCC unroll 3
      for (int j = 0; j < kVectors; ++j) sum[i][j] = multiply_add(sum[i][j], value, row[j]);
    }
    if constexpr (!kColumns)
#pragma GCC unroll 6
      for (const float*& three : rows) {
        ++three;
        asm("" : "+r"(three));  // GCC would rather have a pointer to each row
      }
  }
  if (!kBare && (columns < kVectors * kLanes || epilogue.alpha != 1 || epilogue.beta != 1)) {  // seldom: through memory, in little code
    float sums[kMr][kVectors * kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kMr; ++i)
#pragma GCC unroll 3
      for (int j = 0; j < kVectors; ++j) store<F32>(sums[i] + j * kLanes, sum[i][j]);
    const EpilogueOf<Y> finish = epilogue;  // a copy, which no store to C can change
    for (int i = 0; i < kMr; ++i)
      for_vectors(0, columns, [&](int64_t j, int n) NDL_LAMBDA_INLINE {
        store_some(c + i * ldc + j, finish.apply(load_some(sums[i] + j, n), i * ldc + j, j, n), n);
      });
    return;
  }
  asm("" : "+r"(ldc));  // addresses of C that were kept since the prefetches would cost more than new ones
  if (epilogue.residual != nullptr)
#pragma GCC unroll 16
    for (int i = 0; i < kMr; ++i)
#pragma GCC unroll 3
      for (int j = 0; j < kVectors; ++j) sum[i][j] += load(epilogue.residual + i * ldc + j * kLanes);
  if (!kBare && epilogue.bias != nullptr)
#pragma GCC unroll 3
    for (int j = 0; j < kVectors; ++j) {
      const F32 bias = load(epilogue.bias + j * kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < kMr; ++i) sum[i][j] += bias;
    }
  if (!kBare && epilogue.relu)
#pragma GCC unroll 16
    for (int i = 0; i < kMr; ++i)
#pragma GCC unroll 3
      for (int j = 0; j < kVectors; ++j) sum[i][j] = select(sum[i][j] < 0.0f, F32{}, sum[i][j]);
  if (!kBare && epilogue.streamed)
#pragma GCC unroll 16
    for (int i = 0; i < kMr; ++i)
#pragma GCC unroll 3
      for (int j = 0; j < kVectors; ++j) stream(c + i * ldc + j * kLanes, sum[i][j]);
  else
#pragma GCC unroll 16
    for (int i = 0; i < kMr; ++i)
#pragma GCC unroll 3
      for (int j = 0; j < kVectors; ++j) store_some(c + i * ldc + j * kLanes, sum[i][j], kLanes);
}

// A tile of C, rows x up to width vectors; compiled once per set in kernels/gemm_tiles.cpp, for every number of rows.
template <class Y>
using TileKernelOf = void (*)(int64_t kc, const float* a, int64_t lda, const float* b, int64_t ldb, float* packed, Y* c, int64_t ldc,
                              int64_t columns, const EpilogueOf<Y>& epilogue, const float* next, int64_t next_rows);
using TileKernel = TileKernelOf<float>;
struct TileKernels {
  TileKernel of[2][4][kMaxRows + 1];       // [A column-major][vectors][rows]; B packed, `packed` is not used
  TileKernel packing[2][4][kMaxRows + 1];  // reads B where it lies and packs it
  TileKernel bare[2][4][kMaxRows + 1];     // in f32 builds alone
  TileKernelOf<Bf16> rounding[2][4][kMaxRows + 1];  // where a step is a pair: C in bf16, of one block of k
};
extern const TileKernels tile_kernels;

// Rows of B (a block kc deep) in packed panels: panel p at data + first(p)*kLanes*depth, its first row k0 rows on.
// Where `source` is given, its rows (column 0 of B, at a distance of ld) are packed into data by the first tile; not if that is
// the only one and no later block reads them `again`.
struct PackedB {
  const float* data;
  int64_t depth, k0;
  const float* source = nullptr;
  int64_t ld = 0;
  bool again = true;
};

// C (mc rows) from A (mc x kc) times panels [first, last). c is its first row, column 0 of the whole C.
template <bool kColumns, class Y>
NDL_INLINE void block_product(int64_t mc, int64_t kc, const float* a, int64_t lda, const Panels& panels, int64_t first, int64_t last,
                              const PackedB& b, Y* c, int64_t ldc, const EpilogueOf<Y>& epilogue) {
  while (first < last) {
    // Panels of one width together: it fixes the rows of a tile.
    const int width = panels.width(first);
    int64_t end = first + 1;
    while (end < last && panels.width(end) == width) ++end;
    // Rows 4 KB apart share one set of L1, which holds eight lines.
    const int64_t most = !kAmx && !kColumns && lda % 1024 == 0 && kRowsFor[width] > 8 ? 8 : kRowsFor[width];
    const int64_t tiles = (mc + most - 1) / most;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t i = mc * tile / tiles, rows = mc * (tile + 1) / tiles - i;
      const int64_t after = tile + 1 < tiles ? mc * (tile + 2) / tiles - (i + rows) : 0;  // rows of the tile that follows
      for (int64_t p = first; p < end; ++p) {
        // Each panel asks for its share of these.
        const int64_t next = after * (p - first) / (end - first), next_rows = after * (p - first + 1) / (end - first) - next;
        const int64_t j = panels.first(p) * kLanes;
        const bool in_place = b.source != nullptr && tile == 0 && panels.columns_of(p) == width * kLanes;
        float* panel = const_cast<float*>(b.data) + j * b.depth + b.k0 * width * kLanes;
        const auto* kernels = [&] {
          if constexpr (kIsBf16<Y>) return &tile_kernels.rounding;
          else return in_place && (b.again || tiles > 1) ? &tile_kernels.packing : &tile_kernels.of;
        }();
        (*kernels)[kColumns][width][rows](kc, kColumns ? a + i : a + i * lda, lda, in_place ? b.source + j : panel,
                                          in_place ? b.ld : width * kLanes, panel, c + i * ldc + j, ldc, panels.columns_of(p),
                                          epilogue.at(i * ldc + j, j), a + (i + rows + next) * lda, next_rows);
      }
    }
    first = end;
  }
}

// Packs the `depth` rows of panels [first, last) of B.
// row(k, j, count, target): writes count elements of row k from column j on.
template <class Row>
NDL_INLINE void pack_rows(int64_t depth, const Panels& panels, int64_t first, int64_t last, float* packed, const Row& row) {
  for (int64_t p = first; p < last; ++p) {
    const int64_t nr = panels.width(p) * kLanes, columns = panels.columns_of(p), j = panels.first(p) * kLanes;
    float* target = packed + j * depth;
    for (int64_t k = 0; k < depth; ++k, target += nr) {
      row(k, j, columns, target);
      if (columns < nr) fill_floats(target + columns, 0.0f, nr - columns);
    }
  }
}

// A block of A: where its first element lies, and the distance of its rows.
struct Block {
  const float* data;
  int64_t ld;
};

// Tasks over C: column groups by chunks of rows, `share` to a thread if there are as many; C does not depend on it.
// Below about 20 us of work all of it stays on one thread.
struct Tasks {
  int64_t groups, chunks, count, grain;
};
NDL_INLINE Tasks tasks_of(int64_t m, int64_t groups, double flop, int64_t copies, int32_t threads, int64_t share, int64_t most_rows) {
  Tasks t{groups, 1, 0, 1};
  const bool small = flop < 1.5e6 || threads <= 1;
  const int64_t most = (m + kMc - 1) / kMc, wanted = (share * threads + t.groups * copies - 1) / (t.groups * copies < 1 ? 1 : t.groups * copies);
  if (!small && most > 1) {
    // About as many as wanted, and such that no thread is left with one task more than another.
    t.chunks = wanted < most ? wanted : most;
    int64_t even = t.chunks;
    while (even <= most && t.groups * copies * even % threads != 0) ++even;
    if (even > most)
      for (even = t.chunks; even > 1 && t.groups * copies * even % threads != 0;) --even;
    t.chunks = even;
  }
  if (most_rows > 0 && t.chunks * most_rows < m) t.chunks = (m + most_rows - 1) / most_rows;
  t.count = t.groups * t.chunks * copies;
  // Many small products go in runs that are worth a thread's taking.
  const double run = 1 + static_cast<double>(t.count) * 2e5 / (1 + flop);
  t.grain = small || run > static_cast<double>(t.count) ? t.count + 1 : static_cast<int64_t>(run);
  return t;
}

// Finishes columns [first, last) of row `row` of C, whose sums are the elements of `count` rows that lie `distance` apart;
// past the caches where kStream.
template <bool kStream = false, class T>
NDL_INLINE void finish_row(const float* sums, int64_t count, int64_t distance, int64_t first, int64_t last, const EpilogueOf<T>& epilogue,
                           int64_t row, int64_t ldc, T* c) {
  for_vectors(first, last, [&](int64_t j, int n) NDL_LAMBDA_INLINE {
    F32 sum = load_some(sums + j, n);
    for (int64_t i = 1; i < count; ++i) sum += load_some(sums + i * distance + j, n);
    put<kStream>(c + row * ldc + j, epilogue.apply(sum, row * ldc + j, j, n), n);
  });
}

// Finishes a tile: `rows` rows of `columns` sums, `ld` apart; C as above. Not inline, since there are many tiles.
template <class T>
__attribute__((noinline)) void finish_tile(const float* sums, int64_t ld, int64_t rows, int64_t columns, const EpilogueOf<T>& epilogue, bool streamed,
                                           int64_t ldc, T* c) {
  const EpilogueOf<T> finish = epilogue;  // a copy, which no store to C can change
  for (int64_t i = 0; i < rows; ++i)
    if (streamed) finish_row<true>(sums + i * ld, 1, 0, 0, columns, finish, i, ldc, c);
    else finish_row(sums + i * ld, 1, 0, 0, columns, finish, i, ldc, c);
}

// Floats of scratch that `multiply` needs for each core: a block of A where it is gathered, and sums of rows of C in bf16.
inline constexpr int64_t kSumsLd = kGroup * kWidest * kLanes;
template <class T>
inline constexpr int64_t kMultiplyFloats = kScratchFloats + (kIsBf16<T> ? kMc * kSumsLd : 0);

// C = A * packed B over all rows, in parallel, for a number of products of one shape: their B, in `panels`, lie one after the
// other, their columns of C, residual and bias side by side. block(product, m0, mc, k0, kc, scratch) gives a row-major block of A.
// workspace holds kMultiplyFloats<T> for each core where the block is gathered or C is bf16.
template <class T, class BlockOf>
NDL_INLINE void multiply(int64_t products, int64_t m, const Panels& panels, int64_t k, const BlockOf& block, const float* packed, T* c, int64_t ldc,
                         const EpilogueOf<T>& epilogue, const Exec& exec) {
  const int64_t n = panels.columns;
  if (m == 0 || n == 0) return;
  const Depth depth(k);
  const double flop = 2.0 * static_cast<double>(products) * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  int64_t groups = panels.groups(depth.deepest());
  if (m <= kMc) groups = smaller(ceil_div(groups, exec.threads) * exec.threads, panels.count);  // rows are not divided: as many to each thread
  const Tasks tasks = tasks_of(m, groups, flop, products, exec.threads, 4, m);
  auto* scratch = static_cast<float*>(exec.workspace);
  exec.parallel_for(tasks.count, tasks.grain, [&](int64_t begin, int64_t end, int32_t thread) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t group = task % tasks.groups, product = task / tasks.groups % products, chunk = task / tasks.groups / products;
      const int64_t from = m * chunk / tasks.chunks, to = m * (chunk + 1) / tasks.chunks;
      const int64_t blocks = (to - from + kMc - 1) / kMc;
      const int64_t first = panels.group_begin(group, tasks.groups), last = panels.group_begin(group + 1, tasks.groups);
      const int64_t column = panels.first(first) * kLanes;
      float* own = scratch + thread * kMultiplyFloats<T>;
      for (int64_t i = 0; i < blocks; ++i) {
        const int64_t m0 = from + (to - from) * i / blocks, rows = from + (to - from) * (i + 1) / blocks - m0;
        for (int64_t kb = 0; kb < depth.blocks; ++kb) {
          const int64_t k0 = depth.begin(kb), kc = depth.begin(kb + 1) - k0;
          const Block a = block(product, m0, rows, k0, kc, own);
          const PackedB right{packed + product * panels.floats(k), k, k0};
          const int64_t corner = m0 * ldc + product * n;
          if constexpr (kIsBf16<T>) {
            if constexpr (kStep == 2)
              if (depth.blocks == 1) {
                block_product<false>(rows, kc, a.data, a.ld, panels, first, last, right, c + corner, ldc, epilogue.at(corner, product * n));
                continue;
              }
            float* sums = own + kScratchFloats - column;
            block_product<false>(rows, kc, a.data, a.ld, panels, first, last, right, sums, kSumsLd, add_to(sums, kb > 0));
            if (kb + 1 < depth.blocks) continue;
            const int64_t end = panels.first(last) * kLanes < n ? panels.first(last) * kLanes : n;
            for (int64_t row = 0; row < rows; ++row)
              finish_row(sums + row * kSumsLd, 1, 0, column, end, epilogue.at(corner, product * n), row, ldc, c + corner);
          } else {
            block_product<false>(rows, kc, a.data, a.ld, panels, first, last, right, c + corner, ldc,
                                 epilogue.at(corner, product * n).block(kb == 0, kb + 1 == depth.blocks, c + corner));
          }
        }
      }
      if (epilogue.streamed) stream_fence();
    }
  });
}

}  // namespace ndl::cpu::NDL_ISA
