// tests/native/gemm_split_test.cpp: products of f32 by parts of bf16. The case tables' values are bf16 as they stand, so that all
// parts but one are 0; here they have all the bits of a float.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <utility>

#include "fixtures.hpp"
#include "nativedl/gemm.h"
#include "op_driver.hpp"

namespace ndl::test {
namespace {

const Pass& gemm_forward() { return *find_pass("gemm_forward"); }

// Runs rows of the table's format on values from `draw`.
class GemmSplit : public testing::Test {
 protected:
  void SetUp() override {
    if (const char* why = obstacle(Target::cpu_amx, machine())) GTEST_SKIP() << why;
  }
  template <class Sample>
  void draw(const std::string& text, Sample sample) {
    row = parse_case(text);
    data = prepare("gemm", row);
    for (const char* name : {"a", "b"})
      for (Value& value : data.values[name])
        for (double& element : value.data) element = sample();
    data.expected.clear();
    expected = expected_outputs(gemm_forward(), row, data);
  }
  Outputs run(const std::string& implementation) const { return execute(gemm_forward(), implementation, row, data.values, false, 1); }
  const std::vector<double>& y(const Outputs& outputs) const { return outputs.values[4][0].data; }
  // Over the root of the mean square of y.
  double mean_error(const Outputs& outputs) const {
    double error = 0, square = 0;
    for (size_t i = 0; i < y(expected).size(); ++i) {
      error += std::abs(y(outputs)[i] - y(expected)[i]);
      square += y(expected)[i] * y(expected)[i];
    }
    const auto count = static_cast<double>(y(expected).size());
    return error / count / std::sqrt(square / count);
  }

  Case row;
  Prepared data;
  Outputs expected;
};

TEST_F(GemmSplit, MatchesReferenceOnAllBits) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  for (const char* text : {"a=1x1 b=1x1", "a=3x31 b=31x5", "a=17x32 b=32x33 bias=33", "a=40x33 b=33x16 activation=relu",
                           "a=65x40 b=50x65 transpose_a=1 transpose_b=1", "a=33x17 b=33x50 transpose_a=1 c=17x50 alpha=0.5 beta=2",
                           "a=97x70 b=49x70 transpose_b=1", "a=3x20x500 b=3x500x40", "a=140x160 b=160x300",
                           "a=5x3000 b=3000x7 bias=7", "a=2x2100x9 b=2x2100x10 transpose_a=1", "a=130x1024 b=1024x96"}) {
    SCOPED_TRACE(text);
    draw(text, [&] { return static_cast<float>(std::ldexp(normal(random), static_cast<int>(random() % 5))); });
    const Outputs six = run("cpu:packed_split:amx"), three = run("cpu:packed_split3:amx");
    compare(gemm_forward(), "cpu:packed_split:amx", six, expected);
    compare(gemm_forward(), "cpu:packed_split3:amx", three, expected);
    if (y(expected).size() < 30) continue;
    EXPECT_LT(mean_error(six), 1.5e-7);
    EXPECT_LT(mean_error(three), 5e-6);
    EXPECT_GT(mean_error(three), 1e-6) << "the values must have parts for this to test anything";
  }
}

TEST_F(GemmSplit, KeepsLargeNumbersAndNaN) {
  constexpr float kMost = std::numeric_limits<float>::max(), kInfinity = std::numeric_limits<float>::infinity();
  for (const float value : {kMost, -kMost, std::ldexp(1.0f, 127), std::numeric_limits<float>::quiet_NaN(), 0.0f}) {
    draw("a=3x1 b=1x5", [&, first = true]() mutable { return std::exchange(first, false) ? value : 0.5f; });
    compare(gemm_forward(), "cpu:packed_split:amx", run("cpu:packed_split:amx"), expected);
  }
  draw("a=3x1 b=1x5", [&, first = true]() mutable { return std::exchange(first, false) ? kInfinity : 0.5f; });
  for (size_t j = 0; j < 5; ++j) EXPECT_FALSE(std::isfinite(y(run("cpu:packed_split:amx"))[j]));
}

TEST_F(GemmSplit, IsRefusedUnderPrecision) {
  const TensorHolder a({2, 2}, {1, 2, 3, 4}), b({2, 2}, {1, 2, 3, 4});
  const auto status = [&](const char* implementation, ndl_precision precision) {
    const ContextHolder context(0, 0, precision);
    EXPECT_EQ(ndl_context_set_implementation(context, "gemm_forward", implementation), NDL_OK) << last_error();
    ndl_tensor y = 0;
    const ndl_gemm_options options{sizeof(options), 0, 0, NDL_ACTIVATION_NONE, 1, 1, 0, 0};
    const ndl_status result = ndl_gemm_forward(context, &options, a, b, 0, 0, &y);
    ndl_tensor_destroy(y);
    return result;
  };
  EXPECT_EQ(status("cpu:packed_split:amx", NDL_PRECISION_STRICT), NDL_ERROR_REFUSED);
  EXPECT_EQ(status("cpu:packed_split:amx", NDL_PRECISION_STANDARD), NDL_OK);
  EXPECT_EQ(status("cpu:packed_split3:amx", NDL_PRECISION_STANDARD), NDL_ERROR_REFUSED);
  EXPECT_EQ(status("cpu:packed_split3:amx", NDL_PRECISION_FAST), NDL_OK);
}

}  // namespace
}  // namespace ndl::test
