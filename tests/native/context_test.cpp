// tests/native/context_test.cpp: options of a context, choice of an implementation, concurrent use.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <thread>

#include "core/context.hpp"
#include "core/submit.hpp"
#include "fixtures.hpp"
#include "nativedl/conv.h"
#include "nativedl/elementwise.h"

namespace ndl::test {
namespace {

const ndl_conv2d_options kConv{sizeof(ndl_conv2d_options), 1, 1, 1, 1, 1, 1, 1, 1, 1, NDL_ACTIVATION_NONE, 0};

std::vector<float> ramp(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50) / 16;
  return values;
}

std::string last_implementation(ndl_context context) {
  char name[128];
  EXPECT_EQ(ndl_context_last_implementation(context, name, sizeof(name), nullptr), NDL_OK);
  return name;
}

class Contexts : public testing::Test {
 protected:
  const TensorHolder x{{2, 12, 12, 8}, ramp(2304)};
  const TensorHolder weight{{8, 3, 3, 8}, ramp(576)};

  std::vector<float> convolve(ndl_context context) {
    ndl_tensor y = 0;
    EXPECT_EQ(ndl_conv2d_forward(context, &kConv, x, weight, 0, 0, &y), NDL_OK) << last_error();
    std::vector<float> values = y == 0 ? std::vector<float>{} : floats_of(y);
    ndl_tensor_destroy(y);
    return values;
  }
};

TEST_F(Contexts, BusyContextRefusesASecondCallAndHarmsNothing) {
  const ContextHolder context;
  ndl_tensor y = 0;
  {
    const ContextUse first(context, "first");
    EXPECT_EQ(ndl_relu_forward(context, x, &y), NDL_ERROR_CONTEXT_BUSY);
    EXPECT_EQ(last_error().rfind("relu_forward: another thread", 0), 0u) << last_error();
    EXPECT_EQ(ndl_context_set_implementation(context, nullptr, nullptr), NDL_ERROR_CONTEXT_BUSY);
    EXPECT_EQ(y, 0u);
  }
  EXPECT_EQ(ndl_relu_forward(context, x, &y), NDL_OK);
  ndl_tensor_destroy(y);
}

TEST_F(Contexts, DestroyedWhileInUseServesItsCallToTheEnd) {
  ndl_context context = 0;
  ASSERT_EQ(ndl_context_create(nullptr, &context), NDL_OK);
  const ContextUse use(context, "test");
  EXPECT_EQ(ndl_context_destroy(context), NDL_OK);
  EXPECT_GE(use->threads, 1);
  EXPECT_EQ(ndl_context_set_implementation(context, nullptr, nullptr), NDL_ERROR_INVALID_HANDLE);
}

TEST_F(Contexts, AnImplementationCanBeForced) {
  const ContextHolder context;
  const std::vector<float> chosen = convolve(context);
  const std::string best = last_implementation(context);
  ASSERT_EQ(ndl_context_set_implementation(context, "conv2d_forward", "cpu:ref"), NDL_OK);
  const std::vector<float> reference = convolve(context);
  EXPECT_EQ(last_implementation(context), "cpu:ref");
  ASSERT_EQ(reference.size(), chosen.size());
  for (size_t i = 0; i < chosen.size(); ++i) EXPECT_NEAR(chosen[i], reference[i], 1e-3);
  ASSERT_EQ(ndl_context_set_implementation(context, "conv2d_forward", ""), NDL_OK);
  convolve(context);
  EXPECT_EQ(last_implementation(context), best);
  ASSERT_EQ(ndl_context_set_implementation(context, "conv2d_forward", "cpu:ref"), NDL_OK);
  ASSERT_EQ(ndl_context_set_implementation(context, nullptr, nullptr), NDL_OK);  // lifts all
  convolve(context);
  EXPECT_EQ(last_implementation(context), best);
}

TEST_F(Contexts, AForcedImplementationThatRefusesSaysWhy) {
  const ContextHolder context;
  const std::string baseline = std::string("cpu:vector:") + isa_name(Isa::baseline);
  ASSERT_EQ(ndl_context_set_implementation(context, "relu_forward", baseline.c_str()), NDL_OK);
  const ndl_tensor_options options{sizeof(options), NDL_DTYPE_F64, NDL_DEVICE_TYPE_CPU, 0};
  const int64_t four = 4;
  ndl_tensor wide = 0, y = 0;
  ASSERT_EQ(ndl_tensor_create(&options, &four, 1, &wide), NDL_OK);
  const double zeros[4] = {};
  ASSERT_EQ(ndl_tensor_write(wide, 0, zeros, sizeof(zeros)), NDL_OK);
  EXPECT_EQ(ndl_relu_forward(context, wide, &y), NDL_ERROR_REFUSED);
  EXPECT_EQ(last_error(), "relu_forward: " + baseline + " refuses x=f64 [4] y=f64 [4]: it takes f32 only");
  EXPECT_EQ(y, 0u);
  ndl_tensor_destroy(wide);
}

TEST_F(Contexts, WorkspaceLimitIsARefusal) {
  const ContextHolder limited(0, 64);
  convolve(limited);
  EXPECT_EQ(last_implementation(limited), "cpu:ref") << "which needs none";
  const ContextHolder free;
  convolve(free);
  const std::string best = last_implementation(free);
  ASSERT_EQ(ndl_context_set_implementation(limited, "conv2d_forward", best.c_str()), NDL_OK);
  ndl_tensor y = 0;
  EXPECT_EQ(ndl_conv2d_forward(limited, &kConv, x, weight, 0, 0, &y), NDL_ERROR_REFUSED);
  EXPECT_NE(last_error().find("bytes of workspace, the limit is 64"), std::string::npos) << last_error();
  EXPECT_EQ(contexts().resolve(limited)->workspace.bytes(), 0);
}

// With a byte less than the choice needs, another that needs less is taken, down to one that needs none.
TEST_F(Contexts, EveryConvolutionFallsToAMethodThatFits) {
  const TensorHolder dy({2, 12, 12, 8}, ramp(2304));
  const int64_t x_dims[] = {2, 12, 12, 8}, weight_dims[] = {8, 3, 3, 8};
  const std::function<ndl_status(ndl_context, ndl_tensor*)> passes[] = {
      [&](ndl_context context, ndl_tensor* y) { return ndl_conv2d_forward(context, &kConv, x, weight, 0, 0, y); },
      [&](ndl_context context, ndl_tensor* dx) { return ndl_conv2d_backward_input(context, &kConv, dy, weight, x_dims, 4, dx); },
      [&](ndl_context context, ndl_tensor* dw) { return ndl_conv2d_backward_weight(context, &kConv, x, dy, weight_dims, 4, dw); }};
  for (const auto& pass : passes) {
    int64_t limit = 0, workspace = 0, methods = 0;
    std::vector<float> expected;
    do {
      const ContextHolder context(0, limit);
      ndl_tensor output = 0;
      ASSERT_EQ(pass(context, &output), NDL_OK) << last_error();
      ASSERT_EQ(ndl_context_last_memory(context, &workspace, nullptr), NDL_OK);
      EXPECT_TRUE(limit == 0 || workspace <= limit) << last_implementation(context);
      const std::vector<float> got = floats_of(output);
      ndl_tensor_destroy(output);
      if (expected.empty()) expected = got;
      const float scale = *std::max_element(expected.begin(), expected.end());
      for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 1e-5 * scale) << last_implementation(context);
      limit = workspace - 1, ++methods;
    } while (workspace > 1);
    EXPECT_GT(methods, 1);
  }
}

