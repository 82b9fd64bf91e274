#include "core/desc.hpp"

#include <algorithm>
#include <ostream>

namespace ndl {
namespace {

constexpr int64_t kMaxBytes = int64_t{1} << 62;

}  // namespace

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

bool Desc::same_shape(const Desc& other) const {
  return rank == other.rank && std::equal(dims.begin(), dims.begin() + rank, other.dims.begin());
}

Desc make_desc(ndl_dtype dtype, Device device, const int64_t* dims, int32_t rank, const char* function, const char* argument) {
  if (rank < 0 || rank > NDL_MAX_RANK)
    fail(NDL_ERROR_INVALID_SHAPE, function, ": ", argument, " has rank ", rank, "; give 0..", NDL_MAX_RANK, " dimensions");
  if (rank > 0 && dims == nullptr)
    fail(NDL_ERROR_INVALID_ARGUMENT, function, ": ", argument, " is a null pointer; give the address of its ", rank, " dimensions");
  Desc desc;
  desc.dtype = dtype;
  desc.device = device;
  desc.rank = rank;
  std::copy_n(dims, rank, desc.dims.begin());
  // A zero must not hide an overflow of the other dimensions: views of an empty tensor keep them.
  int64_t bytes = std::max<int64_t>(dtype_size(dtype), 1);
  for (int i = 0; i < rank; ++i) {
    if (dims[i] < 0) fail(NDL_ERROR_INVALID_SHAPE, function, ": ", argument, " is ", shape_text(desc), "; no dimension may be negative");
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(dims[i], 1), &bytes) || bytes > kMaxBytes)
      fail(NDL_ERROR_INVALID_SHAPE, function, ": ", argument, " is ", shape_text(desc), ", whose size overflows; use smaller dimensions");
  }
  return desc;
}

Desc make_desc(ndl_dtype dtype, Device device, std::initializer_list<int64_t> dims) {
  Desc desc;
  desc.dtype = dtype;
  desc.device = device;
  desc.rank = static_cast<int32_t>(dims.size());
  std::copy(dims.begin(), dims.end(), desc.dims.begin());
  return desc;
}

std::string shape_text(const Desc& desc) {
  std::string result = "[";
  for (int i = 0; i < desc.rank; ++i) {
    if (i > 0) result += ", ";
    result += std::to_string(desc[i]);
  }
  return result + "]";
}

std::ostream& operator<<(std::ostream& out, const Device& device) {
  return out << (device.type == NDL_DEVICE_TYPE_CPU ? "cpu:" : "cuda:") << device.index;
}

std::ostream& operator<<(std::ostream& out, const Desc& desc) {
  if (desc.dtype != kNoDType) out << dtype_name(desc.dtype) << ' ';
  return out << shape_text(desc);
}

}  // namespace ndl
