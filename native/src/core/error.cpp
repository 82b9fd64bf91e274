#include "core/error.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace ndl {
namespace {

// A plain array: it is there without construction, and a thread that never fails pays nothing.
thread_local char t_last_error[2048];

}  // namespace

void set_last_error(const char* message) noexcept {
  const size_t length = std::min(std::strlen(message), sizeof(t_last_error) - 1);
  std::memcpy(t_last_error, message, length);
  t_last_error[length] = '\0';
}

ndl_status translate_exception() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    set_last_error(error.what());
    return error.status();
  } catch (const std::bad_alloc&) {
    set_last_error("the process has no memory left for the library's own records");
    return NDL_ERROR_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    set_last_error(error.what());
    return NDL_ERROR_INTERNAL;
  } catch (...) {
    set_last_error("an exception of unknown type");
    return NDL_ERROR_INTERNAL;
  }
}

void copy_text(const std::string& source, char* buffer, int64_t capacity, int64_t* length) noexcept {
  if (length != nullptr) *length = static_cast<int64_t>(source.size());
  if (buffer == nullptr || capacity <= 0) return;
  const size_t kept = std::min(source.size(), static_cast<size_t>(capacity - 1));
  std::memcpy(buffer, source.data(), kept);
  buffer[kept] = '\0';
}

}  // namespace ndl

extern "C" {

uint32_t ndl_abi_version(void) { return NDL_ABI_VERSION; }

void ndl_last_error(char* buffer, int64_t capacity, int64_t* length) {
  try {
    ndl::copy_text(ndl::t_last_error, buffer, capacity, length);
  } catch (...) {
    if (length != nullptr) *length = 0;
  }
}

}
