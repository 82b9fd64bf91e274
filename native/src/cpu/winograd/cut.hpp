// cpu/winograd/cut.hpp: how F(4x4) cuts the outputs of an image; read by its kernels and by the cost model.
//
// One or two outputs past a multiple of four are a tile of F(2) rather than one of F(4) that overhangs: of 10x10 outputs, 256
// products for each pair of channels instead of 324. Where the weight's transforms, up to 100 of its elements instead of 36, are
// small all the same.
#pragma once

#include "ops/conv2d.hpp"

namespace ndl::cpu {

// Of `length` rows or columns of outputs, those that F(2) takes: the last two, the last one, or none.
NDL_INLINE int64_t winograd_rest(const Conv2d& r, int64_t length) {
  return length > 4 && (length % 4 == 1 || length % 4 == 2) && r.c * r.k <= 4096 ? length % 4 : 0;
}

}  // namespace ndl::cpu
