// core/options.hpp: options structs read by their field tables.
//
// A table row names a field, its place and its kind. It serves the struct_size rules, the refusal of enum
// value 0, the trace, and the drivers that build options from the text of a case table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "core/error.hpp"
#include "nativedl/context.h"
#include "nativedl/tensor.h"

namespace ndl {

// The items of an enum of the ABI, numbered from 1: their names in lower case, as case tables spell them.
struct EnumItems {
  const char* const* names;
  int32_t count;
};
template <class E>
EnumItems enum_items();

struct Field {
  enum class Kind : uint8_t { i32, i64, f32, f64, enumeration };
  const char* name;
  uint32_t offset;
  Kind kind;
  EnumItems (*items)() = nullptr;

  uint32_t size() const { return kind == Kind::i64 || kind == Kind::f64 ? 8 : 4; }
};

template <class T>
constexpr Field make_field(const char* name, size_t offset) {
  const auto place = static_cast<uint32_t>(offset);
  if constexpr (std::is_enum_v<T>) return {name, place, Field::Kind::enumeration, &enum_items<T>};
  if constexpr (std::is_same_v<T, int32_t>) return {name, place, Field::Kind::i32};
  if constexpr (std::is_same_v<T, int64_t>) return {name, place, Field::Kind::i64};
  if constexpr (std::is_same_v<T, float>) return {name, place, Field::Kind::f32};
  if constexpr (std::is_same_v<T, double>) return {name, place, Field::Kind::f64};
}

#define NDL_FIELD(Struct, field) ::ndl::make_field<decltype(Struct::field)>(#field, offsetof(Struct, field))

// Copies the caller's struct over the defaults in *target, by the rules of nativedl/base.h: struct_size may
// be an older version's or, when what this library does not know is zero, a newer one's.
void read_options(const char* function, const void* user, std::span<const Field> fields, void* target,
                  uint32_t target_size);

// Fills the caller's info struct as far as its struct_size goes.
template <class Info>
void write_info(const char* function, Info full, Info* user) {
  const uint32_t size = required(user, function, "info").struct_size;
  if (size < 8 || size % 8 != 0)
    fail(NDL_ERROR_INVALID_ARGUMENT, function, ": struct_size is ", size, "; set it to sizeof(the struct), ", sizeof(Info));
  full.struct_size = size;
  std::memcpy(user, &full, size < sizeof(Info) ? size : sizeof(Info));
}

}  // namespace ndl
