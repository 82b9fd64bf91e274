// core/submit.cpp: resolve, infer, allocate, choose, derive, run. Once, for every op.
#include "core/submit.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <string>
#include <tuple>

#include "core/context.hpp"
#include "core/storage.hpp"

namespace ndl {
#if defined(__x86_64__)
namespace cpu::amx { extern const bool kEmulated; }  // in the native tests
#endif
namespace {

bool tracing() {
  static const bool enabled = [] {
    const char* value = std::getenv("NATIVEDL_TRACE");
    return value != nullptr && *value != '\0' && *value != '0';
  }();
  return enabled;
}

struct ErrorWord {
  std::mutex mutex;
  const char* sentence = nullptr;
  int64_t position = std::numeric_limits<int64_t>::max();
  int64_t value = 0;
};

bool is_output(Role role) { return role == Role::out || role == Role::optional_out; }

constexpr size_t kMaxOperands = 24;

// The operands of one call, flattened: a list contributes an entry per item.
class Call {
 public:
  Call(const Pass& pass, std::span<const Arg> args)
      : pass_(pass), args_(args), total_(count_entries()), present_(total_), descs_(total_), tensors_(total_), pointers_(total_), counts_(total_), created_(total_) {}

  // Looks up every handle; outputs that the caller gave included.
  void resolve() {
    for_each([&](size_t operand, size_t item, size_t entry) {
      const Operand& role = pass_.operands[operand];
      const Arg& arg = args_[operand];
      switch (role.role) {
        case Role::dims:
          descs_[entry] = make_desc(kNoDType, {}, static_cast<const int64_t*>(arg.pointer),
                                    static_cast<int32_t>(std::clamp<int64_t>(static_cast<int64_t>(arg.value), -1, 1 << 20)), pass_.name, role.name);
          present_[entry] = true;
          return;
        case Role::numbers: {
          Desc& list = descs_[entry];
          list.rank = static_cast<int32_t>(arg.value);
          if (list.rank < 0 || list.rank > NDL_MAX_RANK)
            fail(NDL_ERROR_INVALID_ARGUMENT, pass_.name, ": the count of ", role.name, " is ", list.rank, "; it must be in 0..", NDL_MAX_RANK);
          if (list.rank > 0) std::copy_n(&required(static_cast<const int64_t*>(arg.pointer), pass_.name, role.name), list.rank, list.dims.begin());
          present_[entry] = true;
          return;
        }
        case Role::out:
        case Role::optional_out:
          if (arg.pointer == nullptr) {
            if (role.role == Role::out) fail(NDL_ERROR_INVALID_ARGUMENT, pass_.name, ": ", role.name, " is a null pointer; give the address of a handle");
            return;
          }
          present_[entry] = true;
          if (const ndl_tensor handle = output_handle(operand, item); handle != 0) hold(entry, handle, role.name);
          return;
        case Role::in:
        case Role::optional:
        case Role::inout: {
          const ndl_tensor handle = role.list ? static_cast<const ndl_tensor*>(arg.pointer)[item] : arg.value;
          if (handle == 0 && role.role == Role::optional) return;
          hold(entry, handle, role.name);
          present_[entry] = true;
          descs_[entry] = tensors_[entry]->desc;
          return;
        }
      }
    });
  }

  void check_device(Device device) {
    for (size_t i = 0; i < total_; ++i)
      if (tensors_[i] && tensors_[i]->desc.device != device)
        fail(NDL_ERROR_INVALID_ARGUMENT, pass_.name, ": an operand is on another device than the context; copy it there");
  }

  Descs descs() { return Descs(pass_.name, pass_.operands, first_, descs_.data(), present_.data()); }

  // Outputs that were given must be as inferred; the others are allocated.
  void prepare_outputs(Device device) {
    for_each([&](size_t operand, size_t, size_t entry) {
      const Operand& role = pass_.operands[operand];
      if (!is_output(role.role) || !present_[entry]) return;
      Desc& wanted = descs_[entry];
      wanted.device = device;
      if (!tensors_[entry]) {
        created_[entry] = tensors().create(new_tensor(wanted));
        tensors_[entry] = tensors().resolve(created_[entry]);
        return;
      }
      const Desc& given = tensors_[entry]->desc;
      if (given.dtype != wanted.dtype)
        fail(NDL_ERROR_INVALID_DTYPE, pass_.name, ": the output ", role.name, " is ", given, ", it must be ", wanted);
      if (!given.same_shape(wanted))
        fail(NDL_ERROR_INVALID_SHAPE, pass_.name, ": the output ", role.name, " has shape ", shape_text(given), ", it must have ",
             shape_text(wanted));
    });
  }

