// ops/gemm.cpp: the product of two matrices, or of a batch of them. Contract: nativedl/gemm.h.
//   y[m,n] = act( alpha * sum_k op(a)[m,k] * op(b)[k,n] + beta * c[m,n] + bias[n] )
#include "ops/gemm.hpp"

#include <algorithm>

#include "core/submit.hpp"
#include "cpu/cost.hpp"
#include "nativedl/gemm.h"
#include "ops/checks.hpp"

namespace ndl {
namespace {

void require_matrices(const char* op, const char* name, const Desc& desc, const char* layout) {
  if (desc.rank < 2)
    fail(NDL_ERROR_INVALID_SHAPE, op, ": ", name, " has shape ", shape_text(desc), " of rank ", desc.rank, "; it must be ", layout,
         ". Reshape it first");
}

void infer_forward(const ndl_gemm_options& o, Descs& operands, Gemm& record) {
  constexpr const char* kOp = "gemm";
  const Desc &a = operands[Gemm::kA], &b = operands[Gemm::kB];
  require_factor(kOp, "a", a);
  require_same_dtype(kOp, "a", a, "b", b);
  require_flag(kOp, "transpose_a", o.transpose_a);
  require_flag(kOp, "transpose_b", o.transpose_b);
  require_flag(kOp, "output_f32", o.output_f32);
  require_matrices(kOp, "a", a, o.transpose_a == 1 ? "[..., k, m]" : "[..., m, k]");
  require_matrices(kOp, "b", b, o.transpose_b == 1 ? "[..., n, k]" : "[..., k, n]");
  record.one_a = a.rank == 2, record.one_b = b.rank == 2;
  Desc y = record.one_a ? b : a;
  const int leading = y.rank - 2;
  if (!record.one_a && !record.one_b && !(a.rank == b.rank && std::equal(a.dims.begin(), a.dims.begin() + leading, b.dims.begin())))
    fail(NDL_ERROR_INVALID_SHAPE, kOp, ": a ", shape_text(a), " and b ", shape_text(b),
         " have different leading dimensions; they must be equal, or one of the two a single matrix. Broadcast one of them first");
  record.batch = 1;
  for (int i = 0; i < leading; ++i) record.batch *= y[i];
  record.transpose_a = o.transpose_a == 1, record.transpose_b = o.transpose_b == 1;
  record.m = a[a.rank - 2 + o.transpose_a], record.k = a[a.rank - 1 - o.transpose_a], record.n = b[b.rank - 1 - o.transpose_b];
  if (const int64_t rows = b[b.rank - 2 + o.transpose_b]; record.k != rows)
    fail(NDL_ERROR_INVALID_SHAPE, kOp, ": a ", shape_text(a), record.transpose_a ? " (transposed)" : "", " has ", record.k, " columns and b ",
         shape_text(b), record.transpose_b ? " (transposed)" : "", " has ", rows,
         " rows; they must be equal. Transpose one of them, or change its shape");
  y[leading] = record.m, y[leading + 1] = record.n;
  record.activation = o.activation;
  record.alpha = o.alpha, record.beta = o.beta;
  record.dtype = a.dtype;
  record.y_dtype = y.dtype = o.output_f32 == 1 && a.dtype == NDL_DTYPE_BF16 ? NDL_DTYPE_F32 : a.dtype;
  record.flop = 2 * product({record.batch, record.m, record.n, record.k});
  if (operands.has(Gemm::kC)) require_same(kOp, "c", operands[Gemm::kC], "y", y);
  if (operands.has(Gemm::kBias)) {
    const Desc& bias = operands[Gemm::kBias];
    require_same(kOp, "bias", bias, "one value per column of y", make_desc(record.y_dtype, bias.device, {record.n}));
  }
  operands.output_like(Gemm::kY, y);
  // The rows of a whole batch before one b are those of one product.
  if (record.one_b && !record.transpose_a) record.m *= record.batch, record.batch = 1;
}

template <ndl_precision kLeast>
const char* reject_split(const Gemm& record, const Env& env) {
  if (const char* why = only_f32(record, env)) return why;
  if (env.precision >= kLeast) return nullptr;
  return kLeast == NDL_PRECISION_FAST ? "its products are exact to 2^-15 only, which takes precision fast"
                                      : "infinity times a number is NaN in it and parts below 2^-126 count as 0, which precision strict excludes";
}
// The rates are those of a study on two cores of an Intel with AMX, where f32 came to 166 GFLOP/s; to make parts of a number takes
// half a nanosecond, of A for each group of 256 columns.
template <int kGflops>
double split_estimate(const Gemm& record, const Env& env, Target target) {
  const auto count = [](int64_t n) { return static_cast<double>(n); };
  const double chunks = count((record.k + 31) / 32) * 32, groups = count((record.n + 255) / 256);
  const double numbers = count(record.batch) * chunks * (count(record.m) * groups + count(record.n));
  const double excess = record.k == 0 ? 1 : chunks / count(record.k);
  return std::max(cpu::estimate(record, env, target), (record.flop * excess / (kGflops * 0.5e9) + numbers * 0.5e-9) / env.cores);
}

const Implementation<Gemm> kForward[] = {
    NDL_LIST_AMX("packed_split", reject_split<NDL_PRECISION_STANDARD>, split_estimate<350>, gemm_forward_split6)
    NDL_LIST_AMX("packed_split3", reject_split<NDL_PRECISION_FAST>, split_estimate<560>, gemm_forward_split3)
    NDL_LIST_BF16("packed", only_bf16, cpu::plain_estimate, gemm_forward_packed)
    NDL_LIST_SIMD("packed", only_f32_or_bf16, cpu::plain_estimate, gemm_forward_packed),
    {"cpu:ref", Target::any_cpu, nullptr, cpu::plain_estimate, &cpu::ref::gemm_forward},
};

constexpr Operand kForwardOperands[] = {
    {"a", Role::in}, {"b", Role::in}, {"c", Role::optional}, {"bias", Role::optional}, {"y", Role::out, false, shares(Gemm::kC)}};

constexpr ndl_gemm_options kDefaults{sizeof(ndl_gemm_options), 0, 0, NDL_ACTIVATION_NONE, 1, 1, 0, 0};
constexpr Field kFields[] = {NDL_FIELD(ndl_gemm_options, transpose_a), NDL_FIELD(ndl_gemm_options, transpose_b),
                             NDL_FIELD(ndl_gemm_options, activation), NDL_FIELD(ndl_gemm_options, alpha),
                             NDL_FIELD(ndl_gemm_options, beta), NDL_FIELD(ndl_gemm_options, output_f32)};

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
