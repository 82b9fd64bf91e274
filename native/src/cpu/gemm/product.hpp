// cpu/gemm/product.hpp: the product of two matrices as they lie in memory, B packed on the way or before. f32, bf16 with sums in f32.
//
//   C[m,n] = act( alpha * sum_k op(A)[m,k] * op(B)[k,n] + beta * residual[m,n] + bias[n] )
//   A [m,k], or [k,m] under transpose_a    B [k,n], or [n,k] under transpose_b    C [m,n]    all dense
//
// or a batch of such products, whose operands lie one after the other; all may have one A or one B.
//
// Mapping: a task packs its group of panels of B, one block of k at a time, into scratch of its thread (768 KB, in L2) and
// lets its rows of A pass. Where k is one block, tasks follow each other group by group, and a thread that goes on
// with the same group has it packed already; where rows are many, these are the groups of a thread's own rows, since the caches of
// two that write side by side to one row of C fetch each other's lines (256 squared, cores of different dies: 8 %). Else tasks
// follow chunk by chunk, whose rows of A stay near. Threads that share a group pack alike rather than wait for each other. Where C has few tiles and k is
// deep (the gradient of a weight, summed over a batch), k is cut into slices, each of which sums into a C of its own;
// these are added in order. Slices depend on the shape alone, so the bits do not depend on threads.
// A in f32 is read as it lies: copying it cost more than it saved, also where its rows share cache sets; so is one in pairs of
// bf16. Else a block of it is converted into scratch; with C in bf16, the sums of a task's rows are in scratch, too.
#pragma once

#include "cpu/gemm/operand.hpp"

namespace ndl::cpu::NDL_ISA {

struct Product {
  int64_t m, n, k;
  bool transpose_a, transpose_b;
  int64_t batch = 1;
  bool one_a = false, one_b = false;  // of the whole batch
};

// One or two columns past whole vectors would cost as much as a vector of them: they are products of rows of A with columns
// of B instead (49 columns: 3 vectors and a product, not 4 vectors).
template <class T>
NDL_INLINE int64_t loose_columns(const Product& p) {
  return !kIsBf16<T> && !p.transpose_a && p.m >= 16 && p.n > kLanes && p.n % kLanes <= 2 ? p.n % kLanes : 0;
}
// Gradients of weights, whose A is transposed, keep panels of three past one tile of rows: their slices of k follow from the groups of
// panels, and their bits from the slices.
NDL_INLINE int64_t widest_of(const Product& p) { return p.transpose_a && p.m > kRowsFor[2] ? kWidest : widest_for(p.m); }

// How the columns of C are cut: even groups, whose panels of B stay in L2. With few rows to a thread packing B counts: then there
// are as many groups to each of `sharers`, if a group has still some panels and none has much more to do than another.
struct Groups {
  int64_t columns, widest, vectors, count;

  NDL_INLINE Groups(int64_t n, int64_t widest_panel, int64_t kc, int64_t sharers)
      : columns(n), widest(widest_panel), vectors(ceil_div(n, kLanes)), count(at_least_1(ceil_div(vectors, group_panels(kc) * widest))) {
    const int64_t even = ceil_div(count, sharers) * sharers;
    if (even * 8 <= vectors && (ceil_div(vectors, sharers) * sharers - vectors) * 64 <= vectors) count = even;
  }
  NDL_INLINE int64_t begin(int64_t g) const { return smaller(vectors * g / count * kLanes, columns); }
};
template <class T>
NDL_INLINE Groups groups_of(const Product& p, int64_t slices = 1, int64_t sharers = 1) {
  const int64_t all = steps<T>(p.k), deepest = slices == 1 ? Depth(all, kChunk<T>).deepest() : kKc;
  return Groups(p.n - loose_columns<T>(p), widest_of(p), deepest, sharers);
}
inline constexpr int64_t kFewRows = 1024;

template <class T>
NDL_INLINE int64_t slices_of(const Product& p) {
  const int64_t tiles = p.batch * groups_of<T>(p).count * ceil_div(p.m, kMc), most = steps<T>(p.k) / 512;
  return tiles > 0 && tiles < 8 && most > 1 ? smaller(64 / tiles, most) : 1;
}

// Floats of workspace: the sums of the slices, then for each core what a task needs.
inline constexpr int64_t kGroupFloats = kGroupSteps * kWidest * kLanes;
inline constexpr int64_t kNarrowRows = 1024;
template <class T, class Y>
inline constexpr int64_t kTaskFloats = 16 + kGroupFloats + (kIsBf16<T> ? kScratchFloats : 2 * kKc) + (kIsBf16<Y> ? kNarrowRows * kSumsLd : 0);

// The scratch of a thread's tasks: a group of B; the loose columns, or a block of A; sums for a C in bf16, of which a task has at
// most kNarrowRows rows.
struct TaskScratch {
  float *packed, *block;
  int64_t* holds;  // which group of B is packed, or -1

