#include "ops/list.hpp"

#include <algorithm>
#include <vector>

#include "core/pass.hpp"

namespace ndl {

#define NDL_DECLARE_OP(name) extern const Op name##_op;
NDL_OPS(NDL_DECLARE_OP)
#undef NDL_DECLARE_OP

std::span<const Pass* const> all_passes() {
  static const auto* passes = [] {
    auto* list = new std::vector<const Pass*>;
#define NDL_APPEND(name) list->insert(list->end(), name##_op.passes.begin(), name##_op.passes.end());
    NDL_OPS(NDL_APPEND)
#undef NDL_APPEND
    return list;
  }();
  return *passes;
}

const char* chain_of(const Pass& pass) {
#define NDL_FIND(name) \
  if (std::find(name##_op.passes.begin(), name##_op.passes.end(), &pass) != name##_op.passes.end()) return name##_op.chain;
  NDL_OPS(NDL_FIND)
#undef NDL_FIND
  return "";
}

}  // namespace ndl
