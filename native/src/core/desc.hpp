// core/desc.hpp: what a tensor is without its data.
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <string>

#include "core/error.hpp"
#include "nativedl/base.h"

namespace ndl {

inline constexpr ndl_dtype kNoDType = static_cast<ndl_dtype>(0);

int64_t dtype_size(ndl_dtype dtype);         // bytes of an element; 0 for a value that is no dtype
const char* dtype_name(ndl_dtype dtype);     // "f32"

struct Device {
  ndl_device_type type = NDL_DEVICE_TYPE_CPU;
  int32_t index = 0;
  bool operator==(const Device&) const = default;
};

struct Desc {
  ndl_dtype dtype = kNoDType;
  Device device;
  int32_t rank = 0;
  std::array<int64_t, NDL_MAX_RANK> dims{};

  int64_t operator[](int axis) const { return dims[static_cast<size_t>(axis)]; }
  int64_t& operator[](int axis) { return dims[static_cast<size_t>(axis)]; }
  int64_t count() const {
    int64_t product = 1;
    for (int i = 0; i < rank; ++i) product *= dims[static_cast<size_t>(i)];
    return product;
  }
  int64_t bytes() const { return count() * dtype_size(dtype); }
  bool same_shape(const Desc& other) const;
};

// A description from outside: refuses negative dimensions, ranks over NDL_MAX_RANK and sizes over 2^62 bytes.
// function and argument begin the error's sentence.
Desc make_desc(ndl_dtype dtype, Device device, const int64_t* dims, int32_t rank, const char* function, const char* argument = "dims");
// What another tensor is expected to be; nothing is checked.
Desc make_desc(ndl_dtype dtype, Device device, std::initializer_list<int64_t> dims);

std::ostream& operator<<(std::ostream& out, const Device& device);  // "cpu:0"
std::ostream& operator<<(std::ostream& out, const Desc& desc);      // "f32 [2, 3]"
std::string shape_text(const Desc& desc);                       // "[2, 3]"

}  // namespace ndl
