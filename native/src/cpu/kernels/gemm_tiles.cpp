// cpu/kernels/gemm_tiles.cpp: the micro-kernel of cpu/gemm/engine.hpp for every number of rows up to a full tile's, so
// that no row is computed in vain and none is read past the operand's end. In the build for AMX, on its tiles: tested by an
// emulation of them (cpu/gemm/amx.hpp) and not yet run, much less measured, on a machine that has them.
#include "cpu/gemm/engine.hpp"
#if defined(NDL_AMX)
#include "cpu/gemm/amx.hpp"
#endif

namespace ndl::cpu::NDL_ISA {
namespace {

#if defined(NDL_AMX)
// The tile of AMX: 32 x 32 sums; of A and B 16 steps at a time, the last ones filled up with zeros.
template <class Y>
void amx_tile(int rows, int vectors, int64_t kc, const float* a, int64_t lda, const float* b, int64_t ldb, Y* c, int64_t ldc, int64_t columns,
              const EpilogueOf<Y>& epilogue) {
  constexpr int64_t kDeep = 16;
  alignas(64) float sums[32][32], last_a[32][kDeep], last_b[kDeep][32];
  const int64_t whole = kc / kDeep * kDeep;
  if (whole < kc) {
    for (int i = 0; i < rows; ++i) store<F32>(last_a[i], load_n<F32>(a + i * lda + whole, static_cast<int>(kc - whole)));
    for (int64_t k = whole; k < whole + kDeep; ++k)
      for (int j = 0; j < vectors; ++j) store<F32>(last_b[k - whole] + j * kLanes, k < kc ? load(b + k * ldb + j * kLanes) : F32{});
  }
  {
    Tiles tiles(rows);
    const auto add = [&](const float* left, int64_t left_ld, const float* right, int64_t right_ld) NDL_LAMBDA_INLINE {
      tiles.template load<4>(left, left_ld);
      tiles.template load<6>(right, right_ld);
      tiles.template multiply_add<0, 4, 6>();
      if (vectors > 1) tiles.template load<7>(right + kLanes, right_ld), tiles.template multiply_add<1, 4, 7>();
      if (rows <= 16) return;
      tiles.template load<5>(left + 16 * left_ld, left_ld);
      tiles.template multiply_add<2, 5, 6>();
      if (vectors > 1) tiles.template multiply_add<3, 5, 7>();
    };
    tiles.zero<0>(), tiles.zero<1>(), tiles.zero<2>(), tiles.zero<3>();
    for (int64_t k = 0; k < whole; k += kDeep) add(a + k, lda, b + k * ldb, ldb);
    if (whole < kc) add(last_a[0], kDeep, last_b[0], 32);
    tiles.store<0>(sums[0], 32), tiles.store<1>(sums[0] + 16, 32);
    if (rows > 16) tiles.store<2>(sums[16], 32), tiles.store<3>(sums[16] + 16, 32);
  }
  for (int i = 0; i < rows; ++i)
    for_vectors(0, columns, [&](int64_t j, int n) NDL_LAMBDA_INLINE {
      store_some(c + i * ldc + j, epilogue.apply(load_some(sums[i] + j, n), i * ldc + j, j, n), n);
    });
}
template <int kRows, int kVectors, bool kColumns, TileKind kKind, class Y = float>
void tile(int64_t kc, const float* a, int64_t lda, const float* b, int64_t ldb, float*, Y* c, int64_t ldc, int64_t columns,
          const EpilogueOf<Y>& epilogue, const float*, int64_t) {
  static_assert(!kColumns && kKind == TileKind::plain);
  amx_tile(kRows, kVectors, kc, a, lda, b, ldb, c, ldc, columns, epilogue);
}
#else
template <int kRows, int kVectors, bool kColumns, TileKind kKind, class Y = float>
void tile(int64_t kc, const float* a, int64_t lda, const float* b, int64_t ldb, float* packed, Y* c, int64_t ldc, int64_t columns,
          const EpilogueOf<Y>& epilogue, const float* next, int64_t next_rows) {
  micro_kernel<kRows, kVectors, kColumns, kKind>(kc, a, lda, b, ldb, packed, c, ldc, columns, epilogue, next, next_rows);
}
#endif

template <int kVectors, int kRows>
constexpr void fill(TileKernels& table) {
  if constexpr (kRows > 0) {
    table.of[0][kVectors][kRows] = tile<kRows, kVectors, false, TileKind::plain>;
    if constexpr (kStep == 2) table.rounding[0][kVectors][kRows] = tile<kRows, kVectors, false, TileKind::plain, Bf16>;
    if constexpr (kStep == 2 && !kAmx) table.rounding[1][kVectors][kRows] = tile<kRows, kVectors, true, TileKind::plain, Bf16>;
    if constexpr (!kAmx) table.of[1][kVectors][kRows] = tile<kRows, kVectors, true, TileKind::plain>;  // AMX's operands are packed rows
    if constexpr (kStep == 1) {  // others pack before
      table.packing[0][kVectors][kRows] = tile<kRows, kVectors, false, TileKind::packing>;
      table.packing[1][kVectors][kRows] = tile<kRows, kVectors, true, TileKind::packing>;
    }
    if constexpr (kStep == 1 && kVectors < 3) {  // panels of Winograd's products are no wider
      table.bare[0][kVectors][kRows] = tile<kRows, kVectors, false, TileKind::bare>;
      table.bare[1][kVectors][kRows] = tile<kRows, kVectors, true, TileKind::bare>;
    }
    fill<kVectors, kRows - 1>(table);
  }
}

constexpr TileKernels make_table() {
  TileKernels table{};
  fill<1, kRowsFor[1]>(table);
  fill<2, kRowsFor[2]>(table);
  fill<3, kRowsFor[3]>(table);
  return table;
}

}  // namespace

extern const TileKernels tile_kernels = make_table();

}  // namespace ndl::cpu::NDL_ISA
