// cpu/gemm/product.hpp: the product of two matrices as they lie in memory, B packed on the way. f32.
//
//   C[m,n] = act( bias[n] + sum_k op(A)[m,k] * op(B)[k,n] )
//   A [m,k], or [k,m] under transpose_a    B [k,n], or [n,k] under transpose_b    C [m,n]    all dense
//
// Mapping: k goes in pieces whose packed B has kPieceFloats (4 MB, in L3, one fork each); within a piece, tasks are
// those of engine.hpp. Where C has too few tiles to share and k is deep (the gradient of a weight, summed over a
// batch), each piece is also cut into slices, each of which sums into a C of its own; these are added in order.
// Pieces and slices depend on the shape alone, so the bits do not depend on threads.
#pragma once

#include "cpu/gemm/engine.hpp"

namespace ndl::cpu::NDL_ISA {

struct Product {
  int64_t m, n, k;
  bool transpose_a, transpose_b;
};

inline constexpr int64_t kPieceFloats = int64_t{1} << 20;
inline constexpr int64_t kPackRows = 64;  // rows of B that a task packs

struct ProductPlan {
  Tiles tiles;
  int64_t piece, slices;
};
NDL_INLINE ProductPlan plan_of(const Product& p) {
  ProductPlan plan{tiles_of(p.m, p.n), p.k, 1};
  const int64_t width = plan.tiles.panels * plan.tiles.vectors * kLanes;
  const int64_t room = width == 0 ? p.k : kPieceFloats / width / kKc * kKc;
  plan.piece = room < kKc ? kKc : room;
  if (plan.piece > p.k) plan.piece = p.k;
  const int64_t tasks = plan.tiles.m_tasks * plan.tiles.n_tasks, most = plan.piece / (2 * kKc);
  if (tasks > 0 && tasks < 8 && most > 1) plan.slices = 16 / tasks < most ? 16 / tasks : most;
  return plan;
}

// Floats of workspace: packed B of a piece, then the sums of the slices.
NDL_INLINE int64_t product_floats(const Product& p) {
  const ProductPlan plan = plan_of(p);
  return (plan.tiles.panels * plan.tiles.vectors * kLanes * plan.piece + 15) / 16 * 16 + (plan.slices > 1 ? plan.slices * p.m * p.n : 0);
}

// Rows [k0, k0 + kc) of op(B) into panels that are `depth` deep, from row `at` on.
NDL_INLINE void pack_operand(const Product& p, const float* b, int64_t k0, int64_t kc, int64_t at, int64_t depth, int vectors, float* packed) {
  pack_rows(at, kc, p.n, vectors, depth, packed, [&](int64_t k, int64_t first, int64_t count, float* target) NDL_LAMBDA_INLINE {
    const int64_t row = k - at + k0;
    if (p.transpose_b)
      for (int64_t j = 0; j < count; ++j) target[j] = b[(first + j) * p.k + row];
    else
      copy_floats(target, b + row * p.n + first, count);
  });
}

// One piece: rows [k0, k0 + depth) of op(B), packed, times the same columns of op(A).
template <bool kColumns>
void multiply_piece(const Product& p, const ProductPlan& plan, const float* a, int64_t k0, int64_t depth, const float* packed, float* c,
                    const Epilogue* epilogue, const Exec& exec) {
  const Tiles& t = plan.tiles;
  exec.parallel_for(t.m_tasks * t.n_tasks * plan.slices, grain_of(t, p.n, depth / plan.slices), [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t slice = task % plan.slices, tile = task / plan.slices, part = tile % t.n_tasks;
      const int64_t m0 = tile / t.n_tasks * t.mc, rows = p.m - m0 < t.mc ? p.m - m0 : t.mc;
      const int64_t first = t.panels * part / t.n_tasks, last = t.panels * (part + 1) / t.n_tasks;
      const int64_t from = depth * slice / plan.slices, to = depth * (slice + 1) / plan.slices;
      float* target = c + slice * p.m * p.n + m0 * p.n;
      for (int64_t k = from; k < to || k == from; k += kKc) {
        const int64_t kc = to - k < kKc ? to - k : kKc;
        const float* block = kColumns ? a + (k0 + k) * p.m + m0 : a + m0 * p.k + k0 + k;
        block_product<kColumns>(rows, kc, block, kColumns ? p.m : p.k, packed, depth, k, t.vectors, first, last, target, p.n, p.n,
                                k0 > 0 || k > from, k + kc >= to ? epilogue : nullptr);
      }
    }
  });
}

inline void multiply_matrices(const Product& p, const float* a, const float* b, float* c, const Epilogue& epilogue, const Exec& exec) {
  if (p.m == 0 || p.n == 0) return;
  const ProductPlan plan = plan_of(p);
  auto* packed = static_cast<float*>(exec.workspace);
  float* sums = packed + (plan.tiles.panels * plan.tiles.vectors * kLanes * plan.piece + 15) / 16 * 16;
  for (int64_t k0 = 0; k0 < p.k || k0 == 0; k0 += plan.piece) {
    const int64_t depth = p.k - k0 < plan.piece ? p.k - k0 : plan.piece;
    const int64_t grain = 1 + 16384 / (kPackRows * p.n);
    exec.parallel_for((depth + kPackRows - 1) / kPackRows, grain, [&](int64_t begin, int64_t end, int32_t) {
      const int64_t from = begin * kPackRows, to = end * kPackRows < depth ? end * kPackRows : depth;
      pack_operand(p, b, k0 + from, to - from, from, depth, plan.tiles.vectors, packed);
    });
    const Epilogue* last = plan.slices == 1 && k0 + depth >= p.k ? &epilogue : nullptr;
    float* target = plan.slices == 1 ? c : sums;
    if (p.transpose_a) multiply_piece<true>(p, plan, a, k0, depth, packed, target, last, exec);
    else multiply_piece<false>(p, plan, a, k0, depth, packed, target, last, exec);
    if (depth == 0) break;
  }
  if (plan.slices == 1) return;
  exec.parallel_for(p.m, 1 + 8192 / p.n, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i)
      for_vectors(0, p.n, [&](int64_t j, int lanes) NDL_LAMBDA_INLINE {
        F32 sum = load_some(sums + i * p.n + j, lanes);
        for (int64_t slice = 1; slice < plan.slices; ++slice) sum += load_some(sums + (slice * p.m + i) * p.n + j, lanes);
        if (epilogue.bias != nullptr) sum += load_some(epilogue.bias + j, lanes);
        if (epilogue.relu) sum = select(sum < 0.0f, F32{}, sum);
        store_some(c + i * p.n + j, sum, lanes);
      });
  });
}

}  // namespace ndl::cpu::NDL_ISA