  NDL_INLINE explicit TaskScratch(float* scratch)
      : packed(scratch + 16), block(packed + kGroupFloats), holds(reinterpret_cast<int64_t*>(scratch)) {}
};

NDL_INLINE int64_t sum_floats(const Product& p, int64_t slices) {
  return slices == 1 ? 0 : (slices * p.batch * p.m * p.n + 15) / 16 * 16;
}
template <class T = float, class Y = T>
NDL_INLINE int64_t product_floats(const Product& p, int32_t cores) {
  return sum_floats(p, slices_of<T>(p)) + cores * kTaskFloats<T, Y>;
}

// Steps [k0, k0 + kc) of op(B), panels [first, last), into panels kc deep.
template <class T>
NDL_INLINE void pack_operand(const Product& p, const T* b, int64_t k0, int64_t kc, const Panels& panels, int64_t first, int64_t last,
                             float* packed) {
  if (!p.transpose_b) {
    pack_rows(kc, panels, first, last, packed, [&](int64_t k, int64_t j, int64_t count, float* target) NDL_LAMBDA_INLINE {
      copy_across(b + j, p.n, p.k, k0 + k, count, target);
    });
    return;
  }
  // Rows of B are columns of op(B): squares of them are turned.
  for (int64_t panel = first; panel < last; ++panel) {
    const int64_t nr = panels.width(panel) * kLanes, columns = panels.columns_of(panel), j = panels.first(panel) * kLanes;
    float* target = packed + j * kc;
    for (int64_t k = 0; k < kc; k += kLanes)
      for (int64_t column = 0; column < nr; column += kLanes) {
        const int64_t length = smaller(kLanes, kc - k), count = smaller(kLanes, columns - column);
        F32 square[kLanes];
#pragma GCC unroll 16
        for (int64_t i = 0; i < kLanes; ++i)
          square[i] = i < count ? load_steps(b + (j + column + i) * p.k, p.k, k0 + k, static_cast<int>(length)) : F32{};
        transpose(square);
#pragma GCC unroll 16
        for (int64_t i = 0; i < kLanes; ++i)
          if (i < length) store<F32>(target + (k + i) * nr + column, square[i]);
      }
  }
}

// All of op(B).
template <class T>
NDL_INLINE void pack_whole(const Product& p, const T* b, const Panels& panels, float* packed, const Exec& exec) {
  exec.parallel_for(panels.count, 1 + 16384 / (3 * kLanes * (p.k + 1)), [&](int64_t begin, int64_t end, int32_t) {
    pack_operand(p, b, 0, steps<T>(p.k), panels, begin, end, packed);
  });
}

// A block of op(A): as it lies where its elements are steps, else converted into scratch. Columns where A is transposed.
template <class T>
NDL_INLINE Block left_block(const Product& p, const T* a, int64_t m0, int64_t rows, int64_t k0, int64_t kc, float* scratch) {
  if constexpr (!kIsBf16<T>) return p.transpose_a ? Block{a + k0 * p.m + m0, p.m} : Block{a + m0 * p.k + k0, p.k};
  if constexpr (kAmx && kIsBf16<T>) {
    for (int64_t i = 0; p.transpose_a && i < rows; ++i)
      for (int64_t k = k0; k < k0 + kc; ++k) {
        const T* low = a + kStep * k * p.m + m0 + i;
        scratch[i * kScratchLd + k - k0] = pair(*low, kStep * k + 1 < p.k ? low[p.m] : T{0});
      }
    if (p.transpose_a) return {scratch, kScratchLd};
  }
  if (p.transpose_a) {
    for (int64_t k = 0; k < kc; ++k) copy_across(a + m0, p.m, p.k, k0 + k, rows, scratch + k * kMc);
    return {scratch, kMc};
  }
  return block_along(a + m0 * p.k, p.k, p.k, rows, k0, kc, scratch);
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

template <class T, class Y>
void multiply_slices(const Product& p, int64_t slices, const T* a, const T* b, Y* y, const EpilogueOf<Y>& epilogue, const Exec& exec) {
  constexpr bool kTilesPack = !kIsBf16<T>;
  const double flop = 2.0 * static_cast<double>(p.batch) * static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k);
  // A task packs its B anew unless its thread has just done so: fewer of them where k is several blocks.
  const bool one_block = ceil_div(steps<T>(p.k), slices) <= kKc, own_rows = one_block && p.m >= 128 * exec.threads;
  const Groups groups = groups_of<T>(p, slices, p.m <= kFewRows && !own_rows ? exec.threads : 1);
  const int64_t share = one_block ? 4 : p.m <= kFewRows / 4 ? 1 : kTilesPack ? 4 : 2;
  const Tasks tasks = tasks_of(p.m, groups.count, flop, p.batch * slices, exec.threads, share, kIsBf16<Y> ? kNarrowRows : p.m);
  const int64_t run = own_rows && tasks.chunks % exec.threads == 0 ? tasks.chunks / exec.threads : tasks.chunks;  // chunks of a group in turn
  float* workspace = static_cast<float*>(exec.workspace) + sum_floats(p, slices);
  for (int32_t thread = 0; thread < exec.threads; ++thread) *TaskScratch(workspace + thread * kTaskFloats<T, Y>).holds = -1;
  exec.parallel_for(tasks.count, tasks.grain, [&](int64_t begin, int64_t end, int32_t thread) {
    const TaskScratch own(workspace + thread * kTaskFloats<T, Y>);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t sum = task / (tasks.chunks * groups.count), place = task % (tasks.chunks * groups.count);
      const int64_t group = one_block ? place / run % groups.count : place % groups.count;
      const int64_t chunk = one_block ? place / (run * groups.count) * run + place % run : place / groups.count;
      const int64_t slice = sum % slices, product = sum / slices;
      const int64_t from = p.m * chunk / tasks.chunks, to = p.m * (chunk + 1) / tasks.chunks, blocks = ceil_div(to - from, kMc);
      const int64_t column = groups.begin(group), columns = groups.begin(group + 1) - column;
      const int64_t loose = group == groups.count - 1 ? loose_columns<T>(p) : 0;
      const T* own_a = p.one_a ? a : a + product * p.m * p.k;
      const T* own_b = (p.one_b ? b : b + product * p.k * p.n) + (p.transpose_b ? column * p.k : column);
      const int64_t steps_begin = steps<T>(p.k) / kChunk<T> * slice / slices * kChunk<T>;
      const Depth depth(steps<T>(p.k) / kChunk<T> * (slice + 1) / slices * kChunk<T> - steps_begin, kChunk<T>);
      const Panels panels(columns, groups.widest);
      // Whole panels of a B in f32 that lies in rows are packed by the tiles that meet them first.
      const int64_t whole = !kTilesPack || p.transpose_b ? 0 : columns % kLanes == 0 ? panels.count : panels.count - 1;
      const int64_t needs = one_block && depth.blocks == 1 ? sum * groups.count + group : -1;
      const bool packed = needs >= 0 && *own.holds == needs;
      *own.holds = needs;
      for (int64_t kb = 0; kb < depth.blocks; ++kb) {
        const int64_t k0 = steps_begin + depth.begin(kb), kc = steps_begin + depth.begin(kb + 1) - k0;
        PackedB right{own.packed, kc, 0};
        if (!packed) pack_operand(p, own_b, k0, kc, panels, whole, panels.count, own.packed);
        if constexpr (kTilesPack)
          for (int64_t j = 0; j < loose; ++j) pack_column(p, own_b, k0, kc, columns + j, own.block + j * kKc);
        for (int64_t i = 0; i < blocks; ++i) {
          const int64_t m0 = from + i * kMc, rows = smaller(kMc, to - m0);  // whole tiles as long as there are rows
          const Block left = left_block(p, own_a, m0, rows, k0, kc, own.block);
          const auto multiply_block = [&](auto* target, int64_t ld, const auto& finish) NDL_LAMBDA_INLINE {
            if (p.transpose_a && !kAmx) block_product<true>(rows, kc, left.data, left.ld, panels, 0, panels.count, right, target, ld, finish);
            else block_product<false>(rows, kc, left.data, left.ld, panels, 0, panels.count, right, target, ld, finish);
          };
          const int64_t corner = (sum * p.m + m0) * p.n + column;
          if constexpr (kIsBf16<Y>) {
            if constexpr (kStep == 2)
              if (depth.blocks == 1) {
                multiply_block(y + corner, p.n, epilogue.at(corner, column));
                continue;
              }
            float* sums = own.block + kScratchFloats + (depth.blocks == 1 ? 0 : m0 - from) * kSumsLd;  // whole at once: in L2
            multiply_block(sums, kSumsLd, add_to(sums, kb > 0));
            if (kb + 1 < depth.blocks) continue;
            for (int64_t row = 0; row < rows; ++row)
              finish_row(sums + row * kSumsLd, 1, 0, 0, columns, epilogue.at(corner, column), row, p.n, y + corner);
          } else {
            if constexpr (kTilesPack)
              if (whole > 0)
                right.source = i == 0 && !packed ? own_b + k0 * p.n : nullptr, right.ld = p.n, right.again = tasks.chunks > 1 || blocks > 1;
            const Epilogue finish = epilogue.at(corner, column).block(kb == 0, kb + 1 == depth.blocks, y + corner);
            multiply_block(y + corner, p.n, finish);
            if constexpr (kTilesPack)
              for (int64_t j = 0; j < loose; ++j)
                column_product(rows, kc, left.data, left.ld, own.block + j * kKc, y + corner + columns + j, p.n, finish.at(columns + j, columns + j));
          }
        }
      }
    }
  });
}

