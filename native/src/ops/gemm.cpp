// ops/gemm.cpp: the product of two matrices. Contract: nativedl/gemm.h.
//   y[m,n] = act( alpha * sum_k op(a)[m,k] * op(b)[k,n] + beta * c[m,n] + bias[n] )
#include "ops/gemm.hpp"

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/gemm.h"
#include "ops/checks.hpp"

namespace ndl {
namespace {

void infer_forward(const ndl_gemm_options& o, Descs& operands, Gemm& record) {
  constexpr const char* kOp = "gemm";
  const Desc &a = operands[Gemm::kA], &b = operands[Gemm::kB];
  require_floating(kOp, "a", a);
  require_same_dtype(kOp, "a", a, "b", b);
  require_flag(kOp, "transpose_a", o.transpose_a);
  require_flag(kOp, "transpose_b", o.transpose_b);
  require_rank(kOp, "a", a, 2, o.transpose_a == 1 ? "[k, m]" : "[m, k]");
  require_rank(kOp, "b", b, 2, o.transpose_b == 1 ? "[n, k]" : "[k, n]");
  record.transpose_a = o.transpose_a == 1, record.transpose_b = o.transpose_b == 1;
  record.m = a[o.transpose_a], record.k = a[1 - o.transpose_a], record.n = b[1 - o.transpose_b];
  if (record.k != b[o.transpose_b])
    fail(NDL_ERROR_INVALID_SHAPE, kOp, ": a ", shape_text(a), record.transpose_a ? " (transposed)" : "", " has ", record.k, " columns and b ",
         shape_text(b), record.transpose_b ? " (transposed)" : "", " has ", b[o.transpose_b],
         " rows; they must be equal. Transpose one of them, or change its shape");
  record.activation = o.activation;
  record.alpha = o.alpha, record.beta = o.beta;
  record.dtype = a.dtype;
  record.flop = 2.0 * static_cast<double>(record.m) * static_cast<double>(record.n) * static_cast<double>(record.k);
  if (operands.has(Gemm::kC)) {
    const Desc& c = operands[Gemm::kC];
    require_same(kOp, "c", c, "y", make_desc(record.dtype, c.device, {record.m, record.n}));
  }
  if (operands.has(Gemm::kBias)) {
    const Desc& bias = operands[Gemm::kBias];
    require_same(kOp, "bias", bias, "one value per column of y", make_desc(record.dtype, bias.device, {record.n}));
  }
  operands.output(Gemm::kY, record.dtype, {record.m, record.n});
}

const Implementation<Gemm> kForward[] = {
    NDL_LIST_SIMD("packed", only_f32, cpu::plain_estimate, gemm_forward_packed),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::gemm_forward},
};

constexpr Operand kForwardOperands[] = {
    {"a", Role::in}, {"b", Role::in}, {"c", Role::optional}, {"bias", Role::optional}, {"y", Role::out, false, shares(Gemm::kC)}};

constexpr ndl_gemm_options kDefaults{sizeof(ndl_gemm_options), 0, 0, NDL_ACTIVATION_NONE, 1, 1};
constexpr Field kFields[] = {NDL_FIELD(ndl_gemm_options, transpose_a), NDL_FIELD(ndl_gemm_options, transpose_b),
                             NDL_FIELD(ndl_gemm_options, activation), NDL_FIELD(ndl_gemm_options, alpha),
                             NDL_FIELD(ndl_gemm_options, beta)};

constexpr PassOf<Gemm, ndl_gemm_options> forward{"gemm_forward", kForwardOperands, infer_forward, kForward, kFields, &kDefaults};
constexpr const Pass* kPasses[] = {&forward};

}  // namespace

extern const Op gemm_op{kPasses};

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_gemm_forward(ndl_context context, const ndl_gemm_options* options, ndl_tensor a, ndl_tensor b, ndl_tensor c,
                            ndl_tensor bias, ndl_tensor* y) {
  return submit(context, forward, options, {in(a), in(b), in(c), in(bias), out(y)});
}

}
