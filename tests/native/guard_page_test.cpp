// tests/native/guard_page_test.cpp: no implementation reads or writes a byte outside of its operands, its workspace and its
// derived data, on any row of the case tables; nor are its results others where it stores past the caches.
#include <gtest/gtest.h>

#include "fence.hpp"

namespace ndl::test {
namespace {

class GuardPages : public testing::TestWithParam<Subject> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GuardPages);

#if !defined(NDL_HAS_FENCES)
TEST(GuardPage, AreNotWrittenForThisSystem) { GTEST_SKIP() << "the test's memory comes from mmap"; }
#else

TEST(GuardPage, NamesTheCaseThatFaults) {
  const auto touch = [](Edge edge, int64_t element) {
    const NamedFaults named("planted case");
    const Fenced memory(5 * sizeof(float), sizeof(float), edge);
    volatile float* data = static_cast<float*>(memory.data());
    data[0] = data[4];
    data[element] = data[0];
  };
  touch(Edge::end, 4);
  touch(Edge::begin, 4);
  EXPECT_DEATH(touch(Edge::end, 5), "memory fault in planted case");
  EXPECT_DEATH(touch(Edge::begin, -1), "memory fault in planted case");
}

TEST_P(GuardPages, HoldEveryAccess) {
  const Subject& subject = GetParam();
  const Pass& pass = *subject.pass;
  if (const char* why = obstacle(pass.target(subject.number), machine())) GTEST_SKIP() << why;
  if (!can_fence(pass.target(subject.number))) GTEST_SKIP() << "qemu reads the lanes that AVX2's masked loads leave out";
  for (const Case& row : read_cases(subject.op)) {
    SCOPED_TRACE(row.text);
    if (too_large(row, max_flop() / 10)) continue;  // large rows have no edges that small ones lack
    Prepared& data = prepared(subject.op, row);
    if (!data.usable || lacks_gradient(pass, data.values)) continue;
    for (const Edge edge : {Edge::end, Edge::begin})
      for (const bool stream : {false, true}) {
        const NamedFaults named(std::string(pass.name) + " " + subject.implementation + " " + row.text +
                                (edge == Edge::end ? ", at its end" : ", at its begin") + (stream ? ", streaming" : ""));
        const Outputs got = execute_fenced(pass, subject.number, row, data, edge, stream);
        if (got.status == NDL_ERROR_REFUSED) continue;
        compare(pass, subject.implementation, got, expected_outputs(pass, row, data));
        if (HasFatalFailure()) return;
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GuardPages, testing::ValuesIn(all_subjects()), [](const auto& info) { return info.param.name(); });

#endif

}  // namespace
}  // namespace ndl::test
