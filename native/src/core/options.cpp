#include "core/options.hpp"

#include <algorithm>

#include "nativedl/loss.h"

namespace ndl {

#define NDL_ENUM_ITEMS(E, ...)                                                       \
  template <>                                                                        \
  EnumItems enum_items<E>() {                                                        \
    static constexpr const char* kNames[] = {__VA_ARGS__};                           \
    return {kNames, static_cast<int32_t>(sizeof(kNames) / sizeof(kNames[0]))};       \
  }

NDL_ENUM_ITEMS(ndl_dtype, "f32", "f64", "f16", "bf16", "i64", "i32", "i8", "u8")
NDL_ENUM_ITEMS(ndl_device_type, "cpu", "cuda")
NDL_ENUM_ITEMS(ndl_activation, "none", "relu")
NDL_ENUM_ITEMS(ndl_precision, "strict", "standard", "fast")
NDL_ENUM_ITEMS(ndl_determinism, "required", "relaxed")
NDL_ENUM_ITEMS(ndl_reduction, "none", "mean", "sum")

void read_options(const char* function, const void* user, std::span<const Field> fields, void* target,
                  uint32_t target_size) {
  uint32_t size = 0;
  std::memcpy(&size, user, sizeof(size));
  // All structs are laid out in groups of eight bytes, so that a version never ends inside a field.
  if (size < 8 || size % 8 != 0 || size > 65536)
    fail(NDL_ERROR_INVALID_ARGUMENT, function, ": options.struct_size is ", size, "; set it to sizeof(the struct), ",
         target_size, " in this version");
  const auto* bytes = static_cast<const unsigned char*>(user);
  // What no field claims is reserved, or a later version's: zero keeps its meaning, anything else asks for
  // something that this library cannot do.
  uint32_t known = sizeof(size);
  const auto require_zero = [&](uint32_t end) {
    for (; known < end; ++known)
      if (bytes[known] != 0)
        fail(NDL_ERROR_INVALID_ARGUMENT, function, ": options has a value at byte ", known,
             ", where this version of the library has no field; set it to 0");
  };
  for (const Field& field : fields) {
    if (field.offset + field.size() > size) break;
    require_zero(field.offset);
    known = field.offset + field.size();
    if (field.kind != Field::Kind::enumeration) continue;
    int32_t value = 0;
    std::memcpy(&value, bytes + field.offset, sizeof(value));
    const EnumItems items = field.items();
    if (value < 1 || value > items.count)
      fail(NDL_ERROR_INVALID_ARGUMENT, function, ": options.", field.name, " is ", value, ", which names nothing; it goes from 1 (",
           items.names[0], ") to ", items.count, " (", items.names[items.count - 1], ")");
  }
  require_zero(size);
  std::memcpy(static_cast<unsigned char*>(target) + 4, bytes + 4, std::min(size, target_size) - 4);
}

}  // namespace ndl
