#include "case_table.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/options.hpp"

namespace ndl::test {
namespace {

ndl_dtype dtype_of(const std::string& name) {
  const EnumItems items = enum_items<ndl_dtype>();
  for (int32_t i = 0; i < items.count; ++i)
    if (name == items.names[i]) return static_cast<ndl_dtype>(i + 1);
  fail(NDL_ERROR_INVALID_ARGUMENT, "case table: no dtype '", name, "'");
}

// "2x7x5x3:i64@index(10)"
OperandSpec operand(std::string word) {
  OperandSpec spec;
  if (const size_t at = word.find('@'); at != std::string::npos) spec.values = word.substr(at + 1), word.resize(at);
  spec.desc.dtype = NDL_DTYPE_F32;
  if (const size_t colon = word.find(':'); colon != std::string::npos) spec.desc.dtype = dtype_of(word.substr(colon + 1)), word.resize(colon);
  if (word == "scalar") return spec;
  std::stringstream dims(word);
  for (std::string dim; std::getline(dims, dim, 'x');) spec.desc[spec.desc.rank++] = std::stoll(dim);
  return spec;
}

// An operand's value starts with a digit or "scalar" and holds an x, or its key is no option; the pass decides which
// keys are operands, so both readings are kept.
bool looks_like_operand(const std::string& value) {
  return value == "scalar" || value.rfind("scalar", 0) == 0 ||
         (!value.empty() && value.find_first_not_of("0123456789x:,@") == std::string::npos) || value.find(':') != std::string::npos ||
         value.find('@') != std::string::npos;
}

std::vector<std::string> split_list(const std::string& value) {
  std::vector<std::string> parts;
  std::stringstream stream(value);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

}  // namespace

Case parse_case(const std::string& row) {
  Case result;
  std::stringstream words(row);
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) fail(NDL_ERROR_INVALID_ARGUMENT, "case table: '", word, "' is not key=value");
    const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
    result.text += (result.text.empty() ? "" : " ") + word;
    result.options[key] = value;
    if (looks_like_operand(value))
      for (const std::string& part : split_list(value)) result.operands[key].push_back(operand(part));
  }
  return result;
}

std::vector<Case> read_cases(const std::string& op) {
  std::ifstream file(std::string(NDL_CASES_DIR) + "/" + op + ".cases");
  if (!file) fail(NDL_ERROR_INVALID_ARGUMENT, "there is no case table for ", op);
  std::vector<Case> cases;
  for (std::string line; std::getline(file, line);) {
    Case row = parse_case(line.substr(0, line.find('#')));
    if (!row.text.empty()) cases.push_back(std::move(row));
  }
  return cases;
}

std::vector<std::string> case_tables() {
  std::vector<std::string> ops;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(NDL_CASES_DIR, none))
    if (entry.path().extension() == ".cases") ops.push_back(entry.path().stem().string());
  std::sort(ops.begin(), ops.end());
  return ops;
}

}  // namespace ndl::test
