// tests/native/memory_test.cpp: the caching allocator, storage versions, and data derived from weights.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <thread>

#include "core/allocator.hpp"
#include "core/storage.hpp"
#include "fixtures.hpp"
#include "nativedl/conv.h"
#include "nativedl/elementwise.h"
#include "nativedl/gemm.h"
#include "nativedl/optimizer.h"

namespace ndl::test {
namespace {

TEST(Allocator, CountsAndReuses) {
  trim_memory();
  const MemoryStatistics before = memory_statistics();
  EXPECT_EQ(before.bytes_cached, 0);
  void* block = allocate(1000);
  const MemoryStatistics held = memory_statistics();
  const int64_t size = held.bytes_in_use - before.bytes_in_use;
  EXPECT_GE(size, 1000);
  EXPECT_LE(size, 1280);  // at most a quarter more
  EXPECT_EQ(held.system_allocations, before.system_allocations + 1);
  deallocate(block, 1000);
  EXPECT_EQ(memory_statistics().bytes_cached, size);
  EXPECT_EQ(memory_statistics().bytes_in_use, before.bytes_in_use);
  EXPECT_EQ(allocate(990), block);  // the same class
  EXPECT_EQ(memory_statistics().system_allocations, held.system_allocations);
  EXPECT_EQ(memory_statistics().bytes_cached, 0);
  deallocate(block, 990);
  trim_memory();
  EXPECT_EQ(memory_statistics().bytes_cached, 0);
}

TEST(Allocator, EverySizeIsAlignedAndWritable) {
  for (int64_t bytes : {0, 1, 63, 64, 65, 79, 80, 81, 127, 128, 129, 4095, 4097, 100000, 1 << 20}) {
    void* block = allocate(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % kAlignment, 0u);
    std::memset(block, 0xa5, static_cast<size_t>(bytes));
    deallocate(block, bytes);
  }
}

TEST(Allocator, PeakFollowsUse) {
  reset_memory_peak();
  const int64_t before = memory_statistics().peak_bytes_in_use;
  EXPECT_EQ(before, memory_statistics().bytes_in_use);
  deallocate(allocate(1 << 20), 1 << 20);
  EXPECT_GE(memory_statistics().peak_bytes_in_use, before + (1 << 20));
  reset_memory_peak();
  EXPECT_EQ(memory_statistics().peak_bytes_in_use, memory_statistics().bytes_in_use);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // these end the process instead
TEST(Allocator, SaysWhatIsInUseWhenMemoryIsOut) {
  const int64_t before = memory_statistics().bytes_in_use;
  try {
    allocate(int64_t{1} << 61);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), NDL_ERROR_OUT_OF_MEMORY);
    EXPECT_NE(std::strstr(error.what(), "smaller batch"), nullptr);
  }
  EXPECT_EQ(memory_statistics().bytes_in_use, before);
}
#endif

TEST(Allocator, ManyThreads) {
  const int64_t before = memory_statistics().bytes_in_use;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 2000; ++i) {
        const int64_t bytes = 64 + (i * 37 + t * 11) % 5000;
        auto* block = static_cast<unsigned char*>(allocate(bytes));
        block[0] = block[bytes - 1] = static_cast<unsigned char>(t);
        if (i % 500 == 0) trim_memory();
        ASSERT_EQ(block[bytes - 1], t);
        deallocate(block, bytes);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(memory_statistics().bytes_in_use, before);
}

uint64_t version(ndl_tensor tensor) {
  ndl_tensor_info info{};
  info.struct_size = sizeof(info);
  EXPECT_EQ(ndl_tensor_get_info(tensor, &info), NDL_OK);
  return info.version;
}

TEST(Versions, EveryWriteRaisesThem) {
  const TensorHolder x({4}, {1, -2, 3, -4});
  const ContextHolder context;
  ndl_tensor view = 0, y = 0;
  const int64_t two = 2;
  ASSERT_EQ(ndl_tensor_view(x, 2, &two, 1, &view), NDL_OK);
  uint64_t last = version(x);
  const float value = 1;
  EXPECT_EQ(ndl_tensor_write(view, 0, &value, 4), NDL_OK);
  EXPECT_GT(version(x), last) << "a write through a view";
  last = version(x);

  ndl_lease lease = 0;
  uint64_t address = 0;
  ASSERT_EQ(ndl_tensor_map(x, NDL_ACCESS_WRITE, &lease, &address), NDL_OK);
  EXPECT_GT(version(x), last) << "at the map";
  last = version(x);
  ASSERT_EQ(ndl_lease_release(lease), NDL_OK);
  EXPECT_GT(version(x), last) << "at the release";
  last = version(x);

  ASSERT_EQ(ndl_tensor_map(x, NDL_ACCESS_READ, &lease, &address), NDL_OK);
  ASSERT_EQ(ndl_lease_release(lease), NDL_OK);
  ASSERT_EQ(ndl_relu_forward(context, x, &y), NDL_OK);
  EXPECT_EQ(version(x), last) << "reading";
  ndl_tensor alias = 0;
  ASSERT_EQ(ndl_tensor_alias(x, &alias), NDL_OK);
  ASSERT_EQ(ndl_relu_forward(context, x, &alias), NDL_OK);
  EXPECT_GT(version(view), last) << "an op in place, seen through a view";
  for (ndl_tensor tensor : {view, y, alias}) ndl_tensor_destroy(tensor);
}

const ndl_conv2d_options kConv{sizeof(ndl_conv2d_options), 1, 1, 1, 0, 0, 0, 0, 1, 1, NDL_ACTIVATION_NONE, 0};

int64_t derived_bytes() { return Storage::total_derived_bytes(); }

TEST(DerivedData, AreMadeOncePerVersion) {
  const int64_t before = derived_bytes();
  {
    const TensorHolder x({1, 2, 2, 1}, {1, 2, 3, 4});
    const TensorHolder weight({1, 1, 1, 1}, {2});
    const ContextHolder context;
    const auto convolve = [&] {
      ndl_tensor y = 0;
      EXPECT_EQ(ndl_conv2d_forward(context, &kConv, x, weight, 0, 0, &y), NDL_OK) << last_error();
      const float first = floats_of(y)[0];
      ndl_tensor_destroy(y);
      return first;
    };
    EXPECT_EQ(convolve(), 2);
    const int64_t packed = derived_bytes() - before;
    EXPECT_GT(packed, 0);
    const int64_t allocations = memory_statistics().system_allocations;
    for (int i = 0; i < 10; ++i) EXPECT_EQ(convolve(), 2);
    EXPECT_EQ(derived_bytes() - before, packed);

    const float value = 5;
    for (int i = 0; i < 10; ++i) {  // a training loop: new weights each time, the same memory
      ASSERT_EQ(ndl_tensor_write(weight, 0, &value, 4), NDL_OK);
      EXPECT_EQ(convolve(), 5);
    }
    EXPECT_EQ(derived_bytes() - before, packed);
    EXPECT_EQ(memory_statistics().system_allocations, allocations);

    ndl_lease lease = 0;
    uint64_t address = 0;
    ASSERT_EQ(ndl_tensor_map(weight, NDL_ACCESS_WRITE, &lease, &address), NDL_OK);
    *reinterpret_cast<float*>(address) = 7;
    ASSERT_EQ(ndl_lease_release(lease), NDL_OK);
    EXPECT_EQ(convolve(), 7);
  }
  EXPECT_EQ(derived_bytes(), before) << "they die with the weight";
}

TEST(DerivedData, AreOfOneViewEach) {
  const TensorHolder x({1, 1, 1, 1}, {3});
  const TensorHolder weights({2, 1, 1, 1}, {2, 5});
  const ContextHolder context;
  const int64_t dims[] = {1, 1, 1, 1};
  for (int round = 0; round < 2; ++round)
    for (int64_t i = 0; i < 2; ++i) {
      ndl_tensor view = 0, y = 0;
      ASSERT_EQ(ndl_tensor_view(weights, i, dims, 4, &view), NDL_OK);
      ASSERT_EQ(ndl_conv2d_forward(context, &kConv, x, view, 0, 0, &y), NDL_OK);
      EXPECT_EQ(floats_of(y)[0], i == 0 ? 6 : 15);
      ndl_tensor_destroy(view), ndl_tensor_destroy(y);
    }
}

// b of gemm is packed for its second use: one that comes once would take as much memory for nothing.
TEST(DerivedData, OfAProductAreMadeWhereTheOperandComesAgain) {
  const int64_t before = derived_bytes();
  {
    const TensorHolder a({2, 2}, {1, 2, 3, 4}), b({2, 2}, {5, 6, 7, 8});
    const ContextHolder context;
    const ndl_gemm_options plain{sizeof(ndl_gemm_options), 0, 0, NDL_ACTIVATION_NONE, 1, 1, 0, 0};
    const auto kept = [&] {  // bytes of this call's, after its result was looked at
      ndl_tensor y = 0;
      EXPECT_EQ(ndl_gemm_forward(context, &plain, a, b, 0, 0, &y), NDL_OK) << last_error();
      EXPECT_EQ(floats_of(y), (std::vector<float>{19, 22, 43, 50}));
      ndl_tensor_destroy(y);
      int64_t bytes = 0;
      EXPECT_EQ(ndl_context_last_memory(context, nullptr, &bytes), NDL_OK);
      return bytes;
    };
    EXPECT_EQ(kept(), 0);
    const int64_t packed = kept();
    EXPECT_GT(packed, 0);
    EXPECT_EQ(kept(), packed);
    EXPECT_EQ(derived_bytes() - before, packed);
    const float same = 5;
    ASSERT_EQ(ndl_tensor_write(b, 0, &same, 4), NDL_OK);
    EXPECT_EQ(kept(), 0) << "a new version";
    EXPECT_EQ(kept(), packed);
  }
  EXPECT_EQ(derived_bytes(), before) << "they die with b";
}

// A block that a call still reads is not overwritten by the next version's, and both are counted until it is gone.
TEST(DerivedData, InUseAreReplaced) {
  const int64_t before = derived_bytes();
  Storage* storage = new Storage(64);
  const DerivedMethod method{nullptr, 0};
  const Desc desc = make_desc(NDL_DTYPE_F32, {}, {16});
  const auto make = [&](int value) {
    return storage->derive(method, 0, desc, 256, [&](void* target) { *static_cast<int*>(target) = value; });
  };
  {
    const auto first = make(1);
    EXPECT_EQ(make(2), first) << "the same version";
    storage->written();
    const auto second = make(3);
    EXPECT_NE(first, second);
    EXPECT_EQ(*static_cast<int*>(first->data.data()), 1);
    EXPECT_EQ(*static_cast<int*>(second->data.data()), 3);
    EXPECT_EQ(derived_bytes(), before + 512);
  }
  EXPECT_EQ(derived_bytes(), before + 256);
  storage->release();
  EXPECT_EQ(derived_bytes(), before);
}

// A training step: all passes of a layer, and new weights, from which derived data are made anew.
TEST(Tensors, SteadyStepAsksTheSystemForNothing) {
  const TensorHolder x({2, 12, 12, 8}, std::vector<float>(2304, 1));
  const TensorHolder weight({16, 3, 3, 8}, std::vector<float>(1152, 1));
  const TensorHolder rate({}, {0.125f});
  const ContextHolder context;
  const ndl_sgd_options sgd{sizeof(sgd), 0, 0, 0, 0, 0, 0};
  const int64_t x_dims[] = {2, 12, 12, 8}, weight_dims[] = {16, 3, 3, 8};
  int64_t allocations = 0;
  for (int i = 0; i < 20; ++i) {
    if (i == 3) allocations = memory_statistics().system_allocations;
    ndl_tensor y = 0, z = 0, dy = 0, dx = 0, dw = 0;
    ASSERT_EQ(ndl_conv2d_forward(context, &kConv, x, weight, 0, 0, &y), NDL_OK);
    ASSERT_EQ(ndl_relu_forward(context, y, &z), NDL_OK);
    ASSERT_EQ(ndl_relu_backward(context, z, y, &dy), NDL_OK);
    ASSERT_EQ(ndl_conv2d_backward_input(context, &kConv, dy, weight, x_dims, 4, &dx), NDL_OK);
    ASSERT_EQ(ndl_conv2d_backward_weight(context, &kConv, x, dy, weight_dims, 4, &dw), NDL_OK);
    const ndl_tensor parameter = weight;
    ASSERT_EQ(ndl_sgd_forward(context, &sgd, &parameter, &dw, rate, nullptr, nullptr, 1), NDL_OK) << last_error();
    for (const ndl_tensor tensor : {y, z, dy, dx, dw}) ndl_tensor_destroy(tensor);
  }
  EXPECT_EQ(memory_statistics().system_allocations, allocations);
}

}  // namespace
}  // namespace ndl::test
