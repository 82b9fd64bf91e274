// core/submit.hpp: the only way from an entry point to a kernel.
#pragma once

#include <initializer_list>
#include <span>

#include "core/pass.hpp"
#include "nativedl/context.h"

namespace ndl {

// One argument of an entry point; the pass's operand at the same place says how to read it.
struct Arg {
  const void* pointer;
  uint64_t value;  // a handle, or a count of items
};
inline Arg in(ndl_tensor handle) { return {nullptr, handle}; }
inline Arg out(ndl_tensor* handle) { return {handle, 1}; }
inline Arg dims(const int64_t* values, int32_t count) { return {values, static_cast<uint64_t>(static_cast<int64_t>(count))}; }
inline Arg in_list(const ndl_tensor* handles, int32_t count) { return {handles, static_cast<uint64_t>(static_cast<int64_t>(count))}; }
inline Arg out_list(ndl_tensor* handles, int32_t count) { return {handles, static_cast<uint64_t>(static_cast<int64_t>(count))}; }

// Resolves the arguments, infers, chooses, allocates, runs, raises versions. `options` is the caller's struct
// (null where the pass has none). On failure no output handle is written and no tensor was changed, unless an
// error was found in the data, in which case the outputs given hold what the op's comment says.
ndl_status submit(ndl_context context, const Pass& pass, const void* options, std::span<const Arg> args) noexcept;

inline ndl_status submit(ndl_context context, const Pass& pass, const void* options,
                         std::initializer_list<Arg> args) noexcept {
  return submit(context, pass, options, std::span<const Arg>(args.begin(), args.size()));
}

}  // namespace ndl
