// core/pass.hpp: the description of one pass of an op: operands, options, infer, implementations.
//
// An op file fills it in; submit, the drivers, the trace and `info` read it. Nothing here is specific to an op.
#pragma once

#include <memory>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "core/desc.hpp"
#include "core/kernel.hpp"
#include "core/machine.hpp"
#include "core/options.hpp"
#include "core/small_array.hpp"

namespace ndl {

enum class Role : uint8_t {
  in,            // read
  optional,      // read where given; handle 0: absent
  inout,         // read and overwritten: a plain handle whose version is raised
  out,           // overwritten, allocated where the handle is 0
  optional_out,  // not wanted where the pointer is null
  dims,          // no tensor: a pointer to int64 and a count, for what the operands do not determine
  numbers        // likewise, of any sign: axes, which count from the end where negative
};

struct Operand {
  const char* name;       // as in the header and the case tables
  Role role;
  bool list = false;      // a pointer to handles and a count
  uint32_t may_share = 0; // bit i: may be the same memory as operand i, element for element
};
inline constexpr uint32_t shares(int operand) { return 1u << operand; }

// The operands of one call as infer sees them: descriptions only.
class Descs {
 public:
  Descs(const char* pass, std::span<const Operand> operands, const int32_t* first, Desc* descs, const bool* present)
      : pass_(pass), operands_(operands), first_(first), descs_(descs), present_(present) {}

  const Desc& operator[](int operand) const { return descs_[first_[operand]]; }
  bool has(int operand) const { return first_[operand + 1] > first_[operand] && present_[first_[operand]]; }
  std::span<const Desc> list(int operand) const {
    return {descs_ + first_[operand], descs_ + first_[operand + 1]};
  }
  // Sets what an output must be; an error where its size overflows. The device is that of the call.
  void output(int operand, ndl_dtype dtype, std::span<const int64_t> dims, int item = 0);
  void output(int operand, ndl_dtype dtype, std::initializer_list<int64_t> dims, int item = 0) {
    output(operand, dtype, std::span<const int64_t>(dims.begin(), dims.size()), item);
  }
  void output_like(int operand, const Desc& like, int item = 0) {
    output(operand, like.dtype, std::span<const int64_t>(like.dims.data(), static_cast<size_t>(like.rank)), item);
  }

 private:
  const char* pass_;
  std::span<const Operand> operands_;
  const int32_t* first_;
  Desc* descs_;
  const bool* present_;
};

// What must be there for an implementation to run at all.
enum class Target : uint8_t { any_cpu, cpu_baseline, cpu_avx2, cpu_avx512, cpu_avx512_bf16, cpu_amx };
// Null where the machine has it, else a sentence.
const char* obstacle(Target target, const Machine& machine);

template <class R>
struct Implementation {
  const char* name;    // <backend>:<method>[:<instruction set>]
  Target target;
  const char* (*reject)(const R&, const Env&);  // null function: accepts everything; null result: accepted; else why not
  double (*estimate)(const R&, const Env&, Target);  // seconds
  const Kernel<R>* kernel;
};

struct DerivedMethod {
  const void* kernel;
  int64_t variant;
  bool operator==(const DerivedMethod&) const = default;
};

// Alignment and room for any op's record; PassOf checks.
struct alignas(64) RecordStorage {
  unsigned char bytes[1024];
};

class Pass {
 public:
  const char* name;  // "conv2d_forward"
  std::span<const Operand> operands;
  std::span<const Field> fields;  // of the options; empty where the op has none
  uint32_t options_size;
  const void* default_options;

  constexpr Pass(const char* pass_name, std::span<const Operand> pass_operands, std::span<const Field> option_fields,
                 uint32_t size, const void* defaults)
      : name(pass_name), operands(pass_operands), fields(option_fields), options_size(size), default_options(defaults) {}

