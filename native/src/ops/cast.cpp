// ops/cast.cpp: from one dtype to another. Contract: nativedl/elementwise.h.
#include "ops/cast.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/elementwise.h"

namespace ndl {
namespace {

void infer(const ndl_cast_options& o, Descs& operands, Cast& record) {
  Desc y = operands[Cast::kX];
  record.count = y.count();
  record.from = y.dtype;
  record.to = y.dtype = o.dtype;
  operands.output_like(Cast::kY, y);
}

const Implementation<Cast> kForward[] = {
    NDL_LIST_SIMD("vector", nullptr, cpu::plain_estimate, cast_forward_vector),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::cast_forward},
};

constexpr Operand kOperands[] = {{"x", Role::in}, {"y", Role::out}};
constexpr ndl_cast_options kDefaults{sizeof(ndl_cast_options), NDL_DTYPE_F32};
constexpr Field kFields[] = {NDL_FIELD(ndl_cast_options, dtype)};
constexpr PassOf<Cast, ndl_cast_options> forward{"cast_forward", kOperands, infer, kForward, kFields, &kDefaults};
constexpr const Pass* kPasses[] = {&forward};

}  // namespace

extern const Op cast_op{kPasses};

}  // namespace ndl

using namespace ndl;

extern "C" ndl_status ndl_cast_forward(ndl_context context, const ndl_cast_options* options, ndl_tensor x, ndl_tensor* y) {
  return submit(context, forward, options, {in(x), out(y)});
}
