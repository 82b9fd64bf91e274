// core/context.hpp: options, workspace and the running call of one stream of work.
#pragma once

#include <atomic>
#include <vector>

#include "core/allocator.hpp"
#include "core/handle.hpp"
#include "core/pass.hpp"
#include "nativedl/context.h"

namespace ndl {

struct Context {
  ndl_context_options options;
  int32_t threads;                     // resolved: at least 1
  std::atomic<bool> busy{false};
  Buffer workspace;
  std::vector<int32_t> forced;         // implementation by pass number, -1: free choice; empty: all free
  const char* last_implementation = "";
  double last_flop = 0;                // of the last call's record
  int64_t last_workspace = 0, last_derived = 0;  // bytes of the last call

  explicit Context(const ndl_context_options& o);
  Device device() const { return {options.device_type, options.device_index}; }
  Env env() const { return {machine().cores, options.precision}; }
};

using ContextTable = HandleTable<Context, HandleKind::context>;
using ContextRef = ContextTable::Ref;
ContextTable& contexts();

// Holds a context for one call; a second call meanwhile is a CONTEXT_BUSY error that harms nothing.
class ContextUse {
 public:
  ContextUse(ndl_context handle, const char* function);
  ~ContextUse() { context_->busy.store(false, std::memory_order_release); }
  ContextUse(const ContextUse&) = delete;
  ContextUse& operator=(const ContextUse&) = delete;
  Context* operator->() const { return context_.get(); }
  Context& operator*() const { return *context_; }

 private:
  ContextRef context_;
};

}  // namespace ndl