  // options are normalised already. Throws Error with a sentence that names the op, the shapes and the fix.
  virtual void infer(const void* options, Descs& descs, RecordStorage& storage) const = 0;
  virtual Record& record(RecordStorage& storage) const = 0;
  virtual int32_t implementations() const = 0;
  virtual const char* implementation_name(int32_t i) const = 0;
  virtual Target target(int32_t i) const = 0;
  virtual const char* reject(int32_t i, const RecordStorage& storage, const Env& env) const = 0;
  virtual double estimate(int32_t i, const RecordStorage& storage, const Env& env) const = 0;
  virtual int64_t workspace(int32_t i, const RecordStorage& storage, const Env& env) const = 0;
  virtual int32_t derived_operand(int32_t i) const = 0;
  virtual int64_t derived_bytes(int32_t i, const RecordStorage& storage, const Env& env) const = 0;
  virtual void derive(int32_t i, const RecordStorage& storage, const void* operand, void* derived, const Exec& exec) const = 0;
  virtual void run(int32_t i, const RecordStorage& storage, const Buffers& buffers, const Exec& exec) const = 0;
  virtual bool derive_again(int32_t i) const = 0;
  // What identifies an implementation's derived data beside the weight itself.
  virtual DerivedMethod method(int32_t i, const RecordStorage& storage) const = 0;

 protected:
  ~Pass() = default;
};

struct NoOptions {};

template <class R, class O = NoOptions>
class PassOf final : public Pass {
  static_assert(std::is_base_of_v<Record, R> && std::is_trivially_destructible_v<R>);
  static_assert(sizeof(R) <= sizeof(RecordStorage) && alignof(R) <= alignof(RecordStorage));

 public:
  using Infer = void (*)(const O& options, Descs& descs, R& record);

  constexpr PassOf(const char* pass_name, std::span<const Operand> pass_operands, Infer infer_function,
                   std::span<const Implementation<R>> list, std::span<const Field> option_fields = {},
                   const O* defaults = nullptr)
      : Pass(pass_name, pass_operands, option_fields, std::is_same_v<O, NoOptions> ? 0 : sizeof(O), defaults),
        infer_(infer_function), list_(list) {}

  void infer(const void* options, Descs& descs, RecordStorage& storage) const override {
    R* record = new (storage.bytes) R();
    infer_(*static_cast<const O*>(options), descs, *record);
  }
  Record& record(RecordStorage& storage) const override { return *std::launder(reinterpret_cast<R*>(storage.bytes)); }
  int32_t implementations() const override { return static_cast<int32_t>(list_.size()); }
  const char* implementation_name(int32_t i) const override { return at(i).name; }
  Target target(int32_t i) const override { return at(i).target; }
  const char* reject(int32_t i, const RecordStorage& storage, const Env& env) const override {
    return at(i).reject == nullptr ? nullptr : at(i).reject(get(storage), env);
  }
  double estimate(int32_t i, const RecordStorage& storage, const Env& env) const override {
    return at(i).estimate(get(storage), env, at(i).target);
  }
  int64_t workspace(int32_t i, const RecordStorage& storage, const Env& env) const override {
    return at(i).kernel->workspace == nullptr ? 0 : at(i).kernel->workspace(get(storage), env);
  }
  int32_t derived_operand(int32_t i) const override { return at(i).kernel->derived_operand; }
  int64_t derived_bytes(int32_t i, const RecordStorage& storage, const Env& env) const override {
    return at(i).kernel->derived_bytes(get(storage), env);
  }
  void derive(int32_t i, const RecordStorage& storage, const void* operand, void* derived, const Exec& exec) const override {
    at(i).kernel->derive(get(storage), operand, derived, exec);
  }
  void run(int32_t i, const RecordStorage& storage, const Buffers& buffers, const Exec& exec) const override {
    at(i).kernel->run(get(storage), buffers, exec);
  }
  bool derive_again(int32_t i) const override { return at(i).kernel->derive_again; }
  DerivedMethod method(int32_t i, const RecordStorage& storage) const override {
    const Kernel<R>* kernel = at(i).kernel;
    return {kernel, kernel->derived_variant == nullptr ? 0 : kernel->derived_variant(get(storage))};
  }

 private:
  const Implementation<R>& at(int32_t i) const { return list_[static_cast<size_t>(i)]; }
  static const R& get(const RecordStorage& storage) {
    return *std::launder(reinterpret_cast<const R*>(storage.bytes));
  }

  Infer infer_;
  std::span<const Implementation<R>> list_;
};

// What an op file exports to ops/list.hpp: its passes, forward first, and of a fused op the chain of ops that it equals,
// their names with blanks between.
struct Op {
  std::span<const Pass* const> passes;
  const char* chain = "";
};

// All passes of the library, in the order of ops/list.hpp.
std::span<const Pass* const> all_passes();
// The chain of the op that the pass belongs to.
const char* chain_of(const Pass& pass);

}  // namespace ndl
