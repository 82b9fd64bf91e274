// tests/native/ops_test.cpp: every implementation, by name, on every row of every case table, against cpu:ref run on
// the same data in f64. No test is written per op.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "core/storage.hpp"
#include "fixtures.hpp"
#include "op_driver.hpp"

namespace ndl::test {
namespace {

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

class Ops : public testing::TestWithParam<Subject> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Ops);

TEST_P(Ops, MatchReference) {
  const auto& [pass, op, number, implementation] = GetParam();
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
    compare(*pass, implementation, got, expected);
    if (HasFatalFailure()) return;
    for (size_t i = 0; i < pass->operands.size(); ++i)
      for (size_t item = 0; item < got.values[i].size(); ++item) {
        ASSERT_TRUE(same_bits(got.values[i][item].data, single.values[i][item].data))
            << pass->operands[i].name << ": the bits differ between all threads and one with outputs given";
        ASSERT_TRUE(same_bits(got.values[i][item].data, in_place.values[i][item].data))
            << pass->operands[i].name << ": the bits differ in place";
      }
    ++compared;
  }
  RecordProperty("compared", compared);
  RecordProperty("too_large", oversize);
  RecordProperty("refused", refused);
}

INSTANTIATE_TEST_SUITE_P(Cases, Ops, testing::ValuesIn(all_subjects()), [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace ndl::test
