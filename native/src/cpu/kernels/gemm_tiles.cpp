// cpu/kernels/gemm_tiles.cpp: the micro-kernel of cpu/gemm/engine.hpp for every number of rows up to a full tile's, so
// that no row is computed in vain and none is read past the operand's end.
#include "cpu/gemm/engine.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

template <int kRows, int kVectors, bool kColumns, bool kPack>
void tile(int64_t kc, const float* a, int64_t lda, const float* b, int64_t ldb, float* packed, float* c, int64_t ldc, int64_t columns,
          const Epilogue& epilogue) {
  micro_kernel<kRows, kVectors, kColumns, kPack>(kc, a, lda, b, ldb, packed, c, ldc, columns, epilogue);
}

template <int kVectors, int kRows>
constexpr void fill(TileKernels& table) {
  if constexpr (kRows > 0) {
    table.of[0][kVectors][kRows] = tile<kRows, kVectors, false, false>;
    table.of[1][kVectors][kRows] = tile<kRows, kVectors, true, false>;
    table.packing[0][kVectors][kRows] = tile<kRows, kVectors, false, true>;
    table.packing[1][kVectors][kRows] = tile<kRows, kVectors, true, true>;
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
