// tests/native/infer_test.cpp: the argument rules of every op under extreme shapes and options.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>

#include "op_driver.hpp"

namespace ndl::test {
namespace {

// The pure functions of every pass, on the rows' operands and options with some of them replaced by extremes: they
// accept or refuse in a sentence that names the op, and nothing overflows, which UBSan sees.
class Extremes {
 public:
  Extremes(const Pass& pass, const Case& row, const Prepared& data, uint64_t seed) : pass_(pass), random_(seed), call_(pass, row, data) {
    for (size_t operand = 0; operand < pass.operands.size(); ++operand) {
      const Role role = pass.operands[operand].role;
      if ((role == Role::optional_out && chance(2)) || (role == Role::optional && chance(4)))
        call_.present[static_cast<size_t>(call_.first[operand])] = false;
    }
  }

  void mutate() {
    for (const Field& field : pass_.fields)
      if (chance(6)) replace(field);
    for (size_t operand = 0; operand < pass_.operands.size(); ++operand)
      for (int32_t i = call_.first[operand]; i < call_.first[operand + 1]; ++i) {
        Desc& desc = call_.descs[static_cast<size_t>(i)];
        if (!chance(4)) continue;
        if (chance(6)) desc.rank = static_cast<int32_t>(pick({0, 1, 2, 3, 4, 5, 8}));
        if (desc.rank > 0) desc[static_cast<int>(random_() % static_cast<uint64_t>(desc.rank))] = extreme();
        if (desc.dtype != kNoDType && chance(6)) desc.dtype = static_cast<ndl_dtype>(1 + random_() % 8);
        if (pass_.operands[operand].role != Role::numbers) settle(desc);
      }
  }

  bool accepted() {
    Descs operands = call_.view(pass_);
    RecordStorage record;
    try {
      pass_.infer(call_.options.data(), operands, record);
    } catch (const Error& error) {
      const std::string message = error.what(), name = pass_.name;
      EXPECT_EQ(message.rfind(name.substr(0, name.find("_forward")), 0), 0u) << pass_.name << ": " << message;
      EXPECT_GT(message.size(), name.size() + 10);
      return false;
    }
    for (size_t operand = 0; operand < pass_.operands.size(); ++operand) {
      const Role role = pass_.operands[operand].role;
      if (role == Role::dims || role == Role::numbers) continue;
      for (int32_t i = call_.first[operand]; i < call_.first[operand + 1]; ++i) {
        const Desc& desc = call_.descs[static_cast<size_t>(i)];
        if (!call_.present[static_cast<size_t>(i)]) continue;
        EXPECT_NO_THROW(make_desc(desc.dtype, {}, desc.dims.data(), desc.rank, "test")) << desc;
        if (desc.bytes() > int64_t{1} << 40) return true;  // no machine gets further
      }
    }
    const Env env{64, NDL_PRECISION_STANDARD};
    for (int32_t i = 0; i < pass_.implementations(); ++i) {
      if (obstacle(pass_.target(i), machine()) != nullptr || pass_.reject(i, record, env) != nullptr) continue;
      EXPECT_GE(pass_.estimate(i, record, env), 0) << pass_.implementation_name(i);
      EXPECT_GE(pass_.workspace(i, record, env), 0) << pass_.implementation_name(i);
      if (pass_.derived_operand(i) < 0) continue;
      EXPECT_GE(pass_.derived_bytes(i, record, env), 0) << pass_.implementation_name(i);
    }
    return true;
  }

 private:
  bool chance(uint64_t one_in) { return random_() % one_in == 0; }
  int64_t pick(std::initializer_list<int64_t> values) { return values.begin()[random_() % values.size()]; }
  int64_t extreme() { return pick({0, 1, 2, 3, 17, INT32_MAX, int64_t{1} << 31, int64_t{1} << 40, int64_t{1} << 58, int64_t{1} << 61}); }
  // As small as a description that came through the border: sizes up to 2^62 bytes.
  void settle(Desc& desc) {
    for (int i = 0; i < desc.rank; ++i) {
      try {
        make_desc(desc.dtype, {}, desc.dims.data(), desc.rank, "test");
        return;
      } catch (const Error&) {
        desc[i] = 1;
      }
    }
  }
  void replace(const Field& field) {
    const auto put = [&](auto value) { std::memcpy(call_.options.data() + field.offset, &value, sizeof(value)); };
    const double real = std::array{0.0, -1.0, 0.5, 1.0, 1e300, -0.0, HUGE_VAL, std::nan("")}[random_() % 8];
    switch (field.kind) {
      case Field::Kind::i32: put(static_cast<int32_t>(pick({0, 1, -1, 2, 3, 1 << 20, INT32_MAX, INT32_MIN}))); break;
      case Field::Kind::i64: put(pick({0, 1, -1, 2, 3, INT32_MAX, INT64_MAX, INT64_MIN})); break;
      case Field::Kind::f32: put(static_cast<float>(std::isfinite(real) && real > 1 ? 1e30 : real)); break;
      case Field::Kind::f64: put(real); break;
      case Field::Kind::enumeration: put(static_cast<int32_t>(1 + random_() % static_cast<uint64_t>(field.items().count))); break;
    }
  }

  const Pass& pass_;
  std::mt19937_64 random_;
  CallShape call_;
};

TEST(Infer, AcceptsOrRefusesExtremes) {
  int accepted = 0, refused = 0;
  uint64_t seed = 0;
  for (const std::string& op : case_tables())
    for (const Pass* pass : all_passes()) {
      if (!belongs(*pass, op)) continue;
      for (const Case& row : read_cases(op)) {
        SCOPED_TRACE(std::string(pass->name) + ": " + row.text);
        if (too_large(row, 1e5)) continue;
        const Prepared& data = prepared(op, row);
        if (!data.usable || lacks_gradient(*pass, data.values)) continue;
        for (int i = 0; i < 30; ++i) {
          Extremes call(*pass, row, data, ++seed);
          if (i > 0) call.mutate();
          ++(call.accepted() ? accepted : refused);
          if (HasFailure()) return;
        }
      }
    }
  EXPECT_GT(accepted, refused / 20);
  EXPECT_GT(refused, accepted / 20);
}

}  // namespace
}  // namespace ndl::test
