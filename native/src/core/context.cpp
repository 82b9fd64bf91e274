// core/context.cpp: the entry points of nativedl/context.h.
#include "core/context.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/storage.hpp"

namespace ndl {

int64_t live_leases();

namespace {

int32_t default_threads() {
  const char* wanted = std::getenv("NATIVEDL_THREADS");
  const int threads = wanted == nullptr ? 0 : std::atoi(wanted);
  return threads > 0 ? threads : machine().cores;
}

int32_t pass_index(const char* name) {
  const auto passes = all_passes();
  for (size_t i = 0; i < passes.size(); ++i)
    if (std::strcmp(passes[i]->name, name) == 0) return static_cast<int32_t>(i);
  fail(NDL_ERROR_INVALID_ARGUMENT, "context_set_implementation: there is no pass '", name, "'; see ndl_pass_name");
}

int32_t implementation_index(const Pass& pass, const char* name) {
  std::string names;
  for (int32_t i = 0; i < pass.implementations(); ++i) {
    if (std::strcmp(pass.implementation_name(i), name) == 0) return i;
    names += std::string(i == 0 ? "" : ", ") + pass.implementation_name(i);
  }
  fail(NDL_ERROR_INVALID_ARGUMENT, "context_set_implementation: ", pass.name, " has no implementation '", name,
       "'; it has ", names);
}

const Pass& pass_at(int32_t index) {
  const auto passes = all_passes();
  if (index < 0 || static_cast<size_t>(index) >= passes.size())
    fail(NDL_ERROR_INVALID_ARGUMENT, "there is no pass ", index, "; there are ", passes.size());
  return *passes[static_cast<size_t>(index)];
}

const Pass& checked(int32_t pass, int32_t implementation) {
  const Pass& result = pass_at(pass);
  if (implementation < 0 || implementation >= result.implementations())
    fail(NDL_ERROR_INVALID_ARGUMENT, result.name, " has no implementation ", implementation, "; it has ",
         result.implementations());
  return result;
}

}  // namespace

Context::Context(const ndl_context_options& o) : options(o), threads(o.threads > 0 ? o.threads : default_threads()) {}

ContextTable& contexts() {
  static ContextTable* table = new ContextTable;
  return *table;
}

ContextUse::ContextUse(ndl_context handle, const char* function) : context_(contexts().resolve(handle)) {
  if (!context_)
    fail(NDL_ERROR_INVALID_HANDLE, function, ": the context is not live (",
         handle == 0 ? "the handle is 0" : "it was destroyed, or is no context handle", ")");
  if (context_->busy.exchange(true, std::memory_order_acquire))
    fail(NDL_ERROR_CONTEXT_BUSY, function, ": another thread is inside a call on this context; give each thread its own");
}

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_context_create(const ndl_context_options* options, ndl_context* context) {
  return guard([&] {
    static constexpr ndl_context_options kDefaults{sizeof(ndl_context_options), NDL_DEVICE_TYPE_CPU, 0, 0,
                                                   NDL_PRECISION_STANDARD, NDL_DETERMINISM_REQUIRED, 0};
    static constexpr Field kFields[] = {
        NDL_FIELD(ndl_context_options, device_type), NDL_FIELD(ndl_context_options, device_index),
        NDL_FIELD(ndl_context_options, threads),     NDL_FIELD(ndl_context_options, precision),
        NDL_FIELD(ndl_context_options, determinism), NDL_FIELD(ndl_context_options, workspace_limit)};
    ndl_context_options o = kDefaults;
    if (options != nullptr) read_options("context_create", options, kFields, &o, sizeof(o));
    ndl_context& result = required(context, "context_create", "context");
    if (o.threads < 0 || o.threads > 4096)
      fail(NDL_ERROR_INVALID_ARGUMENT, "context_create: threads is ", o.threads, "; give 0 (all cores) or 1..4096");
    if (o.workspace_limit < 0)
      fail(NDL_ERROR_INVALID_ARGUMENT, "context_create: workspace_limit is ", o.workspace_limit, "; give bytes, or 0 for no limit");
    if (o.device_type != NDL_DEVICE_TYPE_CPU || o.device_index != 0)
      fail(NDL_ERROR_NO_DEVICE, "context_create: there is no usable device ", Device{o.device_type, o.device_index}, "; use cpu:0");
    result = contexts().create(o);
  });
}

ndl_status ndl_context_destroy(ndl_context context) {
  return guard([&] {
    if (context != 0 && !contexts().destroy(context))
      fail(NDL_ERROR_INVALID_HANDLE, "context_destroy: the context was destroyed before, or is no context handle");
  });
}

ndl_status ndl_context_set_implementation(ndl_context context, const char* pass, const char* implementation) {
  return guard([&] {
    ContextUse use(context, "context_set_implementation");
    if (pass == nullptr) {
      use->forced.clear();
      return;
    }
    const int32_t index = pass_index(pass);
    const bool lift = implementation == nullptr || *implementation == '\0';
    const int32_t chosen = lift ? -1 : implementation_index(*all_passes()[static_cast<size_t>(index)], implementation);
    use->forced.resize(all_passes().size(), -1);
    use->forced[static_cast<size_t>(index)] = chosen;
  });
}

ndl_status ndl_context_last_implementation(ndl_context context, char* buffer, int64_t capacity, int64_t* length) {
  return guard([&] {
    ContextUse use(context, "context_last_implementation");
    copy_text(use->last_implementation, buffer, capacity, length);
  });
}

ndl_status ndl_context_last_memory(ndl_context context, int64_t* workspace_bytes, int64_t* derived_bytes) {
  return guard([&] {
    ContextUse use(context, "context_last_memory");
    if (workspace_bytes != nullptr) *workspace_bytes = use->last_workspace;
    if (derived_bytes != nullptr) *derived_bytes = use->last_derived;
  });
}

ndl_status ndl_memory_get_info(ndl_memory_info* info) {
  return guard([&] {
    const MemoryStatistics statistics = memory_statistics();
    ndl_memory_info full{};
    full.bytes_in_use = statistics.bytes_in_use;
    full.bytes_cached = statistics.bytes_cached;
    full.peak_bytes_in_use = statistics.peak_bytes_in_use;
    full.system_allocations = statistics.system_allocations;
    full.live_tensors = tensors().live() + live_leases();
    full.derived_bytes = Storage::total_derived_bytes();
    write_info("memory_get_info", full, info);
  });
}

ndl_status ndl_memory_trim(void) {
  return guard([] { trim_memory(); });
}

ndl_status ndl_memory_reset_peak(void) {
  return guard([] { reset_memory_peak(); });
}

ndl_status ndl_machine_get_info(ndl_machine_info* info) {
  return guard([&] {
    ndl_machine_info full{};
    full.cores = machine().cores;
    full.l1_bytes = machine().l1_bytes;
    full.l2_bytes = machine().l2_bytes;
    full.l3_bytes = machine().l3_bytes;
    write_info("machine_get_info", full, info);
  });
}

ndl_status ndl_machine_describe(char* buffer, int64_t capacity, int64_t* length) {
  return guard([&] {
    copy_text(text("version: ", NDL_VERSION, "\nabi: ", NDL_ABI_VERSION, "\nprocessor: ", machine().processor,
                   "\ninstruction set: ", isa_name(machine().isa), "\ncores: ", machine().cores,
                   "\ncompiler: ", __VERSION__, "\n"),
              buffer, capacity, length);
  });
}

ndl_status ndl_pass_count(int32_t* count) {
  return guard([&] { required(count, "pass_count", "count") = static_cast<int32_t>(all_passes().size()); });
}

ndl_status ndl_pass_name(int32_t pass, char* buffer, int64_t capacity, int64_t* length) {
  return guard([&] { copy_text(pass_at(pass).name, buffer, capacity, length); });
}

ndl_status ndl_pass_chain(int32_t pass, char* buffer, int64_t capacity, int64_t* length) {
  return guard([&] { copy_text(chain_of(pass_at(pass)), buffer, capacity, length); });
}

ndl_status ndl_implementation_count(int32_t pass, int32_t* count) {
  return guard([&] { required(count, "implementation_count", "count") = pass_at(pass).implementations(); });
}

ndl_status ndl_implementation_name(int32_t pass, int32_t implementation, char* buffer, int64_t capacity, int64_t* length) {
  return guard([&] {
    copy_text(checked(pass, implementation).implementation_name(implementation), buffer, capacity, length);
  });
}

ndl_status ndl_implementation_obstacle(int32_t pass, int32_t implementation, char* buffer, int64_t capacity, int64_t* length) {
  return guard([&] {
    const char* sentence = obstacle(checked(pass, implementation).target(implementation), machine());
    copy_text(sentence == nullptr ? "" : sentence, buffer, capacity, length);
  });
}

}
