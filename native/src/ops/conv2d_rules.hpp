// ops/conv2d_rules.hpp: the shape rules of conv2d, and what some of its methods refuse; for conv2d and the ops fused with it.
#pragma once

#include "cpu/conv2d_cost.hpp"
#include "nativedl/conv.h"
#include "ops/checks.hpp"
#include "ops/conv2d.hpp"
#include "ops/window2d.hpp"

namespace ndl {

// What x and weight say together. The caller has checked their type.
inline void conv2d_shape(const char* op, const ndl_conv2d_options& o, const Desc& x, const Desc& weight, Conv2d& record) {
  require_same_dtype(op, "x", x, "weight", weight);
  require_rank(op, "x", x, 4, "[n, h, w, c]");
  require_rank(op, "weight", weight, 4, "[k, r, s, c/groups]");
  if (o.groups < 1) fail(NDL_ERROR_INVALID_ARGUMENT, op, ": groups is ", o.groups, "; it must be at least 1");
  if (x[3] % o.groups != 0 || weight[0] % o.groups != 0)
    fail(NDL_ERROR_INVALID_SHAPE, op, ": groups ", o.groups, " does not divide the channels of x ", shape_text(x), " (", x[3],
         ") and the output channels of weight ", shape_text(weight), " (", weight[0], ")");
  if (x[3] / o.groups != weight[3])
    fail(NDL_ERROR_INVALID_SHAPE, op, ": x ", shape_text(x), " has ", x[3], " channels in ", o.groups, " groups, so weight must have ",
         x[3] / o.groups, " in its last dimension; its shape is ", shape_text(weight),
         ". NHWC is expected: permute data that come as NCHW");
  const Window2d window = window_of(o, weight[1], weight[2]);
  check_window(op, window, NDL_ERROR_INVALID_SHAPE);
  record.n = x[0], record.h = x[1], record.w = x[2], record.c = x[3];
  record.k = weight[0], record.r = weight[1], record.s = weight[2];
  record.groups = o.groups;
  record.stride_h = o.stride_h, record.stride_w = o.stride_w, record.dilation_h = o.dilation_h, record.dilation_w = o.dilation_w;
  record.pad_top = o.pad_top, record.pad_left = o.pad_left;
  record.p = positions(op, "height", x[1], o.pad_top, o.pad_bottom, window.extent_h(), o.stride_h);
  record.q = positions(op, "width", x[2], o.pad_left, o.pad_right, window.extent_w(), o.stride_w);
  record.activation = o.activation;
  record.dtype = x.dtype;
  record.flop = 2 * product({record.n, record.p, record.q, record.k, record.r, record.s, weight[3]});
}

template <int kTile>
const char* no_winograd(const Conv2d& r, const Env& env) {
  if (const char* why = only_f32_or_bf16(r, env); why != nullptr) return why;
  if (r.r != 3 || r.s != 3) return "it takes kernels of 3 x 3 only";
  if (r.stride_h != 1 || r.stride_w != 1) return "it takes stride 1 only";
  if (r.dilation_h != 1 || r.dilation_w != 1) return "it takes dilation 1 only";
  if (r.groups != 1) return "it takes one group only";
  if (kTile == 4 && env.precision == NDL_PRECISION_STRICT)
    return "its rounding error is about twice the direct sum's, which precision strict excludes";
  if (4.0 * (kTile + 2) * (kTile + 2) * static_cast<double>(r.c) * static_cast<double>(r.k) > 256e6)
    return "the transformed weight would take more than 256 MB";
  return nullptr;
}

inline const char* only_few_channels(const Conv2d& r, const Env& env) {
  if (r.groups != 1 || r.c > 4) return "it takes at most 4 channels in one group";
  if (r.dilation_w != 1) return "it takes no dilation along the width";
  return only_f32_or_bf16(r, env);
}

}  // namespace ndl
