// cpu/gemm/engine.hpp: the matrix product under GEMM, linear and every pass of convolution. f32.
//
//   C[m,n] = sum_k A[m,k] * B[k,n], then bias[n] and activation in the store of the last block of k
//
//   A  rows as they lie in memory, or a block of them gathered into scratch: row-major with leading dimension lda,
//      or column-major (kColumns: element (i,k) at a[k*lda + i]), as the transposed operand of a weight gradient
//   B  packed: panels of kNr columns, [ceil(n/kNr)][k][kNr], columns past n are zero
//   C  row-major, leading dimension ldc
//
// Mapping: a task is kMc rows (or fewer) by a range of panels; k goes in blocks of kKc. The micro-kernel keeps
// kMr x kNr sums in registers: kMr*kVectors accumulators, kVectors loads of B and one broadcast of A at a time.
//
//   registers   32 of 16 lanes: 8x3, 12x2 or 16x1 sums + 3 + 1;   16 registers: 4x3, 6x2 or 8x1 sums + 3 + 1
//   A block     kMc x kKc floats = 96 x 256 x 4 = 96 KB, in L2 (1 MB and more)
//   B panel     kKc x kNr floats, at most 256 x 48 x 4 = 48 KB, read kMc/kMr times from L1/L2
//
// An element's sum runs over k in order within a block and over the blocks in order: no dependence on threads or tiles.
// Source of the scheme: Goto, van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008.
#pragma once

#include "cpu/simd.hpp"

