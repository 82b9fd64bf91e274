// cpu/gemm/amx.hpp: the handful of operations on AMX's tiles that the engine needs. With NDL_AMX_EMULATED the same in plain
// code: the native tests run the kernels on it where the machine has no AMX.
//
// A tile is 16 rows of 64 bytes. Tiles 0 to 3 are the sums of 32 x 32 elements of C, 4 and 5 hold 32 rows of A, 16 steps
// (pairs of bf16) deep, 6 and 7 as many steps of 32 columns of B.
#pragma once

#include "cpu/simd.hpp"

namespace ndl::cpu::NDL_ISA {

class Tiles {
 public:
#if defined(NDL_AMX_EMULATED)
  // rows: of A, 1 to 32. The tiles below the 16th row are not used for less.
  NDL_INLINE explicit Tiles(int rows) : upper_(rows < 16 ? rows : 16), lower_(rows - upper_) {}
  template <int kTile>
  NDL_INLINE void zero() { __builtin_memset(tile_[kTile], 0, sizeof(tile_[kTile])); }
  template <int kTile>
  NDL_INLINE void load(const float* source, int64_t ld) {
    for (int i = 0; i < rows(kTile); ++i) __builtin_memcpy(tile_[kTile][i], source + i * ld, 64);
  }
  template <int kTile>
  NDL_INLINE void store(float* target, int64_t ld) const {
    for (int i = 0; i < rows(kTile); ++i) __builtin_memcpy(target + i * ld, tile_[kTile][i], 64);
  }
  // C += A * B, every step two products.
  template <int kC, int kA, int kB>
  NDL_INLINE void multiply_add() {
    for (int i = 0; i < rows(kC); ++i)
      for (int k = 0; k < 16; ++k)
        for (int j = 0; j < 16; ++j) {
          float sum = value(tile_[kC][i][j]);
          sum += value(tile_[kA][i][k] << 16) * value(tile_[kB][k][j] << 16);
          sum += value(tile_[kA][i][k] & 0xffff0000u) * value(tile_[kB][k][j] & 0xffff0000u);
          __builtin_memcpy(&tile_[kC][i][j], &sum, 4);
        }
  }

 private:
  static NDL_INLINE float value(uint32_t bits) {
    float v;
    __builtin_memcpy(&v, &bits, 4);
    return v;
  }
  NDL_INLINE int rows(int tile) const { return tile >= 6 ? 16 : tile == 2 || tile == 3 || tile == 5 ? lower_ : upper_; }
  int upper_, lower_;
  uint32_t tile_[8][16][16];
#else
  NDL_INLINE explicit Tiles(int rows) {
    const auto upper = static_cast<uint8_t>(rows < 16 ? rows : 16), lower = static_cast<uint8_t>(rows > 16 ? rows - 16 : 16);
    struct alignas(64) {
      uint8_t palette = 1, start = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {};
    } config;
    config.rows[0] = config.rows[1] = config.rows[4] = upper;
    config.rows[2] = config.rows[3] = config.rows[5] = lower;
    config.rows[6] = config.rows[7] = 16;
    asm volatile("ldtilecfg %0" : : "m"(config));
  }
  // Tiles in use make every switch between threads save 8 KB.
  NDL_INLINE ~Tiles() { asm volatile("tilerelease"); }
  Tiles(const Tiles&) = delete;
  template <int kTile>
  NDL_INLINE void zero() { asm volatile("tilezero %%tmm%c0" : : "i"(kTile)); }
  template <int kTile>
  NDL_INLINE void load(const float* source, int64_t ld) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(source), "r"(ld * 4), "i"(kTile) : "memory");
  }
  template <int kTile>
  NDL_INLINE void store(float* target, int64_t ld) const {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(target), "r"(ld * 4), "i"(kTile) : "memory");
  }
  // C += A * B, every step two products.
  template <int kC, int kA, int kB>
  NDL_INLINE void multiply_add() { asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kC), "i"(kA), "i"(kB)); }
#endif
};

}  // namespace ndl::cpu::NDL_ISA
