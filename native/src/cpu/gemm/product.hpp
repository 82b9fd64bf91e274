// cpu/gemm/product.hpp: the product of two matrices as they lie in memory, B packed on the way. f32.
//
//   C[m,n] = act( alpha * sum_k op(A)[m,k] * op(B)[k,n] + beta * residual[m,n] + bias[n] )
//   A [m,k], or [k,m] under transpose_a    B [k,n], or [n,k] under transpose_b    C [m,n]    all dense
//
// or a batch of such products, whose operands lie one after the other; all may have one A or one B.
//
// Mapping: a task packs its group of panels of B, one block of k at a time, into scratch of its thread (768 KB, in L2) and
// lets its rows of A pass; tasks of one group pack alike rather than wait for each other. Where C has few tiles and k is
// deep (the gradient of a weight, summed over a batch), k is cut into slices, each of which sums into a C of its own;
// these are added in order. Slices depend on the shape alone, so the bits do not depend on threads.
// A is read as it lies: copying it cost more than it saved, also where its rows share cache sets.
#pragma once

#include "cpu/gemm/engine.hpp"

namespace ndl::cpu::NDL_ISA {

struct Product {
  int64_t m, n, k;
  bool transpose_a, transpose_b;
  int64_t batch = 1;
  bool one_a = false, one_b = false;  // of the whole batch
};

// One or two columns past whole vectors would cost as much as a vector of them: they are products of rows of A with columns
// of B instead (49 columns: 3 vectors and a product, not 4 vectors).
NDL_INLINE int64_t loose_columns(const Product& p) {
  return !p.transpose_a && p.m >= 16 && p.n > kLanes && p.n % kLanes <= 2 ? p.n % kLanes : 0;
}
// 9 to 14 rows of A are one tile at 2 vectors, not two at 3.
NDL_INLINE Panels panels_of(const Product& p) {
  return Panels(p.n - loose_columns(p), p.m > kRowsFor[3] && p.m <= kRowsFor[2] ? 2 : 3);
}

NDL_INLINE int64_t slices_of(const Product& p) {
  const int64_t tiles = p.batch * panels_of(p).groups() * ((p.m + kMc - 1) / kMc), most = p.k / 512;
  return tiles > 0 && tiles < 8 && most > 1 ? (16 / tiles < most ? 16 / tiles : most) : 1;
}

inline constexpr int64_t kGroupFloats = kKc * kGroup * 3 * kLanes;
inline constexpr int64_t kTaskFloats = kGroupFloats + 2 * kKc;  // and the loose columns

// Floats of workspace: the sums of the slices, then for each core a group of B.
NDL_INLINE int64_t sum_floats(const Product& p, int64_t slices) {
  return slices == 1 ? 0 : (slices * p.batch * p.m * p.n + 15) / 16 * 16;
}
NDL_INLINE int64_t product_floats(const Product& p, int32_t cores) {
  return sum_floats(p, slices_of(p)) + cores * kTaskFloats;
}

// Rows [k0, k0 + kc) of op(B), panels [first, last), into panels kc deep.
NDL_INLINE void pack_operand(const Product& p, const float* b, int64_t k0, int64_t kc, const Panels& panels, int64_t first, int64_t last,
                             float* packed) {
  if (!p.transpose_b) {
    pack_rows(kc, panels, first, last, packed, [&](int64_t k, int64_t j, int64_t count, float* target) NDL_LAMBDA_INLINE {
      copy_floats(target, b + (k0 + k) * p.n + j, count);
    });
    return;
  }
  // Rows of B are columns of op(B): each is read along its length, in runs short enough that the panel stays in L1.
  for (int64_t panel = first; panel < last; ++panel) {
    const int64_t nr = panels.width(panel) * kLanes, columns = panels.columns_of(panel), j = panels.first(panel) * kLanes;
    float* target = packed + j * kc;
    for (int64_t run = 0; run < kc; run += kLanes) {
      const int64_t length = kc - run < kLanes ? kc - run : kLanes;
      for (int64_t column = 0; column < nr; ++column) {
        const float* source = b + (j + column) * p.k + k0 + run;
        for (int64_t k = 0; k < length; ++k) target[(run + k) * nr + column] = column < columns ? source[k] : 0.0f;
      }
    }
  }
}

// Column j of B, rows [k0, k0 + kc), to lie side by side.
NDL_INLINE void pack_column(const Product& p, const float* b, int64_t k0, int64_t kc, int64_t j, float* column) {
  for (int64_t k = 0; k < kc; ++k) column[k] = p.transpose_b ? b[j * p.k + k0 + k] : b[(k0 + k) * p.n + j];
}

// c[i] from sum_k a[i,k] * column[k], i < rows; c's elements are ldc apart. Four rows share what they load of the column.
inline void column_product(int64_t rows, int64_t kc, const float* a, int64_t lda, const float* column, float* c, int64_t ldc,
                           const Epilogue& epilogue) {
  for (int64_t i = 0; i < rows; i += 4) {
    const float* row[4];
    for (int64_t r = 0; r < 4; ++r) row[r] = a + (i + r < rows ? i + r : rows - 1) * lda;
    F32 sum[4] = {};
    for_vectors(0, kc, [&](int64_t k, int n) NDL_LAMBDA_INLINE {
      const F32 v = load_some(column + k, n);
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) sum[r] += load_some(row[r] + k, n) * v;
    });
    for (int64_t r = 0; r < 4 && i + r < rows; ++r)
      store_n<F32>(c + (i + r) * ldc, epilogue.apply(broadcast(sum_lanes(sum[r])), (i + r) * ldc, 0, 1), 1);
  }
}

