// tests/native/case_table.hpp: rows of tests/cases/<op>.cases; the format is described in tests/cases/README.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/desc.hpp"

namespace ndl::test {

struct OperandSpec {
  Desc desc;
  std::string values;  // "", "index(10)", "nonneg", ...
};

struct Case {
  std::string text;                                          // the row as written: the case's name
  std::map<std::string, std::vector<OperandSpec>> operands;  // a list operand has several, an absent one none
  std::map<std::string, std::string> options;
};

Case parse_case(const std::string& row);
std::vector<Case> read_cases(const std::string& op);
std::vector<std::string> case_tables();  // the ops that have a table

}  // namespace ndl::test
