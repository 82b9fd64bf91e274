#include "op_driver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <sstream>

#include "core/context.hpp"
#include "core/storage.hpp"
#include "core/submit.hpp"
#include "fixtures.hpp"
#include "ops/cast.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace ndl::test {

#if defined(__SANITIZE_ADDRESS__)
static void poison(const void* begin, int64_t bytes) { __asan_poison_memory_region(begin, static_cast<size_t>(bytes)); }
void unpoison(const void* begin, int64_t bytes) { __asan_unpoison_memory_region(begin, static_cast<size_t>(bytes)); }
#else
static void poison(const void*, int64_t) {}
void unpoison(const void*, int64_t) {}
#endif

static double sample(std::mt19937_64& random, const std::string& values) {
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

static Value make_value(const OperandSpec& spec, const std::string& seed) {
  std::mt19937_64 random(std::hash<std::string>{}(seed));
  Value value{spec.desc, std::vector<double>(static_cast<size_t>(spec.desc.count()))};
  for (double& element : value.data) element = sample(random, spec.values);
  return value;
}

namespace {

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

}  // namespace

void write_values(const std::vector<double>& values, ndl_dtype dtype, void* memory) {
  by_dtype(dtype, [&]<class T>(T) {
    std::transform(values.begin(), values.end(), static_cast<T*>(memory), [](double v) { return static_cast<T>(v); });
  });
}

Value read_values(const Desc& desc, const void* memory) {
  Value value{desc, std::vector<double>(static_cast<size_t>(desc.count()))};
  by_dtype(desc.dtype, [&]<class T>(T) {
    const T* data = static_cast<const T*>(memory);
    std::transform(data, data + value.data.size(), value.data.begin(), [](const T& v) { return static_cast<double>(v); });
  });
  return value;
}

constexpr int64_t kBefore = 17, kBehind = 80;  // elements: an odd place, and more than the widest vector

Guarded guard(const Desc& desc, bool written, const std::vector<double>& data) {
  Desc whole = desc;
  whole.rank = 1;
  whole[0] = kBefore + desc.count() + kBehind;
  Tensor tensor = new_tensor(whole);
  std::memset(tensor.data(), 0xff, static_cast<size_t>(whole.bytes()));
  tensor.desc = desc;
  tensor.offset = kBefore * dtype_size(desc.dtype);
  write_values(data, desc.dtype, tensor.data());
  const unsigned char* begin = tensor.storage->data();
  Guarded result{0, written, {begin, begin + whole.bytes()}};
  poison(begin, tensor.offset);
  poison(begin + tensor.offset + desc.bytes(), kBehind * dtype_size(desc.dtype));
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

static Guarded upload(const Value& value, bool wide, bool written) {
  Desc desc = value.desc;
  if (wide && desc.dtype == NDL_DTYPE_F32) desc.dtype = NDL_DTYPE_F64;
  return guard(desc, written, value.data);
}

static Value download(ndl_tensor handle) {
  const TensorRef tensor = resolve_tensor(handle, "test", "tensor");
  return read_values(tensor->desc, tensor->data());
}

static std::vector<unsigned char> options_of(const Pass& pass, const Case& row) {
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

namespace {

// The numbers of an operand that is no tensor: an attribute list of the row, such as axes, or another operand's dimensions.
std::vector<int64_t> numbers_of(const Operand& operand, const Values& values) {
  const std::string name = operand.name;
  if (const std::vector<Value>* list = find(values, name)) return {(*list)[0].data.begin(), (*list)[0].data.end()};
  const Desc& desc = values.at(name.substr(0, name.size() - 5))[0].desc;
  return {desc.dims.begin(), desc.dims.begin() + desc.rank};
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

}  // namespace

const std::vector<Value>* find(const Values& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? nullptr : &found->second;
}

int shared_operand(const Pass& pass, const Operand& output, const Values& values, const Outputs& like) {
  const auto at = static_cast<size_t>(&output - pass.operands.data());
  for (size_t i = 0; i < pass.operands.size(); ++i) {
    const std::vector<Value>* operand = (output.may_share >> i & 1) != 0 ? find(values, pass.operands[i].name) : nullptr;
    if (operand == nullptr || operand->empty() || like.values[at].empty()) continue;
    const Desc &a = (*operand)[0].desc, &b = like.values[at][0].desc;
    if (a.dtype == b.dtype && a.same_shape(b)) return static_cast<int>(i);
  }
  return -1;
}

static void prepare(const Pass& pass, const Values& values, bool wide, size_t output_items, const Outputs* like, bool in_place, Run& run) {
  const auto add = [&](std::vector<ndl_tensor>& handles, Guarded guarded) {
    handles.push_back(guarded.handle);
    run.guarded.push_back(std::move(guarded));
  };
  run.storage.resize(pass.operands.size());
  run.dims.resize(pass.operands.size());
  for (size_t i = 0; i < pass.operands.size(); ++i) {
    const Operand& operand = pass.operands[i];
    auto& handles = run.storage[i];
    switch (operand.role) {
      case Role::dims:
      case Role::numbers:
        run.dims[i] = numbers_of(operand, values);
        run.args.push_back(ndl::dims(run.dims[i].data(), static_cast<int32_t>(run.dims[i].size())));
        continue;
      case Role::in:
      case Role::optional:
      case Role::inout:
        if (const std::vector<Value>* list = find(values, operand.name)) {
          for (const Value& value : *list) add(handles, upload(value, wide, operand.role == Role::inout));
        }
        if (operand.list) run.args.push_back(in_list(handles.data(), static_cast<int32_t>(handles.size())));
        else run.args.push_back(in(handles.empty() ? 0 : handles[0]));
        continue;
      case Role::out:
      case Role::optional_out:
        if (const int shared = in_place ? shared_operand(pass, operand, values, *like) : -1; shared >= 0) {
          std::swap(handles, run.storage[static_cast<size_t>(shared)]);
          for (Guarded& guarded : run.guarded) guarded.written |= guarded.handle == handles[0];
        } else if (like == nullptr) handles.assign(operand.list ? output_items : 1, 0);
        else for (const Value& value : like->values[i]) add(handles, guard(value.desc, true, {}));
        if (operand.list) run.args.push_back(out_list(handles.data(), static_cast<int32_t>(handles.size())));
        else run.args.push_back(out(handles.data()));
        continue;
    }
  }
}

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

static bool derives_again(const Pass& pass, const std::string& implementation) {
  for (int32_t i = 0; i < pass.implementations(); ++i)
    if (pass.implementation_name(i) == implementation) return pass.derive_again(i);
  return false;
}

Outputs execute(const Pass& pass, const std::string& implementation, const Case& row, const Values& values, bool wide, size_t output_items,
                int32_t threads, const Outputs* like, bool in_place) {
  const ContextHolder context(threads, 0, NDL_PRECISION_FAST);  // which refuses nothing
  EXPECT_EQ(ndl_context_set_implementation(context, pass.name, implementation.c_str()), NDL_OK) << last_error();
  for (const auto& [name, list] : values)  // what is computed from bf16 is f32 at the widest
    wide = wide && std::none_of(list.begin(), list.end(), [](const Value& value) { return value.desc.dtype == NDL_DTYPE_BF16; });
  Run run;
  prepare(pass, values, wide, output_items, like, in_place, run);
  const auto options = options_of(pass, row);
  Outputs outputs;
  outputs.status = submit(context, pass, options.data(), run.args);
  if (threads == 1 && outputs.status == NDL_OK && derives_again(pass, implementation)) outputs.status = submit(context, pass, options.data(), run.args);
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
static bool row_values(const std::string& op, const Case& row, Values& values, size_t& output_items) {
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
      if (value.desc.dtype != NDL_DTYPE_F64 && value.desc.dtype != NDL_DTYPE_BF16) continue;
      if (!wide_row && value.desc.dtype == NDL_DTYPE_F64) {
        value.desc.dtype = NDL_DTYPE_F32;
        for (double& element : value.data) element = static_cast<float>(element);
      }
      values["d" + name].push_back(make_value({value.desc, ""}, row.text + "d" + name + std::to_string(item)));
    }
  }
  return true;
}

Prepared prepare(const std::string& op, const Case& row) {
  Prepared data;
  data.usable = row_values(op, row, data.values, data.output_items);
  return data;
}

Prepared& prepared(const std::string& op, const Case& row) {
  static std::map<std::string, Prepared> cache;
  const auto [entry, fresh] = cache.try_emplace(op + " " + row.text);
  if (fresh) entry->second = prepare(op, row);
  return entry->second;
}

const Outputs& expected_outputs(const Pass& pass, const Case& row, Prepared& data) {
  const auto [entry, fresh] = data.expected.try_emplace(&pass);
  if (fresh) entry->second = execute(pass, "cpu:ref", row, data.values, true, data.output_items);
  return entry->second;
}

CallShape::CallShape(const Pass& pass, const Case& row, const Prepared& data) : options(options_of(pass, row)) {
  std::vector<char> there;
  const auto add = [&](const Desc& desc, bool is_present) { descs.push_back(desc), there.push_back(is_present); };
  for (const Operand& operand : pass.operands) {
    first.push_back(static_cast<int32_t>(descs.size()));
    if (operand.role == Role::dims || operand.role == Role::numbers) {
      const std::vector<int64_t> numbers = numbers_of(operand, data.values);
      Desc desc;
      desc.rank = static_cast<int32_t>(numbers.size());
      std::copy(numbers.begin(), numbers.end(), desc.dims.begin());
      add(desc, true);
    } else if (operand.role == Role::out || operand.role == Role::optional_out) {
      for (size_t i = 0; i < (operand.list ? data.output_items : 1); ++i) add({}, true);
    } else if (const std::vector<Value>* list = find(data.values, operand.name)) {
      for (const Value& value : *list) add(value.desc, true);
    } else if (!operand.list) {
      add({}, false);
    }
  }
  first.push_back(static_cast<int32_t>(descs.size()));
  present = std::make_unique<bool[]>(there.size());
  std::copy(there.begin(), there.end(), present.get());
}

static void compare(const std::string& what, const Value& got, const Value& expected, double reduction, double factor) {
  ASSERT_TRUE(got.desc.same_shape(expected.desc)) << what << ": " << got.desc << " and " << expected.desc;
  double scale = 0;
  for (double v : expected.data)
    if (std::isfinite(v)) scale = std::max(scale, std::abs(v));
  // A single product of bf16 is exact before it is rounded, but not by way of a method's transforms.
  const bool sum_in_bf16 = got.desc.dtype == NDL_DTYPE_BF16 && (reduction > 1 || factor > 1);
  const bool exact = got.desc.dtype != NDL_DTYPE_F32 && !sum_in_bf16;
  // The rounding of sums of `reduction` terms grows like its root; outputs here are near their largest terms' size.
  const double tolerance = exact ? 0 : factor * std::ldexp(1.0, -23) * (4 + 2 * std::sqrt(reduction)) * std::max(scale, 1e-30);
  // A sum next to a tie of bf16 may be rounded the other way: to the element's neighbour.
  const auto neighbour = [&](double a, double b) {
    int exponent = 0;
    std::frexp(std::max(std::abs(a), std::abs(b)), &exponent);
    return sum_in_bf16 ? std::ldexp(1.0, exponent - 8) : 0;
  };
  // Which of two elements is the largest turns where a rounding method breaks their tie: one in a thousand may.
  size_t ties = exact && factor > 1 ? 1 + expected.data.size() / 1000 : 0;
  for (size_t i = 0; i < expected.data.size(); ++i) {
    const double a = got.data[i], b = expected.data[i];
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    if (ties > 0) {
      --ties;
      continue;
    }
    ASSERT_LE(std::abs(a - b), tolerance + neighbour(a, b)) << what << ", element " << i << ": " << a << ", expected " << b;
  }
}

void compare(const Pass& pass, const std::string& implementation, const Outputs& got, const Outputs& expected) {
  int64_t elements_out = 1;
  for (const auto& list : expected.values)
    for (const Value& value : list) elements_out = std::max(elements_out, value.desc.count());
  const double reduction = std::max(1.0, expected.flop / 2 / static_cast<double>(elements_out));
  // What a method's rounding errors may be, next to those of the direct sum: as nativedl/conv.h and gemm.h say.
  const auto is = [&](const char* method) { return implementation.find(method) != std::string::npos; };
  const double factor = is(":winograd4x4:") || is(":winograd_strided:") ? 2 : is(":packed_split3:") ? 128 : 1;
  for (size_t i = 0; i < pass.operands.size(); ++i)
    for (size_t item = 0; item < expected.values[i].size(); ++item) {
      const std::string what = std::string(pass.name) + " " + implementation + " " + pass.operands[i].name;
      compare(what, got.values[i][item], expected.values[i][item], reduction, factor);
      if (testing::Test::HasFatalFailure()) return;
    }
}

std::string Subject::name() const {
  std::string name = std::string(pass->name) + "_" + implementation;
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

std::vector<Subject> all_subjects() {
  std::vector<Subject> list;
  for (const std::string& op : case_tables())
    for (const Pass* pass : all_passes()) {
      if (!belongs(*pass, op)) continue;
      for (int32_t i = 0; i < pass->implementations(); ++i)
        if (std::strcmp(pass->implementation_name(i), "cpu:ref") != 0) list.push_back({pass, op, i, pass->implementation_name(i)});
    }
  return list;
}

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

bool belongs(const Pass& pass, const std::string& op) {
  const std::string name = pass.name;
  return name == op + "_forward" || name.rfind(op + "_backward", 0) == 0;
}

bool too_large(const Case& row, double max_flop) {
  double elements = 0;
  for (const auto& [name, specs] : row.operands)
    for (const OperandSpec& spec : specs) elements += static_cast<double>(spec.desc.count());
  if (elements * 64 > max_flop) return true;
  // A convolution does more with few elements: the reference needs many seconds for what kernels do in some milliseconds.
  const auto x = row.operands.find("x"), weight = row.operands.find("weight");
  if (x == row.operands.end() || weight == row.operands.end() || weight->second[0].desc.rank != 4) return false;
  const Desc& image = x->second[0].desc;
  return static_cast<double>(image.count()) / static_cast<double>(image[3]) * static_cast<double>(weight->second[0].desc.count()) > 3 * max_flop;
}

}  // namespace ndl::test
