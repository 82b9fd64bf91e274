// ops/checks.hpp: the checks that many ops' infer share.
#pragma once

#include <initializer_list>

#include "core/pass.hpp"

namespace ndl {

inline bool is_floating(ndl_dtype dtype) { return dtype == NDL_DTYPE_F32 || dtype == NDL_DTYPE_F64; }

inline void require_floating(const char* op, const char* name, const Desc& desc) {
  if (!is_floating(desc.dtype))
    fail(NDL_ERROR_INVALID_DTYPE, op, ": ", name, " is ", desc, "; it must be f32 or f64. Cast it first");
}

// As require_floating, for the products.
inline void require_factor(const char* op, const char* name, const Desc& desc) {
  if (!is_floating(desc.dtype) && desc.dtype != NDL_DTYPE_BF16)
    fail(NDL_ERROR_INVALID_DTYPE, op, ": ", name, " is ", desc, "; it must be f32, bf16 or f64. Cast it first");
}

inline void require_dtype(const char* op, const char* name, const Desc& desc, ndl_dtype dtype) {
  if (desc.dtype != dtype)
    fail(NDL_ERROR_INVALID_DTYPE, op, ": ", name, " is ", desc, "; it must be ", dtype_name(dtype), ". Cast it first");
}

inline void require_rank(const char* op, const char* name, const Desc& desc, int32_t rank, const char* layout) {
  if (desc.rank != rank)
    fail(NDL_ERROR_INVALID_SHAPE, op, ": ", name, " has shape ", shape_text(desc), " of rank ", desc.rank, "; it must be ", layout,
         ". Reshape it first");
}

inline void require_same_dtype(const char* op, const char* name_a, const Desc& a, const char* name_b, const Desc& b) {
  if (a.dtype != b.dtype)
    fail(NDL_ERROR_INVALID_DTYPE, op, ": ", name_a, " is ", a, " and ", name_b, " is ", b, "; cast one of them");
}

inline void require_same(const char* op, const char* name_a, const Desc& a, const char* name_b, const Desc& b) {
  require_same_dtype(op, name_a, a, name_b, b);
  if (!a.same_shape(b))
    fail(NDL_ERROR_INVALID_SHAPE, op, ": ", name_a, " has shape ", shape_text(a), " and ", name_b, " has shape ", shape_text(b),
         "; they must be equal");
}

// A batch of images, of which none is empty: their means are asked for.
inline void require_image(const char* op, const char* name, const Desc& desc) {
  require_rank(op, name, desc, 4, "[n, h, w, c]");
  if (desc[1] < 1 || desc[2] < 1)
    fail(NDL_ERROR_INVALID_SHAPE, op, ": ", name, " has shape ", shape_text(desc), ", images without pixels; h and w must be at least 1");
}

// An axis of x; those below 0 count from the end.
inline int normalized_axis(const char* op, const Desc& x, int64_t axis) {
  if (axis < -x.rank || axis >= x.rank) {
    if (x.rank == 0) fail(NDL_ERROR_INVALID_ARGUMENT, op, ": x is a scalar and has no axis ", axis);
    fail(NDL_ERROR_INVALID_ARGUMENT, op, ": x has shape ", shape_text(x), " and no axis ", axis, "; axes go from ", -x.rank, " to ", x.rank - 1);
  }
  return static_cast<int>(axis < 0 ? axis + x.rank : axis);
}

// An option that is 0 or 1: the ABI has no bool.
inline void require_flag(const char* op, const char* name, int32_t value) {
  if (value != 0 && value != 1) fail(NDL_ERROR_INVALID_ARGUMENT, op, ": ", name, " is ", value, "; it must be 0 or 1");
}

// For FLOP counts, which may be asked for shapes whose product overflows 64 bits.
inline double product(std::initializer_list<int64_t> factors) {
  double result = 1;
  for (const int64_t factor : factors) result *= static_cast<double>(factor);
  return result;
}

// The shape that a backward pass is told in place of a tensor.
inline Desc with_dtype(Desc dims, ndl_dtype dtype) {
  dims.dtype = dtype;
  return dims;
}

// For `reject`: the vector kernels work on f32; f64 is the reference's.
template <class R>
const char* only_f32(const R& record, const Env&) {
  return record.dtype == NDL_DTYPE_F32 ? nullptr : "it takes f32 only";
}
// The products, bf16 too.
template <class R>
const char* only_f32_or_bf16(const R& record, const Env&) {
  return record.dtype == NDL_DTYPE_F32 || record.dtype == NDL_DTYPE_BF16 ? nullptr : "it takes f32 and bf16 only";
}
template <class R>
const char* only_bf16(const R& record, const Env&) {
  return record.dtype == NDL_DTYPE_BF16 ? nullptr : "it takes bf16 only";
}

}  // namespace ndl
