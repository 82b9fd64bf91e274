// ops/global_avg_pool2d.cpp: mean of each image and channel. Contract: nativedl/pool.h.
#include "ops/global_avg_pool2d.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/pool.h"
#include "ops/checks.hpp"

namespace ndl {
namespace {

void fill(const char* op, const Desc& x, GlobalAvgPool2d& record) {
  require_floating(op, "x", x);
  require_image(op, "x", x);
  record.n = x[0], record.pixels = x[1] * x[2], record.c = x[3];
  record.dtype = x.dtype;
  record.flop = static_cast<double>(x.count());
}

void infer_forward(const NoOptions&, Descs& operands, GlobalAvgPool2d& record) {
  fill("global_avg_pool2d", operands[GlobalAvgPool2d::kX], record);
  operands.output(GlobalAvgPool2d::kY, record.dtype, {record.n, record.c});
}

void infer_backward(const NoOptions&, Descs& operands, GlobalAvgPool2d& record) {
  constexpr const char* kOp = "global_avg_pool2d_backward";
  const Desc& dy = operands[GlobalAvgPool2d::kDy];
  const Desc x = with_dtype(operands[GlobalAvgPool2d::kXDims], dy.dtype);
  fill(kOp, x, record);
  require_same(kOp, "dy", dy, "the forward's y", make_desc(record.dtype, dy.device, {record.n, record.c}));
  operands.output_like(GlobalAvgPool2d::kDx, x);
}

const Implementation<GlobalAvgPool2d> kForward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, global_avg_pool2d_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::global_avg_pool2d_forward},
};
const Implementation<GlobalAvgPool2d> kBackward[] = {
    NDL_LIST_SIMD("vector", only_f32, cpu::plain_estimate, global_avg_pool2d_backward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::global_avg_pool2d_backward},
};

constexpr Operand kForwardOperands[] = {{"x", Role::in}, {"y", Role::out}};
constexpr Operand kBackwardOperands[] = {{"dy", Role::in}, {"x_dims", Role::dims}, {"dx", Role::out}};

constexpr PassOf<GlobalAvgPool2d> forward{"global_avg_pool2d_forward", kForwardOperands, infer_forward, kForward};
constexpr PassOf<GlobalAvgPool2d> backward{"global_avg_pool2d_backward", kBackwardOperands, infer_backward, kBackward};
constexpr const Pass* kPasses[] = {&forward, &backward};

}  // namespace

extern const Op global_avg_pool2d_op{kPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_global_avg_pool2d_forward(ndl_context context, ndl_tensor x, ndl_tensor* y) {
  return submit(context, forward, nullptr, {in(x), out(y)});
}

ndl_status ndl_global_avg_pool2d_backward(ndl_context context, ndl_tensor dy, const int64_t* x_dims, int32_t x_rank, ndl_tensor* dx) {
  return submit(context, backward, nullptr, {in(dy), dims(x_dims, x_rank), out(dx)});
}

}