  // No written memory may overlap another operand, but for the pairs that the roles allow.
  void check_overlap() {
    SmallArray<Extent, 12> extents(total_);
    size_t count = 0;
    for_each([&](size_t operand, size_t, size_t entry) {
      if (!tensors_[entry] || tensors_[entry]->desc.count() == 0) return;
      const auto begin = reinterpret_cast<uintptr_t>(tensors_[entry]->data());
      extents[count++] = {begin, begin + static_cast<uintptr_t>(tensors_[entry]->desc.bytes()), operand, entry};
    });
    // An optimizer's lists hold hundreds of tensors: sorted, each need be compared with its neighbours only.
    const bool sorted = count > 16;
    if (sorted) std::sort(extents.begin(), extents.begin() + count, [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    for (size_t i = 0; i < count; ++i)
      for (size_t j = i + 1; j < count; ++j) {
        if (sorted && extents[j].begin >= extents[i].end) break;
        if (extents[i].begin < extents[j].end && extents[j].begin < extents[i].end) check_shared(extents[i], extents[j]);
      }
  }

  double bytes() const {
    double sum = 0;
    for (size_t i = 0; i < total_; ++i)
      if (tensors_[i]) sum += static_cast<double>(tensors_[i]->desc.bytes());
    return sum;
  }

  Buffers buffers(const void* derived) {
    for (size_t i = 0; i < total_; ++i) {
      pointers_[i] = tensors_[i] ? tensors_[i]->data() : nullptr;
      counts_[i] = tensors_[i] ? tensors_[i]->desc.count() : 0;
    }
    return {pointers_.data(), counts_.data(), first_, derived};
  }

  const Tensor* tensor(int32_t operand) const { return tensors_[static_cast<size_t>(first_[operand])].get(); }

  void raise_versions() {
    for_each([&](size_t operand, size_t, size_t entry) {
      const Role role = pass_.operands[operand].role;
      if ((is_output(role) || role == Role::inout) && tensors_[entry]) tensors_[entry]->storage->written();
    });
  }

  bool writes_something() {
    bool something = false;
    for_each([&](size_t operand, size_t, size_t entry) {
      const Role role = pass_.operands[operand].role;
      if ((is_output(role) || role == Role::inout) && tensors_[entry] && tensors_[entry]->desc.count() > 0) something = true;
    });
    return something;
  }

  // Hands the new outputs to the caller; from here on they are his.
  void publish() {
    for_each([&](size_t operand, size_t item, size_t entry) {
      if (created_[entry] == 0) return;
      static_cast<ndl_tensor*>(const_cast<void*>(args_[operand].pointer))[item] = created_[entry];
      created_[entry] = 0;
    });
  }

  ~Call() {
    for (const ndl_tensor handle : created_)
      if (handle != 0) tensors().destroy(handle);
  }

  std::string describe() {
    std::string result;
    for_each([&](size_t operand, size_t, size_t entry) {
      if (present_[entry]) result += text(' ', pass_.operands[operand].name, '=', descs_[entry]);
    });
    return result;
  }

 private:
  size_t count_entries() {
    if (args_.size() != pass_.operands.size() || args_.size() > kMaxOperands)
      fail(NDL_ERROR_INTERNAL, pass_.name, ": the entry point gives ", args_.size(), " arguments, the pass has ", pass_.operands.size());
    int32_t total = 0;
    for (size_t operand = 0; operand < args_.size(); ++operand) {
      first_[operand] = total;
      const Operand& role = pass_.operands[operand];
      if (role.list) {
        const auto count = static_cast<int64_t>(args_[operand].value);
        if (count < 0 || count > 1'000'000)
          fail(NDL_ERROR_INVALID_ARGUMENT, pass_.name, ": the count of ", role.name, " is ", count);
        if (count > 0 && args_[operand].pointer == nullptr && role.role != Role::optional_out)
          fail(NDL_ERROR_INVALID_ARGUMENT, pass_.name, ": ", role.name, " is a null pointer, its count is ", count);
        total += static_cast<int32_t>(count);
      } else {
        ++total;
      }
    }
    first_[args_.size()] = total;
    return static_cast<size_t>(total);
  }

  template <class Visit>
  void for_each(const Visit& visit) {
    for (size_t operand = 0; operand < pass_.operands.size(); ++operand)
      for (int32_t entry = first_[operand]; entry < first_[operand + 1]; ++entry)
        visit(operand, static_cast<size_t>(entry - first_[operand]), static_cast<size_t>(entry));
  }

  ndl_tensor output_handle(size_t operand, size_t item) const {
    return static_cast<const ndl_tensor*>(args_[operand].pointer)[item];
  }

  void hold(size_t entry, ndl_tensor handle, const char* name) { tensors_[entry] = resolve_tensor(handle, pass_.name, name); }

  struct Extent {
    uintptr_t begin, end;
    size_t operand, entry;
  };

  // Two operands that overlap: an error unless both are only read, or they are the very same memory and may be.
  void check_shared(const Extent& a, const Extent& b) {
    const auto writes = [&](const Extent& e) {
      const Role role = pass_.operands[e.operand].role;
      return is_output(role) || role == Role::inout;
    };
    if (!writes(a) && !writes(b)) return;
    const bool allowed = (pass_.operands[a.operand].may_share >> b.operand & 1) || (pass_.operands[b.operand].may_share >> a.operand & 1);
    if (allowed && a.begin == b.begin && a.end == b.end) return;
    const auto& [written, other] = writes(b) ? std::tie(b, a) : std::tie(a, b);
    fail(NDL_ERROR_OVERLAP, pass_.name, ": ", pass_.operands[written.operand].name, ' ', tensors_[written.entry]->desc, " shares memory with ",
         pass_.operands[other.operand].name, ' ', tensors_[other.entry]->desc,
         allowed ? " in part; only the very same memory is allowed" : "; give it memory of its own");
  }

  const Pass& pass_;
  std::span<const Arg> args_;
  int32_t first_[kMaxOperands + 1] = {};
  size_t total_;
  SmallArray<bool, 12> present_;
  SmallArray<Desc, 12> descs_;
  SmallArray<TensorRef, 12> tensors_;
  SmallArray<void*, 12> pointers_;
  SmallArray<int64_t, 12> counts_;
  SmallArray<ndl_tensor, 12> created_;  // handles of new outputs, until the caller has them
};

// The one function that chooses: the name asked for, else the lowest estimate among those that accept; ties by
// the order of the list. A workspace over the limit is a refusal like any other.
int32_t choose(const Context& context, const Pass& pass, size_t pass_number, const RecordStorage& record, Call& call) {
  const Env env = context.env();
  const int32_t forced = context.forced.empty() ? -1 : context.forced[pass_number];
  const auto refusal = [&](int32_t i, std::string* why) {
    if (const char* sentence = obstacle(pass.target(i), machine()); sentence != nullptr) {
      if (why != nullptr) *why = sentence;
      return NDL_ERROR_NO_DEVICE;
    }
    if (const char* sentence = pass.reject(i, record, env); sentence != nullptr) {
      if (why != nullptr) *why = sentence;
      return NDL_ERROR_REFUSED;
    }
    if (context.options.workspace_limit > 0) {
      const int64_t needed = pass.workspace(i, record, env);
      if (needed > context.options.workspace_limit) {
        if (why != nullptr) *why = text("it needs ", needed, " bytes of workspace, the limit is ", context.options.workspace_limit);
        return NDL_ERROR_REFUSED;
      }
    }
    return NDL_OK;
  };

  if (forced >= 0) {
    std::string why;
    const ndl_status status = refusal(forced, &why);
    if (status != NDL_OK)
      fail(status, pass.name, ": ", pass.implementation_name(forced), " refuses", call.describe(), ": ", why);
    return forced;
  }
  int32_t best = -1;
  double best_estimate = 0;
  for (int32_t i = 0; i < pass.implementations(); ++i) {
    if (tracing()) {
      std::string why;
      if (refusal(i, &why) != NDL_OK) {
        std::fprintf(stderr, "nativedl: %s: %s refuses: %s\n", pass.name, pass.implementation_name(i), why.c_str());
        continue;
      }
    } else if (refusal(i, nullptr) != NDL_OK) {
      continue;
    }
    const double estimate = pass.estimate(i, record, env);
    if (best < 0 || estimate < best_estimate) best = i, best_estimate = estimate;
  }
  if (best < 0)
    fail(NDL_ERROR_REFUSED, pass.name, ": no implementation accepts", call.describe(),
         "; raise the context's workspace limit, or run with NATIVEDL_TRACE=1 to see why each refuses");
  return best;
}

size_t number_of(const Pass& pass) {
  const auto passes = all_passes();
  return static_cast<size_t>(std::find(passes.begin(), passes.end(), &pass) - passes.begin());
}

void run_pass(ndl_context handle, const Pass& pass, const void* user_options, std::span<const Arg> args) {
  ContextUse context(handle, pass.name);

  alignas(8) unsigned char options[256];
  if (pass.options_size > sizeof(options)) fail(NDL_ERROR_INTERNAL, pass.name, ": the options are too large");
  if (pass.options_size > 0) {
    std::copy_n(static_cast<const unsigned char*>(pass.default_options), pass.options_size, options);
    const auto* given = static_cast<const unsigned char*>(user_options);
    read_options(pass.name, &required(given, pass.name, "options"), pass.fields, options, pass.options_size);
  }

  Call call(pass, args);
  call.resolve();
  call.check_device(context->device());
  RecordStorage record;
  {
    Descs descs = call.descs();
    pass.infer(options, descs, record);
  }
  call.prepare_outputs(context->device());
  call.check_overlap();
  pass.record(record).bytes = call.bytes();

  const int32_t chosen = choose(*context, pass, context->forced.empty() ? 0 : number_of(pass), record, call);
  if (tracing())
    std::fprintf(stderr, "nativedl: %s: %s runs%s\n", pass.name, pass.implementation_name(chosen), call.describe().c_str());

  ErrorWord error;
  int64_t workspace_bytes = 0, derived_bytes = 0;
  if (call.writes_something()) {  // a kernel never sees a call without a single element to compute
    const Env env = context->env();
    workspace_bytes = pass.workspace(chosen, record, env);
    context->workspace.reserve(workspace_bytes);
    const Exec exec{context->threads, context->workspace.data(), &error, last_cache_bytes(machine())};
    std::shared_ptr<const Derived> derived;
    if (const int32_t operand = pass.derived_operand(chosen); operand >= 0) {
      const Tensor& weight = *call.tensor(operand);
      const DerivedMethod method = pass.method(chosen, record);
      derived_bytes = pass.derived_bytes(chosen, record, env);
      if (pass.derive_again(chosen) && derived_bytes > 0 && !weight.storage->comes_again(method, weight.offset)) derived_bytes = 0;
      if (derived_bytes > 0)
        derived = weight.storage->derive(method, weight.offset, weight.desc, derived_bytes,
                                         [&](void* destination) { pass.derive(chosen, record, weight.data(), destination, exec); });
    }
    pass.run(chosen, record, call.buffers(derived == nullptr ? nullptr : derived->data.data()), exec);
  }
  call.raise_versions();
  context->last_implementation = pass.implementation_name(chosen);
  context->last_flop = pass.record(record).flop;
  context->last_workspace = workspace_bytes, context->last_derived = derived_bytes;
  if (error.sentence != nullptr)
    fail(NDL_ERROR_INVALID_DATA, pass.name, ": ", error.sentence, " (value ", error.value, " at position ", error.position, ")");
  call.publish();
}

}  // namespace

const char* obstacle(Target target, const Machine& machine) {
  switch (target) {
    case Target::any_cpu: return nullptr;
    case Target::cpu_baseline: return nullptr;
    case Target::cpu_avx2: return machine.isa >= Isa::avx2 ? nullptr : "it needs AVX2 and FMA, which this machine lacks or NATIVEDL_CPU hides";
    case Target::cpu_avx512: return machine.isa >= Isa::avx512 ? nullptr : "it needs AVX-512, which this machine lacks or NATIVEDL_CPU hides";
    case Target::cpu_avx512_bf16:
      return machine.isa >= Isa::avx512_bf16 ? nullptr : "it needs AVX-512 BF16, which this machine lacks or NATIVEDL_CPU hides";
    case Target::cpu_amx:
#if defined(__x86_64__)
      if (cpu::amx::kEmulated && machine.isa >= Isa::avx512) return nullptr;
#endif
      return machine.isa >= Isa::amx ? nullptr : "it needs AMX, which this machine lacks or NATIVEDL_CPU hides";
  }
  return "its target is unknown";
}

void Descs::output(int operand, ndl_dtype dtype, std::span<const int64_t> dims, int item) {
  descs_[first_[operand] + item] =
      make_desc(dtype, {}, dims.data(), static_cast<int32_t>(dims.size()), pass_, operands_[static_cast<size_t>(operand)].name);
}

void report_bad_value(const Exec& exec, const char* sentence, int64_t position, int64_t value) {
  auto& error = *static_cast<ErrorWord*>(exec.error_word);
  std::lock_guard lock(error.mutex);
  if (position >= error.position) return;
  error.sentence = sentence;
  error.position = position;
  error.value = value;
}

ndl_status submit(ndl_context context, const Pass& pass, const void* options, std::span<const Arg> args) noexcept {
  return guard([&] { run_pass(context, pass, options, args); });
}

}  // namespace ndl