template <bool kColumns>
void multiply_slices(const Product& p, int64_t slices, const float* a, const float* b, float* c, const Epilogue& epilogue, const Exec& exec) {
  const Panels panels = panels_of(p);
  const double flop = 2.0 * static_cast<double>(p.batch) * static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k);
  const Tasks tasks = tasks_of(p.m, panels, flop, p.batch * slices, exec.threads);
  const int64_t lda = kColumns ? p.m : p.k;
  float* workspace = static_cast<float*>(exec.workspace) + sum_floats(p, slices);
  exec.parallel_for(tasks.count, tasks.grain, [&](int64_t begin, int64_t end, int32_t thread) {
    float* packed = workspace + thread * kTaskFloats;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t group = task % tasks.groups, chunk = task / tasks.groups % tasks.chunks, sum = task / tasks.groups / tasks.chunks;
      const int64_t slice = sum % slices, product = sum / slices;
      const float* own_a = p.one_a ? a : a + product * p.m * p.k;
      const float* own_b = p.one_b ? b : b + product * p.k * p.n;
      const int64_t from = p.m * chunk / tasks.chunks, to = p.m * (chunk + 1) / tasks.chunks;
      const int64_t first = panels.group_begin(group), last = panels.group_begin(group + 1);
      const int64_t begin_k = p.k * slice / slices, end_k = p.k * (slice + 1) / slices;
      const Depth depth(end_k - begin_k);
      const int64_t blocks = (to - from + kMc - 1) / kMc;
      for (int64_t kb = 0; kb < depth.blocks; ++kb) {
        const int64_t k0 = begin_k + depth.begin(kb), kc = begin_k + depth.begin(kb + 1) - k0;
        PackedB right{packed - panels.first(first) * kLanes * kc, kc, 0};
        // Whole panels of a B that lies in rows are packed by the tiles that meet them first.
        const int64_t whole = p.transpose_b ? first : panels.columns_of(last - 1) == panels.width(last - 1) * kLanes ? last : last - 1;
        pack_operand(p, own_b, k0, kc, panels, whole, last, packed - panels.first(first) * kLanes * kc);
        const int64_t loose = group == tasks.groups - 1 ? loose_columns(p) : 0, j0 = p.n - loose;
        for (int64_t j = 0; j < loose; ++j) pack_column(p, own_b, k0, kc, j0 + j, packed + kGroupFloats + j * kKc);
        for (int64_t i = 0; i < blocks; ++i) {
          const int64_t m0 = from + (to - from) * i / blocks, rows = from + (to - from) * (i + 1) / blocks - m0;
          const float* left = kColumns ? own_a + k0 * p.m + m0 : own_a + m0 * p.k + k0;
          right.source = i == 0 && !p.transpose_b ? own_b + k0 * p.n : nullptr, right.ld = p.n, right.again = blocks > 1;
          float* target = c + (sum * p.m + m0) * p.n;
          const Epilogue finish = epilogue.at((sum * p.m + m0) * p.n, 0).block(kb == 0, kb + 1 == depth.blocks, target);
          block_product<kColumns>(rows, kc, left, lda, panels, first, last, right, target, p.n, finish);
          for (int64_t j = j0; j < p.n; ++j)
            column_product(rows, kc, left, lda, packed + kGroupFloats + (j - j0) * kKc, target + j, p.n, finish.at(j, j));
        }
      }
    }
  });
}

inline void multiply_matrices(const Product& p, const float* a, const float* b, float* c, const Epilogue& epilogue, const Exec& exec) {
  if (p.m == 0 || p.n == 0) return;
  const int64_t slices = slices_of(p);
  float* sums = slices == 1 ? c : static_cast<float*>(exec.workspace);
  const Epilogue direct = slices == 1 ? epilogue : Epilogue{};
  if (p.transpose_a) multiply_slices<true>(p, slices, a, b, sums, direct, exec);
  else multiply_slices<false>(p, slices, a, b, sums, direct, exec);
  if (slices == 1) return;
  exec.parallel_for(p.batch * p.m, 1 + 8192 / p.n, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) {
      const float* first = sums + (i / p.m * slices * p.m + i % p.m) * p.n;
      for_vectors(0, p.n, [&](int64_t j, int lanes) NDL_LAMBDA_INLINE {
        F32 sum = load_some(first + j, lanes);
        for (int64_t slice = 1; slice < slices; ++slice) sum += load_some(first + slice * p.m * p.n + j, lanes);
        store_some(c + i * p.n + j, epilogue.apply(sum, i * p.n + j, j, lanes), lanes);
      });
    }
  });
}

}  // namespace ndl::cpu::NDL_ISA
