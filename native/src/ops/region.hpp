// ops/region.hpp: the record of the ops that copy a region of one tensor to a region of another, slice, pad and permute,
// and their kernels. Contract: nativedl/shape.h.
#pragma once

#include <algorithm>

#include "core/desc.hpp"
#include "cpu/declare.hpp"
#include "ops/space.hpp"

namespace ndl {

struct Region : Record {
  Space space;  // of the elements copied; a: strides in the source, b: in the target, of any sign
  int64_t from, to;             // the first element, in source and target
  int32_t source, target;       // their operands
  int64_t element_bytes;
  int64_t target_count;         // elements of the target; all are set to the pattern first, where `fill`
  bool fill;
  uint64_t pattern;
};

// Strides of a dense tensor.
struct Strides {
  int64_t of[NDL_MAX_RANK];
};
inline Strides dense_strides(const Desc& desc) {
  Strides strides{};
  for (int64_t axis = desc.rank - 1, stride = 1; axis >= 0; --axis) {
    strides.of[axis] = stride;
    stride *= desc[static_cast<int>(axis)];
  }
  return strides;
}

// The space of `dims` with these strides: dimensions of size 1 dropped, neighbours merged where both sides go on.
inline Space make_region_space(const Desc& dims, const Strides& a, const Strides& b) {
  Space space{};
  space.count = dims.count();
  for (int axis = 0; axis < dims.rank; ++axis) {
    if (dims[axis] == 1) continue;
    const int outer = space.rank - 1;
    if (outer >= 0 && space.a[outer] == a.of[axis] * dims[axis] && space.b[outer] == b.of[axis] * dims[axis]) {
      space.dims[outer] *= dims[axis];
      space.a[outer] = a.of[axis], space.b[outer] = b.of[axis];
      continue;
    }
    space.dims[space.rank] = dims[axis];
    space.a[space.rank] = a.of[axis], space.b[space.rank] = b.of[axis];
    ++space.rank;
  }
  if (space.rank == 0) space.rank = 1, space.dims[0] = 1, space.a[0] = 1, space.b[0] = 1;
  return space;
}

// A list of numbers that an op wants one of for each dimension of x.
inline void require_per_dimension(const char* op, const char* name, const Desc& numbers, const Desc& x) {
  if (numbers.rank != x.rank)
    fail(NDL_ERROR_INVALID_ARGUMENT, op, ": ", name, " has ", numbers.rank, " numbers, and x ", shape_text(x), " has rank ", x.rank,
         "; give one for each dimension");
}

namespace cpu::ref { extern const Kernel<Region> region_copy; }
NDL_DECLARE_SIMD(Kernel<Region>, region_copy_strided)

}  // namespace ndl
