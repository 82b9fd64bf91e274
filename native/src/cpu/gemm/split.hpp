// cpu/gemm/split.hpp: f32 as parts of bf16, for a product of two f32 matrices on the tiles of AMX.
//
//   x = hi + mid + lo     each the rest so far, rounded to bf16: three times 8 bits hold the 24 of a float
//   a b = lo hi + hi lo + mid mid + mid hi + hi mid + hi hi     all six products, or the last three
//
// Six leave out about 2^-24 of |a b| at most, three 2^-15 at most and 2^-18 in the mean. The parts lie along k: of a block of k
// come first all pairs of elements as the first product takes them, then as the second does, and so on. So the engine and its
// tiles see a product in bf16 that is six or three times as deep, and small products are summed before large ones: only the sum
// of hi hi rounds as a sum of f32 does. 32 elements of k, the last ones filled up with 0, are a chunk of 16 steps a product; a
// block of k has whole chunks.
//
// Where hi is infinite or NaN the other parts are 0: an infinity makes NaN of a product with hi = 1, mid = 0. The tiles take a part
// below 2^-126 for 0.
// Source: Henry, Tang, Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype for Higher-Precision Computations", 2019.
#pragma once

#include "cpu/gemm/product.hpp"

namespace ndl::cpu::NDL_ISA {

template <int kProducts>
struct Split {
  float value;
};
template <int kProducts>
inline constexpr bool kIsBf16<Split<kProducts>> = true;  // as the engine sees it
template <int kProducts>
inline constexpr int64_t kChunk<Split<kProducts>> = 16 * kProducts;

inline constexpr int64_t kChunkElements = 32;
// Which part of B, or else of A, a product takes.
template <int kProducts, bool kRight>
NDL_INLINE int part_of(int product) {
  constexpr int kParts[2][6] = {{2, 0, 1, 1, 0, 0}, {0, 2, 1, 0, 1, 0}};
  return kParts[kRight][6 - kProducts + product];
}

struct Parts {
  U32 of[3];  // floats whose lower halves are 0
};
NDL_INLINE Parts split(F32 v) {
  Parts parts;
#pragma GCC unroll 3
  for (U32& part : parts.of) {
    const U32 bits = (U32)v, size = bits & 0x7fffffff;
    const I32 at_the_end = size > 0x7f7f7fff;  // would round to infinity, is one, or is NaN: cut
    part = ((U32)select(at_the_end, (I32)bits, (I32)(bits + 0x8000)) | (U32)select(v == v, I32{}, I32{} + 0x400000)) & 0xffff0000;
    v = select(size < 0x7f800000, v - (F32)part, F32{});
  }
  return parts;
}

// n lanes of `left`, none where it is negative.
NDL_INLINE int lanes_of(int64_t left) { return static_cast<int>(smaller(greater(left, 0), kLanes)); }

// A chunk of elements that lie along k, of which `left` are there. The steps of its products are `distance` apart.
template <int kProducts, bool kRight>
NDL_INLINE void split_along(const float* source, int64_t left, float* target, int64_t distance) {
  for (int64_t i = 0; i < kChunkElements; i += kLanes) {
    const Parts parts = split(load_n<F32>(source + i, lanes_of(left - i)));
    for (int product = 0; product < kProducts; ++product) {
      const U16 bits = __builtin_convertvector(parts.of[part_of<kProducts, kRight>(product)] >> 16, U16);
      __builtin_memcpy(target + product * distance + i / 2, &bits, sizeof(bits));
    }
  }
}

// As their namesakes in product.hpp, of f32 in parts.
template <int kProducts>
void pack_operand(const Product& p, const Split<kProducts>* b, int64_t k0, int64_t kc, const Panels& panels, int64_t first, int64_t last,
                  float* packed) {
  const auto* data = reinterpret_cast<const float*>(b);
  const int64_t depth = kc / kProducts;  // of each product
  for (int64_t panel = first; panel < last; ++panel) {
    const int64_t nr = panels.width(panel) * kLanes, columns = panels.columns_of(panel), j = panels.first(panel) * kLanes;
    for (int64_t at = 0; at < depth; at += 16) {
      const int64_t k = 2 * (k0 / kProducts + at);
      float* target = packed + j * kc + at * nr;
      for (int64_t column = 0; p.transpose_b && column < nr; ++column) {
        float steps[kProducts][16] = {};
        if (column < columns) split_along<kProducts, true>(data + (j + column) * p.k + k, p.k - k, steps[0], 16);
        for (int product = 0; product < kProducts; ++product)
          for (int64_t pair = 0; pair < 16; ++pair) target[(product * depth + pair) * nr + column] = steps[product][pair];
      }
      for (int64_t pair = 0; !p.transpose_b && pair < 16; ++pair)
        for (int64_t i = 0; i < nr; i += kLanes) {
          const auto row = [&](int64_t element) NDL_LAMBDA_INLINE {
            return split(element < p.k ? load_n<F32>(data + element * p.n + j + i, lanes_of(columns - i)) : F32{});
          };
          const Parts low = row(k + 2 * pair), high = row(k + 2 * pair + 1);
          for (int product = 0; product < kProducts; ++product) {
            const int part = part_of<kProducts, true>(product);
            store<F32>(target + (product * depth + pair) * nr + i, (F32)(low.of[part] >> 16 | high.of[part]));
          }
        }
    }
  }
}

template <int kProducts>
Block left_block(const Product& p, const Split<kProducts>* a, int64_t m0, int64_t rows, int64_t k0, int64_t kc, float* scratch) {
  const auto* data = reinterpret_cast<const float*>(a);
  const int64_t depth = kc / kProducts;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t at = 0; at < depth; at += 16) {
      const int64_t k = 2 * (k0 / kProducts + at), left = p.k - k;
      const float* source = data + (m0 + i) * p.k + k;
      float gathered[kChunkElements];
      if (p.transpose_a) {
        for (int64_t e = 0; e < left && e < kChunkElements; ++e) gathered[e] = data[(k + e) * p.m + m0 + i];
        source = gathered;
      }
      split_along<kProducts, false>(source, left, scratch + i * kScratchLd + at, depth);
    }
  return {scratch, kScratchLd};
}

}  // namespace ndl::cpu::NDL_ISA
