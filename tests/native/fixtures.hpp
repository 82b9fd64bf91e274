// tests/native/fixtures.hpp: contexts and small tensors for the tests of the core.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "nativedl/context.h"
#include "nativedl/tensor.h"

namespace ndl::test {

inline std::string last_error() {
  char buffer[2048];
  ndl_last_error(buffer, sizeof(buffer), nullptr);
  return buffer;
}

class ContextHolder {
 public:
  explicit ContextHolder(int32_t threads = 0, int64_t workspace_limit = 0, ndl_precision precision = NDL_PRECISION_STANDARD) {
    const ndl_context_options options{sizeof(options), NDL_DEVICE_TYPE_CPU, 0, threads, precision, NDL_DETERMINISM_REQUIRED, workspace_limit};
    EXPECT_EQ(ndl_context_create(&options, &handle_), NDL_OK) << last_error();
  }
  ContextHolder(const ContextHolder&) = delete;
  ~ContextHolder() { ndl_context_destroy(handle_); }
  operator ndl_context() const { return handle_; }

 private:
  ndl_context handle_ = 0;
};

class TensorHolder {
 public:
  TensorHolder(const std::vector<int64_t>& dims, const std::vector<float>& values) {
    const ndl_tensor_options options{sizeof(options), NDL_DTYPE_F32, NDL_DEVICE_TYPE_CPU, 0};
    EXPECT_EQ(ndl_tensor_create(&options, dims.data(), static_cast<int32_t>(dims.size()), &handle_), NDL_OK) << last_error();
    EXPECT_EQ(ndl_tensor_write(handle_, 0, values.data(), static_cast<int64_t>(values.size()) * 4), NDL_OK) << last_error();
  }
  TensorHolder(const TensorHolder&) = delete;
  ~TensorHolder() { ndl_tensor_destroy(handle_); }
  operator ndl_tensor() const { return handle_; }

 private:
  ndl_tensor handle_ = 0;
};

inline std::vector<float> floats_of(ndl_tensor tensor) {
  ndl_tensor_info info{};
  info.struct_size = sizeof(info);
  EXPECT_EQ(ndl_tensor_get_info(tensor, &info), NDL_OK) << last_error();
  std::vector<float> values(static_cast<size_t>(info.count));
  EXPECT_EQ(ndl_tensor_read(tensor, 0, values.data(), info.byte_count), NDL_OK) << last_error();
  return values;
}

}  // namespace ndl::test
