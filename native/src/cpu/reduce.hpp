// cpu/reduce.hpp: how the reductions divide their work.
//
// The terms are cut into chunks whose length depends on the shape alone; a chunk of one output row and up to
// kBlock columns is a task. Where there are several chunks, each writes a partial result to the workspace,
// [chunks][outputs], and the partials are combined in order: no dependence on threads, and sums of a limited length
// in f32, so that rounding errors stay small.
#pragma once

#include "cpu/simd.hpp"
#include "ops/reduce.hpp"

namespace ndl::cpu::NDL_ISA {

struct ReducePlan {
  static constexpr int64_t kBlock = 256;           // columns of a task: 1 KB of each row of x
  static constexpr int64_t kRows = 256;            // terms of a chunk where columns lie side by side
  static constexpr int64_t kContiguous = 16384;    // terms of a chunk where they lie side by side: 64 a lane or more
  static constexpr int64_t kGrainElements = 16384;

  int64_t chunk, chunks, blocks, tasks, grain;

  NDL_INLINE explicit ReducePlan(const Reduce& r) {
    chunk = r.columns > 1 ? kRows : kContiguous;
    chunks = r.terms > chunk ? (r.terms + chunk - 1) / chunk : 1;
    blocks = (r.columns + kBlock - 1) / kBlock;
    tasks = r.columns > 0 ? r.outputs / r.columns * blocks * chunks : 0;
    const int64_t work = (chunks > 1 ? chunk : r.terms) * (r.columns < kBlock ? r.columns : kBlock);
    grain = 1 + kGrainElements / (work + 1);
  }
};

// Calls body(output, columns, x, chunk, first, end) for each task: `columns` outputs from `output` on, whose terms
// [first, end) start at x.
template <class Body>
NDL_INLINE void for_tasks(const Reduce& r, const ReducePlan& plan, const float* x, const Exec& exec, const Body& body) {
  exec.parallel_for(plan.tasks, plan.grain, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t chunk = task % plan.chunks, block = task / plan.chunks % plan.blocks, row = task / plan.chunks / plan.blocks;
      const int64_t first = block * ReducePlan::kBlock, left = r.columns - first, output = row * r.columns + first;
      const int64_t last = chunk + 1 == plan.chunks ? r.terms : (chunk + 1) * plan.chunk;
      body(output, left < ReducePlan::kBlock ? left : ReducePlan::kBlock, x + r.kept.offset(output), chunk, chunk * plan.chunk, last);
    }
  });
}

}  // namespace ndl::cpu::NDL_ISA