TEST_F(Contexts, ThreadsDoNotChangeTheBits) {
  const std::vector<float> expected = convolve(ContextHolder(1));
  for (int32_t threads : {2, 3, 5, 64}) {
    const std::vector<float> got = convolve(ContextHolder(threads));
    ASSERT_EQ(got.size(), expected.size());
    EXPECT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0) << threads;
  }
}

// Each thread with its own context, on shared operands: the weight is packed by one of them while the others wait.
TEST_F(Contexts, ContextsInManyThreadsGiveTheSameBits) {
  const std::vector<float> expected = convolve(ContextHolder(1));
  for (int round = 0; round < 5; ++round) {
    float first = 0;
    ASSERT_EQ(ndl_tensor_read(weight, 0, &first, 4), NDL_OK);
    ASSERT_EQ(ndl_tensor_write(weight, 0, &first, 4), NDL_OK);  // a new version
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        const ContextHolder context;
        for (int i = 0; i < 5; ++i) {
          const std::vector<float> got = convolve(context);
          ASSERT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0);
        }
      });
    for (std::thread& thread : threads) thread.join();
  }
}

// Threads that share a context: each call runs alone or is refused, and the results are right.
TEST_F(Contexts, SharedContextRunsOneCallAtATime) {
  const ContextHolder context;
  const std::vector<float> expected = convolve(context);
  std::atomic<int> ran{0}, busy{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      while (ran < 20) {
        ndl_tensor y = 0;
        const ndl_status status = ndl_conv2d_forward(context, &kConv, x, weight, 0, 0, &y);
        if (status == NDL_OK) {
          const std::vector<float> got = floats_of(y);
          if (std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)) != 0) ++wrong;
          ndl_tensor_destroy(y);
          ++ran;
        } else if (status == NDL_ERROR_CONTEXT_BUSY) {
          ++busy;
        } else {
          ++wrong;
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Contexts, ErrorsBelongToTheirThread) {
  ndl_tensor y = 0;
  EXPECT_EQ(ndl_relu_forward(0, x, &y), NDL_ERROR_INVALID_HANDLE);
  const std::string mine = last_error();
  std::thread([&] {
    EXPECT_EQ(last_error(), "");
    EXPECT_EQ(ndl_pass_name(-1, nullptr, 0, nullptr), NDL_ERROR_INVALID_ARGUMENT);
  }).join();
  EXPECT_EQ(last_error(), mine);
  const ContextHolder context;
  EXPECT_EQ(ndl_relu_forward(context, x, &y), NDL_OK);
  EXPECT_EQ(last_error(), mine) << "success leaves it";
  ndl_tensor_destroy(y);
}

}  // namespace
}  // namespace ndl::test
