#include "core/desc.hpp"

#include <algorithm>
#include <ostream>

namespace ndl {

int64_t dtype_size(ndl_dtype dtype) {
  switch (dtype) {
    case NDL_DTYPE_F32: return 4;
    case NDL_DTYPE_F64: return 8;
    case NDL_DTYPE_F16: return 2;
    case NDL_DTYPE_BF16: return 2;
    case NDL_DTYPE_I64: return 8;
    case NDL_DTYPE_I32: return 4;
    case NDL_DTYPE_I8: return 1;
    case NDL_DTYPE_U8: return 1;
  }
  return 0;
}

const char* dtype_name(ndl_dtype dtype) {
  switch (dtype) {
    case NDL_DTYPE_F32: return "f32";
    case NDL_DTYPE_F64: return "f64";
    case NDL_DTYPE_F16: return "f16";
    case NDL_DTYPE_BF16: return "bf16";
    case NDL_DTYPE_I64: return "i64";
    case NDL_DTYPE_I32: return "i32";
    case NDL_DTYPE_I8: return "i8";
    case NDL_DTYPE_U8: return "u8";
  }
  return "none";
}

int64_t checked_multiply(int64_t a, int64_t b, const char* what) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) || product > (int64_t{1} << 62))
    fail(NDL_ERROR_INVALID_SHAPE, what, ": the size overflows (", a, " times ", b, ")");
  return product;
}

bool Desc::same_shape(const Desc& other) const {
  return rank == other.rank && std::equal(dims.begin(), dims.begin() + rank, other.dims.begin());
}

Desc make_desc(ndl_dtype dtype, Device device, const int64_t* dims, int32_t rank, const char* what) {
  if (rank < 0 || rank > NDL_MAX_RANK)
    fail(NDL_ERROR_INVALID_SHAPE, what, ": rank ", rank, " is not in 0..", NDL_MAX_RANK);
  if (rank > 0 && dims == nullptr)
    fail(NDL_ERROR_INVALID_ARGUMENT, what, ": the dimensions are a null pointer, the rank is ", rank);
  Desc desc;
  desc.dtype = dtype;
  desc.device = device;
  desc.rank = rank;
  // A zero must not hide an overflow of the other dimensions: views of an empty tensor keep them.
  int64_t bytes = std::max<int64_t>(dtype_size(dtype), 1);
  for (int i = 0; i < rank; ++i) {
    if (dims[i] < 0) fail(NDL_ERROR_INVALID_SHAPE, what, ": dimension ", i, " is ", dims[i], ", which is negative");
    desc[i] = dims[i];
    bytes = checked_multiply(bytes, std::max<int64_t>(dims[i], 1), what);
  }
  return desc;
}

Desc make_desc(ndl_dtype dtype, Device device, std::initializer_list<int64_t> dims) {
  return make_desc(dtype, device, dims.begin(), static_cast<int32_t>(dims.size()), "result");
}

std::string shape_text(const Desc& desc) {
  std::string result = "[";
  for (int i = 0; i < desc.rank; ++i) {
    if (i > 0) result += ", ";
    result += std::to_string(desc[i]);
  }
  return result + "]";
}

std::ostream& operator<<(std::ostream& out, const Desc& desc) {
  if (desc.dtype != kNoDType) out << dtype_name(desc.dtype) << ' ';
  return out << shape_text(desc);
}

}  // namespace ndl
