// tests/native/ops_test.cpp: every implementation, by name, on every row of every case table, against cpu:ref run on
// the same data in f64. No test is written per op: operands are found by their names.
//
//   a forward operand        as the row says; its values depend on the row's text and its name alone
//   d<output>, d<n>          upstream gradient of the forward's output of that name
//   <output>                 the forward's output, computed by cpu:ref in f64
//   <operand>_dims           the dimensions of the forward's operand
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "case_table.hpp"
#include "core/context.hpp"
#include "core/storage.hpp"
#include "core/submit.hpp"
#include "fixtures.hpp"
#include "ops/cast.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace ndl::test {
namespace {

#if defined(__SANITIZE_ADDRESS__)
void poison(const void* begin, int64_t bytes) { __asan_poison_memory_region(begin, static_cast<size_t>(bytes)); }
void unpoison(const void* begin, int64_t bytes) { __asan_unpoison_memory_region(begin, static_cast<size_t>(bytes)); }
#else
void poison(const void*, int64_t) {}
void unpoison(const void*, int64_t) {}
#endif

// Rows above this cost too much under a sanitizer or an emulator.
#if defined(NDL_SLOW_BUILD)
constexpr double kMaxFlop = 3e6;
#else
constexpr double kMaxFlop = 3e8;
#endif

struct Value {
  Desc desc;
  std::vector<double> data;
};
using Values = std::map<std::string, std::vector<Value>>;

double sample(std::mt19937_64& random, const std::string& values) {
  const auto uniform = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
  if (values.rfind("index(", 0) == 0) return static_cast<double>(uniform(std::stoll(values.substr(6))));
  if (values.rfind("const(", 0) == 0) return std::stod(values.substr(6));
  // Sum of dice: near normal, and exact in f32 and bf16-like short mantissas.
  const double normal = static_cast<double>(uniform(64) + uniform(64) + uniform(64) + uniform(64) - 126) / 32.0;
  if (values == "nonneg") return std::abs(normal);
  if (values == "positive") return std::abs(normal) + 0.25;
  if (values == "mask") return static_cast<double>(uniform(2));
  if (values == "unit") return static_cast<double>(uniform(1024)) / 1024.0;
  return normal;
}

Value make_value(const OperandSpec& spec, const std::string& seed) {
  std::mt19937_64 random(std::hash<std::string>{}(seed));
  Value value{spec.desc, std::vector<double>(static_cast<size_t>(spec.desc.count()))};
  for (double& element : value.data) element = sample(random, spec.values);
  return value;
}

// An element of two bytes, converted by the library's reference.
template <ndl_dtype kType>
struct ShortFloat {
  uint16_t bits = 0;
  ShortFloat() = default;
  explicit ShortFloat(double v) { cpu::ref::cast_element(NDL_DTYPE_F64, &v, kType, &bits); }
  explicit operator double() const {
    double v = 0;
    cpu::ref::cast_element(kType, &bits, NDL_DTYPE_F64, &v);
    return v;
  }
};

template <class Body>
void by_dtype(ndl_dtype dtype, const Body& body) {
  switch (dtype) {
    case NDL_DTYPE_F16: return body(ShortFloat<NDL_DTYPE_F16>{});
    case NDL_DTYPE_BF16: return body(ShortFloat<NDL_DTYPE_BF16>{});
    case NDL_DTYPE_F64: return body(double{});
    case NDL_DTYPE_I64: return body(int64_t{});
    case NDL_DTYPE_I32: return body(int32_t{});
    case NDL_DTYPE_I8: return body(int8_t{});
    case NDL_DTYPE_U8: return body(uint8_t{});
    default: return body(float{});
  }
}

// A tensor that begins at an odd element of memory full of NaN (or -1). Nothing but what the pass writes may change;
// AddressSanitizer sees reads beside it as well.
struct Guarded {
  ndl_tensor handle = 0;
  bool written = false;
  std::vector<unsigned char> before;  // all of the storage
};
constexpr int64_t kMargin = 17;  // elements on either side

Guarded guard(const Desc& desc, bool written, const std::vector<double>& data) {
  Desc whole = desc;
  whole.rank = 1;
  whole[0] = desc.count() + 2 * kMargin;
  Tensor tensor = new_tensor(whole);
  std::memset(tensor.data(), 0xff, static_cast<size_t>(whole.bytes()));
  tensor.desc = desc;
  tensor.offset = kMargin * dtype_size(desc.dtype);
  by_dtype(desc.dtype, [&]<class T>(T) {
    std::transform(data.begin(), data.end(), static_cast<T*>(tensor.data()), [](double v) { return static_cast<T>(v); });
  });
  const unsigned char* begin = tensor.storage->data();
  Guarded result{0, written, {begin, begin + whole.bytes()}};
  poison(begin, tensor.offset);
  poison(begin + tensor.offset + desc.bytes(), tensor.offset);
  result.handle = tensors().create(std::move(tensor));
  return result;
}

void check(const Guarded& guarded, const char* what) {
  const TensorRef tensor = resolve_tensor(guarded.handle, "test", "tensor");
  const unsigned char* begin = tensor->storage->data();
  unpoison(begin, static_cast<int64_t>(guarded.before.size()));
  const auto same = [&](int64_t from, int64_t to) {
    return std::equal(begin + from, begin + to, guarded.before.begin() + from);
  };
  const int64_t end = tensor->offset + tensor->desc.bytes(), size = static_cast<int64_t>(guarded.before.size());
  EXPECT_TRUE(same(0, tensor->offset)) << what << ": the memory before it was written";
  EXPECT_TRUE(guarded.written || same(tensor->offset, end)) << what << ": an operand that is only read was written";
  EXPECT_TRUE(same(end, size)) << what << ": the memory behind it was written";
}

Guarded upload(const Value& value, bool wide, bool written) {
  Desc desc = value.desc;
  if (wide && desc.dtype == NDL_DTYPE_F32) desc.dtype = NDL_DTYPE_F64;
  return guard(desc, written, value.data);
}

Value download(ndl_tensor handle) {
  const TensorRef tensor = resolve_tensor(handle, "test", "tensor");
  Value value{tensor->desc, std::vector<double>(static_cast<size_t>(tensor->desc.count()))};
  by_dtype(tensor->desc.dtype, [&]<class T>(T) {
    const T* data = static_cast<const T*>(tensor->data());
    for (size_t i = 0; i < value.data.size(); ++i) value.data[i] = static_cast<double>(data[i]);
  });
  return value;
}

std::vector<unsigned char> options_of(const Pass& pass, const Case& row) {
  std::vector<unsigned char> options(std::max<uint32_t>(pass.options_size, 8));
  if (pass.options_size == 0) return options;
  std::memcpy(options.data(), pass.default_options, pass.options_size);
  for (const Field& field : pass.fields) {
    const auto found = row.options.find(field.name);
    if (found == row.options.end()) continue;
    const auto put = [&](auto value) { std::memcpy(options.data() + field.offset, &value, sizeof(value)); };
    switch (field.kind) {
      case Field::Kind::i32: put(static_cast<int32_t>(std::stoll(found->second))); break;
      case Field::Kind::i64: put(static_cast<int64_t>(std::stoll(found->second))); break;
      case Field::Kind::f32: put(std::stof(found->second)); break;
      case Field::Kind::f64: put(std::stod(found->second)); break;
      case Field::Kind::enumeration: {
        const EnumItems items = field.items();
        int32_t number = 0;
        for (int32_t i = 0; i < items.count; ++i)
          if (found->second == items.names[i]) number = i + 1;
        put(number);
        break;
      }
    }
  }
  return options;
}

// The operands of a pass, for one run of it; every tensor is made anew.
struct Run {
  std::vector<std::vector<ndl_tensor>> storage;  // by operand
  std::vector<Guarded> guarded;                  // those that were made here
  std::vector<std::vector<int64_t>> dims;
  std::vector<Arg> args;