template <class T, class Y>
void multiply_matrices(const Product& p, const T* a, const T* b, Y* c, const EpilogueOf<Y>& epilogue, const Exec& exec) {
  if (p.m == 0 || p.n == 0) return;
  const int64_t slices = slices_of<T>(p);
  if (slices == 1) return multiply_slices<T, Y>(p, 1, a, b, c, epilogue, exec);
  float* sums = static_cast<float*>(exec.workspace);
  multiply_slices<T, float>(p, slices, a, b, sums, Epilogue{}, exec);
  exec.parallel_for(p.batch * p.m, 1 + 8192 / p.n, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i)
      finish_row(sums + (i / p.m * slices * p.m + i % p.m) * p.n, slices, p.m * p.n, 0, p.n, epilogue, i, p.n, c);
  });
}

// Whether a product by a B that was packed before gives the bits that multiply_matrices gives: its sums are then cut alike.
template <class T>
NDL_INLINE bool takes_packed(const Product& p) {
  return p.batch == 1 && !p.transpose_a && loose_columns<T>(p) == 0 && slices_of<T>(p) == 1;
}
// B as pack_whole makes it. A is not transposed.
template <class T, class Y>
void multiply_packed(const Product& p, const Panels& panels, const T* a, const void* packed, Y* c, const EpilogueOf<Y>& epilogue, const Exec& exec) {
  multiply(
      1, p.m, panels, steps<T>(p.k),
      [=](int64_t, int64_t m0, int64_t mc, int64_t k0, int64_t kc, float* scratch) NDL_LAMBDA_INLINE {
        return left_block(p, a, m0, mc, k0, kc, scratch);
      },
      static_cast<const float*>(packed), c, p.n, epilogue, exec);
}

}  // namespace ndl::cpu::NDL_ISA