namespace ndl::cpu::NDL_ISA {

inline constexpr int64_t kKc = 256;
inline constexpr int64_t kMc = 96;              // a multiple of every kMr below
inline constexpr int64_t kScratchLd = kKc + 16; // rows a power of two apart would fall into the same cache sets
inline constexpr int64_t kScratchFloats = kMc * kScratchLd;

#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int kRowsFor[4] = {0, 16, 12, 8};  // kMr by kVectors
#else
inline constexpr int kRowsFor[4] = {0, 8, 6, 4};
#endif
inline constexpr int kMaxRows = kRowsFor[1];

// Vectors in a panel of B: the fewest padded columns, wide panels first.
NDL_INLINE int panel_vectors(int64_t n) {
  int best = 3;
  int64_t best_padded = INT64_MAX;
  for (int vectors = 3; vectors >= 1; --vectors) {
    const int64_t nr = vectors * kLanes, padded = (n + nr - 1) / nr * nr;
    if (padded < best_padded) best = vectors, best_padded = padded;
  }
  return best;
}
NDL_INLINE int64_t panels(int64_t n, int vectors) { return (n + vectors * kLanes - 1) / (vectors * kLanes); }
NDL_INLINE int64_t packed_floats(int64_t k, int64_t n) {
  const int vectors = panel_vectors(n);
  return panels(n, vectors) * k * vectors * kLanes;
}

struct Epilogue {
  const float* bias = nullptr;  // [n], or null
  bool relu = false;
};

// C (rows x up to kVectors*kLanes columns) = or += A block (kc deep) times one panel of B.
template <int kMr, int kVectors, bool kColumns>
NDL_INLINE void micro_kernel(int64_t kc, const float* a, int64_t lda, const float* b, float* c, int64_t ldc, int rows, int64_t columns,
                             bool accumulate, const Epilogue* epilogue) {
  F32 sum[kMr][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kMr; ++i)
#pragma GCC unroll 3
    for (int j = 0; j < kVectors; ++j) sum[i][j] = F32{};
  for (int64_t k = 0; k < kc; ++k) {
    F32 row[kVectors];
#pragma GCC unroll 3
    for (int j = 0; j < kVectors; ++j) row[j] = load(b + (k * kVectors + j) * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kMr; ++i) {
      const F32 value = broadcast(kColumns ? a[k * lda + i] : a[i * lda + k]);
#pragma GCC unroll 3
      for (int j = 0; j < kVectors; ++j) sum[i][j] += value * row[j];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kMr; ++i) {
    if (i >= rows) break;
#pragma GCC unroll 3
    for (int j = 0; j < kVectors; ++j) {
      const int64_t first = j * kLanes;
      const int lanes = columns - first >= kLanes ? kLanes : static_cast<int>(columns - first);
      if (lanes <= 0) break;
      float* target = c + i * ldc + first;
      F32 v = sum[i][j];
      if (lanes == kLanes) {
        if (accumulate) v += load(target);
        if (epilogue != nullptr) {
          if (epilogue->bias != nullptr) v += load(epilogue->bias + first);
          if (epilogue->relu) v = select(v < 0.0f, F32{}, v);
        }
        store<F32>(target, v);
      } else {
        if (accumulate) v += load_n<F32>(target, lanes);
        if (epilogue != nullptr) {
          if (epilogue->bias != nullptr) v += load_n<F32>(epilogue->bias + first, lanes);
          if (epilogue->relu) v = select(v < 0.0f, F32{}, v);
        }
        store_n<F32>(target, v, lanes);
      }
    }
  }
}

// C (mc x columns of one panel) = or += A (mc x kc) times the panel.
template <int kVectors, bool kColumns>
void panel_product(int64_t mc, int64_t kc, const float* a, int64_t lda, const float* b, float* c, int64_t ldc, int64_t columns,
                   bool accumulate, const Epilogue* epilogue) {
  constexpr int kMr = kRowsFor[kVectors];
  int64_t i = 0;
  for (; i + kMr <= mc; i += kMr)
    micro_kernel<kMr, kVectors, kColumns>(kc, kColumns ? a + i : a + i * lda, lda, b, c + i * ldc, ldc, kMr, columns, accumulate, epilogue);
  if (i == mc) return;
  // The last rows are copied into a full tile, so that nothing is read past the operand's end.
  const int rows = static_cast<int>(mc - i);
  alignas(64) float tail[kMaxRows * kKc];
  for (int row = 0; row < kMr; ++row)
    for (int64_t k = 0; k < kc; ++k)
      tail[row * kKc + k] = row >= rows ? 0.0f : kColumns ? a[k * lda + i + row] : a[(i + row) * lda + k];
  micro_kernel<kMr, kVectors, false>(kc, tail, kKc, b, c + i * ldc, ldc, rows, columns, accumulate, epilogue);
}

// All panels [first, last) of packed B, of which each holds `depth` rows; this block uses kc of them from k0 on.
template <bool kColumns>
void block_product(int64_t mc, int64_t kc, const float* a, int64_t lda, const float* b, int64_t depth, int64_t k0, int vectors, int64_t first,
                   int64_t last, float* c, int64_t ldc, int64_t n, bool accumulate, const Epilogue* epilogue) {
  const int64_t nr = vectors * kLanes;
  for (int64_t panel = first; panel < last; ++panel) {
    const float* bp = b + (panel * depth + k0) * nr;
    float* cp = c + panel * nr;
    const int64_t columns = n - panel * nr < nr ? n - panel * nr : nr;
    Epilogue shifted;
    if (epilogue != nullptr) shifted = {epilogue->bias == nullptr ? nullptr : epilogue->bias + panel * nr, epilogue->relu};
    const Epilogue* e = epilogue == nullptr ? nullptr : &shifted;
    if (vectors == 3) panel_product<3, kColumns>(mc, kc, a, lda, bp, cp, ldc, columns, accumulate, e);
    else if (vectors == 2) panel_product<2, kColumns>(mc, kc, a, lda, bp, cp, ldc, columns, accumulate, e);
    else panel_product<1, kColumns>(mc, kc, a, lda, bp, cp, ldc, columns, accumulate, e);
  }
}

// Packs columns [0, n) of rows [k0, k0 + kc) of B into panels; at(k, j) is element (k, j).
// row(k, j, count, target): writes count elements of row k from column j on.
template <class Row>
NDL_INLINE void pack_rows(int64_t k0, int64_t kc, int64_t n, int vectors, int64_t depth, float* packed, const Row& row) {
  const int64_t nr = vectors * kLanes, count = panels(n, vectors);
  for (int64_t panel = 0; panel < count; ++panel) {
    const int64_t columns = n - panel * nr < nr ? n - panel * nr : nr;
    float* target = packed + (panel * depth + k0) * nr;
    for (int64_t k = 0; k < kc; ++k, target += nr) {
      row(k0 + k, panel * nr, columns, target);
      if (columns < nr) fill_floats(target + columns, 0.0f, nr - columns);
    }
  }
}

// A block of A: where its first element lies, and the distance of its rows.
struct Block {
  const float* data;
  int64_t ld;
};

// How C is cut into tasks: mc rows by a range of panels. Fewer rows a task, then fewer panels, until there are tasks
// enough to share; C does not depend on it.
struct Tiles {
  int vectors;
  int64_t panels, mc, m_tasks, n_tasks;
};
NDL_INLINE Tiles tiles_of(int64_t m, int64_t n) {
  Tiles t;
  t.vectors = panel_vectors(n);
  t.panels = panels(n, t.vectors);
  const int64_t mr = kRowsFor[t.vectors];
  t.mc = kMc;
  while (t.mc > 4 * mr && (m + t.mc - 1) / t.mc < 8) t.mc = (t.mc / 2 + mr - 1) / mr * mr;
  t.m_tasks = (m + t.mc - 1) / t.mc;
  t.n_tasks = t.m_tasks >= 8 ? 1 : (8 + t.m_tasks - 1) / (t.m_tasks < 1 ? 1 : t.m_tasks);
  if (t.n_tasks > t.panels) t.n_tasks = t.panels;
  return t;
}
// Tasks below about 30 us of work are not worth a fork.
NDL_INLINE int64_t grain_of(const Tiles& t, int64_t n, int64_t k) {
  const double flop = 2.0 * static_cast<double>(t.mc) * static_cast<double>(n) * static_cast<double>(k) / static_cast<double>(t.n_tasks);
  return 1 + static_cast<int64_t>(1e6 / (flop + 1));
}

// C = A * packed B over all rows, in parallel. block(m0, mc, k0, kc, scratch) gives a row-major block of A.
// workspace holds kScratchFloats for each core where the block is gathered.
template <class BlockOf>
NDL_INLINE void multiply(int64_t m, int64_t n, int64_t k, const BlockOf& block, const float* packed, float* c, int64_t ldc,
                         const Epilogue& epilogue, const Exec& exec) {
  if (m == 0 || n == 0) return;
  const Tiles t = tiles_of(m, n);
  auto* scratch = static_cast<float*>(exec.workspace);
  exec.parallel_for(t.m_tasks * t.n_tasks, grain_of(t, n, k), [&](int64_t begin, int64_t end, int32_t thread) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t m0 = task / t.n_tasks * t.mc, rows = m - m0 < t.mc ? m - m0 : t.mc, part = task % t.n_tasks;
      const int64_t first = t.panels * part / t.n_tasks, last = t.panels * (part + 1) / t.n_tasks;
      for (int64_t k0 = 0; k0 < k || k0 == 0; k0 += kKc) {
        const int64_t kc = k - k0 < kKc ? k - k0 : kKc;
        const Block a = block(m0, rows, k0, kc, scratch + thread * kScratchFloats);
        block_product<false>(rows, kc, a.data, a.ld, packed, k, k0, t.vectors, first, last, c + m0 * ldc, ldc, n, k0 > 0,
                             k0 + kc >= k ? &epilogue : nullptr);
      }
    }
  });
}

}  // namespace ndl::cpu::NDL_ISA
