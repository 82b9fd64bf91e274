// tests/native/ops_test.cpp: every implementation, by name, on every row of every case table, against cpu:ref run on
// the same data in f64. No test is written per op.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "core/storage.hpp"
#include "fixtures.hpp"
#include "op_driver.hpp"

namespace ndl::test {
namespace {

// Rows above this cost too much under a sanitizer or, as NATIVEDL_TEST_SLOW says, an emulator.
double max_flop() {
#if defined(__SANITIZE_THREAD__)
  return 3e6;
#elif defined(NDL_SLOW_BUILD)
  return 3e7;
#else
  static const bool slow = std::getenv("NATIVEDL_TEST_SLOW") != nullptr;
  return slow ? 3e6 : 3e8;
#endif
}

// What a method's rounding errors may be, next to those of the direct sum: as nativedl/conv.h says.
double error_factor(const std::string& implementation) { return implementation.find(":winograd4x4:") != std::string::npos ? 2 : 1; }

void compare(const std::string& what, const Value& got, const Value& expected, double reduction, double factor) {
  ASSERT_TRUE(got.desc.same_shape(expected.desc)) << what << ": " << got.desc << " and " << expected.desc;
  double scale = 0;
  for (double v : expected.data)
    if (std::isfinite(v)) scale = std::max(scale, std::abs(v));
  const bool exact = got.desc.dtype != NDL_DTYPE_F32;
  // The rounding of sums of `reduction` terms grows like its root; outputs here are near their largest terms' size.
  const double tolerance = exact ? 0 : factor * std::ldexp(1.0, -23) * (4 + 2 * std::sqrt(reduction)) * std::max(scale, 1e-30);
  // Which of two elements is the largest turns where a rounding method breaks their tie: one in a thousand may.
  size_t ties = exact && factor > 1 ? 1 + expected.data.size() / 1000 : 0;
  for (size_t i = 0; i < expected.data.size(); ++i) {
    const double a = got.data[i], b = expected.data[i];
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    if (ties > 0) {
      --ties;
      continue;
    }
    ASSERT_LE(std::abs(a - b), tolerance) << what << ", element " << i << ": " << a << ", expected " << b;
  }
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) { return std::bit_cast<uint64_t>(x) == std::bit_cast<uint64_t>(y); });
}

// The guard itself: a planted write before, behind, and inside a tensor that is only read.
TEST(Guard, SeesPlantedWrites) {
  const auto plant = [](int64_t element, bool written) {
    const Desc desc = make_desc(NDL_DTYPE_F32, {}, {5});
    const Guarded guarded = guard(desc, written, {1, 2, 3, 4, 5});
    const TensorRef tensor = resolve_tensor(guarded.handle, "test", "tensor");
    unpoison(tensor->storage->data(), tensor->storage->bytes());
    static_cast<float*>(tensor->data())[element] = 7;
    check(guarded, "planted");
    tensors().destroy(guarded.handle);
  };
  EXPECT_NONFATAL_FAILURE(plant(-1, true), "before it");
  EXPECT_NONFATAL_FAILURE(plant(5, true), "behind it");
  EXPECT_NONFATAL_FAILURE(plant(2, false), "only read");
  plant(2, true);
}

struct Parameters {
  const Pass* pass;
  std::string op, implementation;
};

std::vector<Parameters> all_implementations() {
  std::vector<Parameters> list;
  for (const std::string& op : case_tables())
    for (const Pass* pass : all_passes()) {
      if (!belongs(*pass, op)) continue;
      for (int32_t i = 0; i < pass->implementations(); ++i)
        if (std::strcmp(pass->implementation_name(i), "cpu:ref") != 0) list.push_back({pass, op, pass->implementation_name(i)});
    }
  return list;
}

// Prints what all tests of this program compared, once at its end.
struct Tally {
  static inline int total_compared = 0, total_refused = 0, total_too_large = 0;
  const int &compared, &refused, &too_large;

  Tally(const int& c, const int& r, const int& l) : compared(c), refused(r), too_large(l) {}
  Tally(const Tally&) = delete;
  ~Tally() { total_compared += compared, total_refused += refused, total_too_large += too_large; }
};

class PrintTally : public testing::Environment {
  void TearDown() override {
    std::printf("rows of the case tables by implementation: %d compared, %d refused, %d too large for this build\n",
                Tally::total_compared, Tally::total_refused, Tally::total_too_large);
  }
};
const auto* const kPrintTally = testing::AddGlobalTestEnvironment(new PrintTally);

class Ops : public testing::TestWithParam<Parameters> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Ops);

TEST_P(Ops, MatchReference) {
  const auto& [pass, op, implementation] = GetParam();
  int compared = 0, oversize = 0, refused = 0;
  const Tally tally(compared, refused, oversize);
  for (const Case& row : read_cases(op)) {
    SCOPED_TRACE(row.text);
    if (too_large(row, max_flop())) {
      ++oversize;
      continue;
    }
    Prepared& data = prepared(op, row);
    if (!data.usable || lacks_gradient(*pass, data.values)) continue;
    const Values& values = data.values;
    const size_t output_items = data.output_items;
    const Outputs got = execute(*pass, implementation, row, values, false, output_items);
    if (got.status == NDL_ERROR_NO_DEVICE) GTEST_SKIP() << last_error();
    if (got.status == NDL_ERROR_REFUSED) {
      ++refused;
      continue;
    }
    ASSERT_EQ(got.status, NDL_OK) << last_error();
    const Outputs& expected = expected_outputs(*pass, row, data);
    ASSERT_EQ(expected.status, NDL_OK) << last_error();
    const Outputs single = execute(*pass, implementation, row, values, false, output_items, 1, &got);
    ASSERT_EQ(single.status, NDL_OK) << last_error();
    const bool shares = std::any_of(pass->operands.begin(), pass->operands.end(),
                                    [&](const Operand& output) { return shared_operand(*pass, output, values, got) >= 0; });
    const Outputs in_place = shares ? execute(*pass, implementation, row, values, false, output_items, 0, &got, true) : got;
    ASSERT_EQ(in_place.status, NDL_OK) << last_error();
    int64_t elements_out = 1;
    for (const auto& list : expected.values)
      for (const Value& value : list) elements_out = std::max(elements_out, value.desc.count());
    const double reduction = std::max(1.0, expected.flop / 2 / static_cast<double>(elements_out));
    for (size_t i = 0; i < pass->operands.size(); ++i)
      for (size_t item = 0; item < expected.values[i].size(); ++item) {
        const std::string what = std::string(pass->name) + " " + implementation + " " + pass->operands[i].name;
        compare(what, got.values[i][item], expected.values[i][item], reduction, error_factor(implementation));
        if (HasFatalFailure()) return;
        ASSERT_TRUE(same_bits(got.values[i][item].data, single.values[i][item].data))
            << what << ": the bits differ between all threads and one with outputs given";
        ASSERT_TRUE(same_bits(got.values[i][item].data, in_place.values[i][item].data)) << what << ": the bits differ in place";
      }
    ++compared;
  }
  RecordProperty("compared", compared);
  RecordProperty("too_large", oversize);
  RecordProperty("refused", refused);
}

INSTANTIATE_TEST_SUITE_P(Cases, Ops, testing::ValuesIn(all_implementations()), [](const auto& info) {
  std::string name = std::string(info.param.pass->name) + "_" + info.param.implementation;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
});

}  // namespace
}  // namespace ndl::test
