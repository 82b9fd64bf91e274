// ops/fill.cpp: every element set to one value. Contract: nativedl/elementwise.h.
#include "ops/fill.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/elementwise.h"
#include "ops/cast.hpp"

namespace ndl {
namespace {

void infer(const ndl_fill_options& o, Descs& operands, Fill& record) {
  const Desc& y = operands[Fill::kY];
  record.count = y.count();
  record.element_bytes = dtype_size(y.dtype);
  cpu::ref::cast_element(NDL_DTYPE_F64, &o.value, y.dtype, &record.pattern);
}

const Implementation<Fill> kForward[] = {
    NDL_LIST_SIMD("vector", nullptr, cpu::plain_estimate, fill_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::fill_forward},
};

constexpr Operand kOperands[] = {{"y", Role::inout}};
constexpr ndl_fill_options kDefaults{sizeof(ndl_fill_options), 0, 0.0};
constexpr Field kFields[] = {NDL_FIELD(ndl_fill_options, value)};
constexpr PassOf<Fill, ndl_fill_options> forward{"fill_forward", kOperands, infer, kForward, kFields, &kDefaults};
constexpr const Pass* kPasses[] = {&forward};

}  // namespace

extern const Op fill_op{kPasses};

}  // namespace ndl

using namespace ndl;

extern "C" ndl_status ndl_fill_forward(ndl_context context, const ndl_fill_options* options, ndl_tensor y) {
  return submit(context, forward, options, {in(y)});
}