  ~Run() {
    for (const auto& list : storage)
      for (ndl_tensor handle : list) tensors().destroy(handle);
  }
};

const std::vector<Value>* find(const Values& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? nullptr : &found->second;
}

struct Outputs {
  ndl_status status;
  double flop = 0;
  std::vector<std::vector<Value>> values;  // by operand; of outputs and inouts
};

// like: outputs of an earlier run, of which NaN-filled tensors are given; null: the call allocates its outputs.
void prepare(const Pass& pass, const Values& values, bool wide, size_t output_items, const Outputs* like, Run& run) {
  const auto add = [&](std::vector<ndl_tensor>& handles, Guarded guarded) {
    handles.push_back(guarded.handle);
    run.guarded.push_back(std::move(guarded));
  };
  run.storage.resize(pass.operands.size());
  run.dims.resize(pass.operands.size());
  for (size_t i = 0; i < pass.operands.size(); ++i) {
    const Operand& operand = pass.operands[i];
    const std::string name = operand.name;
    auto& handles = run.storage[i];
    switch (operand.role) {
      case Role::dims:
      case Role::numbers: {
        const std::vector<Value>* list = find(values, name);
        if (list != nullptr) {  // an attribute list of the row, such as axes
          for (double v : (*list)[0].data) run.dims[i].push_back(static_cast<int64_t>(v));
        } else {
          const std::string of = name.substr(0, name.size() - 5);
          const Desc& desc = values.at(of)[0].desc;
          run.dims[i].assign(desc.dims.begin(), desc.dims.begin() + desc.rank);
        }
        run.args.push_back(ndl::dims(run.dims[i].data(), static_cast<int32_t>(run.dims[i].size())));
        continue;
      }
      case Role::in:
      case Role::optional:
      case Role::inout:
        if (const std::vector<Value>* list = find(values, name)) {
          for (const Value& value : *list) add(handles, upload(value, wide, operand.role == Role::inout));
        }
        if (operand.list) run.args.push_back(in_list(handles.data(), static_cast<int32_t>(handles.size())));
        else run.args.push_back(in(handles.empty() ? 0 : handles[0]));
        continue;
      case Role::out:
      case Role::optional_out:
        if (like == nullptr) handles.assign(operand.list ? output_items : 1, 0);
        else for (const Value& value : like->values[i]) add(handles, guard(value.desc, true, {}));
        if (operand.list) run.args.push_back(out_list(handles.data(), static_cast<int32_t>(handles.size())));
        else run.args.push_back(out(handles.data()));
        continue;
    }
  }
}

// Whether the pass reads the gradient of an output that has none: of integers.
bool lacks_gradient(const Pass& pass, const Values& values) {
  return std::any_of(pass.operands.begin(), pass.operands.end(), [&](const Operand& operand) {
    const std::string name = operand.name;
    return operand.role == Role::in && !values.contains(name) && name.front() == 'd' && values.contains(name.substr(1));
  });
}

const Pass* find_pass(const std::string& name) {
  for (const Pass* pass : all_passes())
    if (pass->name == name) return pass;
  return nullptr;
}

Outputs execute(const Pass& pass, const std::string& implementation, const Case& row, const Values& values, bool wide, size_t output_items,
                int32_t threads = 0, const Outputs* like = nullptr) {
  const ContextHolder context(threads);
  EXPECT_EQ(ndl_context_set_implementation(context, pass.name, implementation.c_str()), NDL_OK) << last_error();
  Run run;
  prepare(pass, values, wide, output_items, like, run);
  const auto options = options_of(pass, row);
  Outputs outputs;
  outputs.status = submit(context, pass, options.data(), run.args);
  for (const Guarded& guarded : run.guarded) check(guarded, pass.name);
  outputs.values.resize(pass.operands.size());
  if (outputs.status != NDL_OK) return outputs;
  outputs.flop = contexts().resolve(context)->last_flop;
  for (size_t i = 0; i < pass.operands.size(); ++i) {
    const Role role = pass.operands[i].role;
    if (role != Role::out && role != Role::optional_out && role != Role::inout) continue;
    for (ndl_tensor handle : run.storage[i]) outputs.values[i].push_back(download(handle));
  }
  return outputs;
}

// The values by name that the passes of one row need; false where the row itself is meant to be refused.
bool row_values(const std::string& op, const Case& row, Values& values, size_t& output_items) {
  const Pass* forward = find_pass(op + "_forward");
  if (forward == nullptr) return false;
  for (const Operand& operand : forward->operands) {
    const auto found = row.operands.find(operand.name);
    if (operand.role == Role::dims || operand.role == Role::numbers) {
      // A list of numbers, not shapes: "axes=1,2".
      if (const auto text = row.options.find(operand.name); text != row.options.end()) {
        Value list;
        std::stringstream stream(text->second);
        for (std::string part; std::getline(stream, part, ',');) list.data.push_back(std::stod(part));
        values[operand.name].push_back(list);
      } else {
        values[operand.name].push_back({});
      }
      continue;
    }
    if (found == row.operands.end()) continue;
    for (size_t i = 0; i < found->second.size(); ++i)
      values[operand.name].push_back(make_value(found->second[i], row.text + operand.name + std::to_string(i)));
  }
  bool wide_row = false;  // f64 rows stay f64 in all passes
  for (const auto& [name, specs] : row.operands)
    for (const OperandSpec& spec : specs) wide_row |= spec.desc.dtype == NDL_DTYPE_F64;
  output_items = row.options.contains("outputs") ? std::stoul(row.options.at("outputs")) : 1;
  const Outputs outputs = execute(*forward, "cpu:ref", row, values, true, output_items);
  EXPECT_EQ(outputs.status, NDL_OK) << row.text << "\n" << last_error();
  if (outputs.status != NDL_OK) return false;
  for (size_t i = 0; i < forward->operands.size(); ++i) {
    const Role role = forward->operands[i].role;
    if (role != Role::out && role != Role::optional_out) continue;
    const std::string name = forward->operands[i].name;
    values[name] = outputs.values[i];
    // The backward passes read these as f32, like the library's users; argmax and masks stay integers.
    for (size_t item = 0; item < values[name].size(); ++item) {
      Value& value = values[name][item];
      if (value.desc.dtype != NDL_DTYPE_F64) continue;
      if (!wide_row) {
        value.desc.dtype = NDL_DTYPE_F32;
        for (double& element : value.data) element = static_cast<float>(element);
      }
      values["d" + name].push_back(make_value({value.desc, ""}, row.text + "d" + name + std::to_string(item)));
    }
  }
  return true;
}

// What one row's passes share, computed once for all their implementations.
struct Prepared {
  bool usable = false;
  Values values;
  size_t output_items = 1;
  std::map<const Pass*, Outputs> expected;
};

Prepared& prepared(const std::string& op, const Case& row) {
  static std::map<std::string, Prepared> cache;
  const auto [entry, fresh] = cache.try_emplace(op + " " + row.text);
  if (fresh) entry->second.usable = row_values(op, row, entry->second.values, entry->second.output_items);
  return entry->second;
}

const Outputs& expected_outputs(const Pass& pass, const Case& row, Prepared& data) {
  const auto [entry, fresh] = data.expected.try_emplace(&pass);
  if (fresh) entry->second = execute(pass, "cpu:ref", row, data.values, true, data.output_items);
  return entry->second;
}

void compare(const std::string& what, const Value& got, const Value& expected, double reduction) {
  ASSERT_TRUE(got.desc.same_shape(expected.desc)) << what << ": " << got.desc << " and " << expected.desc;
  double scale = 0;
  for (double v : expected.data)
    if (std::isfinite(v)) scale = std::max(scale, std::abs(v));
  const bool exact = got.desc.dtype != NDL_DTYPE_F32;
  // The rounding of sums of `reduction` terms grows like its root; outputs here are near their largest terms' size.
  const double tolerance = exact ? 0 : std::ldexp(1.0, -23) * (4 + 2 * std::sqrt(reduction)) * std::max(scale, 1e-30);
  for (size_t i = 0; i < expected.data.size(); ++i) {
    const double a = got.data[i], b = expected.data[i];
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
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
      const std::string name = pass->name;
      if (name != op + "_forward" && name.rfind(op + "_backward", 0) != 0) continue;
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
  int compared = 0, too_large = 0, refused = 0;
  const Tally tally(compared, refused, too_large);
  for (const Case& row : read_cases(op)) {
    SCOPED_TRACE(row.text);
    double elements = 0;
    for (const auto& [name, specs] : row.operands)
      for (const OperandSpec& spec : specs) elements += static_cast<double>(spec.desc.count());
    if (elements * 64 > kMaxFlop) {
      ++too_large;
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
    int64_t elements_out = 1;
    for (const auto& list : expected.values)
      for (const Value& value : list) elements_out = std::max(elements_out, value.desc.count());
    const double reduction = std::max(1.0, expected.flop / 2 / static_cast<double>(elements_out));
    for (size_t i = 0; i < pass->operands.size(); ++i)
      for (size_t item = 0; item < expected.values[i].size(); ++item) {
        const std::string what = std::string(pass->name) + " " + implementation + " " + pass->operands[i].name;
        compare(what, got.values[i][item], expected.values[i][item], reduction);
        if (HasFatalFailure()) return;
        ASSERT_TRUE(same_bits(got.values[i][item].data, single.values[i][item].data))
            << what << ": the bits differ between all threads and one with outputs given";
      }
    ++compared;
  }
  RecordProperty("compared", compared);
  RecordProperty("too_large", too_large);
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
