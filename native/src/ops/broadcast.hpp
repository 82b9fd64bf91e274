// ops/broadcast.hpp: the shape rules of operands that broadcast against each other: from the last dimension on, two
// dimensions are equal, or one of them is 1 or absent and is repeated.
#pragma once

#include <algorithm>

#include "core/desc.hpp"
#include "ops/space.hpp"

namespace ndl {

// The dimension of `desc` that lies under dimension `axis` of a result of rank `rank`.
inline int64_t aligned_dim(const Desc& desc, int32_t rank, int axis) {
  const int own = axis - (rank - desc.rank);
  return own < 0 ? 1 : desc[own];
}

inline Desc broadcast_shapes(const char* op, const char* name_a, const Desc& a, const char* name_b, const Desc& b) {
  Desc result = a;
  result.rank = std::max(a.rank, b.rank);
  for (int axis = 0; axis < result.rank; ++axis) {
    const int64_t da = aligned_dim(a, result.rank, axis), db = aligned_dim(b, result.rank, axis);
    if (da != db && da != 1 && db != 1)
      fail(NDL_ERROR_INVALID_SHAPE, op, ": ", name_a, " has shape ", shape_text(a), " and ", name_b, " has shape ", shape_text(b),
           "; aligned at their last dimensions, ", da, " meets ", db, ". Two dimensions must be equal or one of them 1: reshape one");
    result[axis] = da == 1 ? db : da;
  }
  return result;
}

// Strides of a and b over `out`, a result of broadcast_shapes.
inline Space make_space(const Desc& a, const Desc& b, const Desc& out) {
  Space space{};
  space.count = out.count();
  int64_t a_stride = 1, b_stride = 1;
  // From the last dimension on; a dimension joins the one inside it where both operands simply go on.
  for (int axis = out.rank - 1; axis >= 0; --axis) {
    const int64_t da = aligned_dim(a, out.rank, axis), db = aligned_dim(b, out.rank, axis);
    const int64_t sa = da == 1 ? 0 : a_stride, sb = db == 1 ? 0 : b_stride;
    a_stride *= da, b_stride *= db;
    if (out[axis] == 1) continue;
    if (space.rank > 0) {
      const int inner = space.rank - 1;
      if (sa == space.a[inner] * space.dims[inner] && sb == space.b[inner] * space.dims[inner]) {
        space.dims[inner] *= out[axis];
        continue;
      }
    }
    space.dims[space.rank] = out[axis];
    space.a[space.rank] = sa, space.b[space.rank] = sb;
    ++space.rank;
  }
  std::reverse(space.dims, space.dims + space.rank);
  std::reverse(space.a, space.a + space.rank);
  std::reverse(space.b, space.b + space.rank);
  if (space.rank == 0) space.rank = 1, space.dims[0] = 1, space.a[0] = 1, space.b[0] = 1;
  return space;
}

}  // namespace ndl
