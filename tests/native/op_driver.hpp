// tests/native/op_driver.hpp: runs a pass on a row of its op's case table. Operands are found by their names:
//
//   a forward operand        as the row says; its values depend on the row's text and its name alone
//   d<output>, d<n>          upstream gradient of the forward's output of that name
//   <output>                 the forward's output, computed by cpu:ref in f64
//   <operand>_dims           the dimensions of the forward's operand
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "case_table.hpp"
#include "core/pass.hpp"

namespace ndl::test {

struct Value {
  Desc desc;
  std::vector<double> data;
};
using Values = std::map<std::string, std::vector<Value>>;
const std::vector<Value>* find(const Values& values, const std::string& name);  // null where there is none

// A tensor that begins at an odd element of memory full of NaN (or -1). Nothing but what the pass writes may change;
// AddressSanitizer sees reads beside it as well.
struct Guarded {
  ndl_tensor handle = 0;
  bool written = false;
  std::vector<unsigned char> before;  // all of the storage
};
Guarded guard(const Desc& desc, bool written, const std::vector<double>& data);
void check(const Guarded& guarded, const char* what);
void unpoison(const void* begin, int64_t bytes);

void write_values(const std::vector<double>& values, ndl_dtype dtype, void* memory);
Value read_values(const Desc& desc, const void* memory);

struct Outputs {
  ndl_status status;
  double flop = 0;
  std::vector<std::vector<Value>> values;  // by operand; of outputs and inouts
};

// Runs one implementation; wide: f32 operands as f64. like: outputs of an earlier run, of which NaN-filled tensors are
// given; null: the call allocates its outputs. in_place: outputs are the operands whose memory they may be. On one thread a call
// that keeps data of an operand which comes again is made twice, and the outputs are the second's.
Outputs execute(const Pass& pass, const std::string& implementation, const Case& row, const Values& values, bool wide, size_t output_items,
                int32_t threads = 0, const Outputs* like = nullptr, bool in_place = false);
// The operand whose memory an output may be on this row; -1: none.
int shared_operand(const Pass& pass, const Operand& output, const Values& values, const Outputs& like);

// What one row's passes share, computed once for all their implementations.
struct Prepared {
  bool usable = false;
  Values values;
  size_t output_items = 1;
  std::map<const Pass*, Outputs> expected;
};
Prepared prepare(const std::string& op, const Case& row);
Prepared& prepared(const std::string& op, const Case& row);  // kept for the whole run
const Outputs& expected_outputs(const Pass& pass, const Case& row, Prepared& data);  // of cpu:ref in f64

// A call as infer takes it, of descriptions alone: for tests that reach a pass beside submit.
struct CallShape {
  std::vector<int32_t> first;  // entry of each operand, and one past the last
  std::vector<Desc> descs;
  std::unique_ptr<bool[]> present;
  std::vector<unsigned char> options;

  CallShape(const Pass& pass, const Case& row, const Prepared& data);
  Descs view(const Pass& pass) { return Descs(pass.name, pass.operands, first.data(), descs.data(), present.get()); }
};

// Compares all outputs within the rounding that the sums' lengths and the method's documentation explain.
void compare(const Pass& pass, const std::string& implementation, const Outputs& got, const Outputs& expected);

// Every implementation of every pass that has a table, but the reference.
struct Subject {
  const Pass* pass;
  std::string op;
  int32_t number;
  std::string implementation;

  std::string name() const;  // of letters, digits and underscores
};
std::vector<Subject> all_subjects();

const Pass* find_pass(const std::string& name);  // null where there is none
bool belongs(const Pass& pass, const std::string& op);
bool too_large(const Case& row, double max_flop);
double max_flop();  // above which a row costs too much under a sanitizer or an emulator (NATIVEDL_TEST_SLOW)
// Whether the pass reads the gradient of an output that has none: of integers.
bool lacks_gradient(const Pass& pass, const Values& values);

}  // namespace ndl::test
