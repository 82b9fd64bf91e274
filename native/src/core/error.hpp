// core/error.hpp: one exception type inside the library, one guard at its border, one last error per thread.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "nativedl/base.h"

namespace ndl {

class Error : public std::runtime_error {
 public:
  Error(ndl_status status, const std::string& text) : std::runtime_error(text), status_(status) {}
  ndl_status status() const { return status_; }

 private:
  ndl_status status_;
};

// Concatenates values that stream into text.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

template <class... Parts>
[[noreturn]] void fail(ndl_status status, const Parts&... parts) {
  throw Error(status, text(parts...));
}

void set_last_error(const char* message) noexcept;

// Translates the exception being handled into a status and the thread's last error.
ndl_status translate_exception() noexcept;

// Every entry point runs inside: no exception crosses the ABI.
template <class Body>
ndl_status guard(Body&& body) noexcept {
  try {
    std::forward<Body>(body)();
    return NDL_OK;
  } catch (...) {
    return translate_exception();
  }
}

template <class T>
T& required(T* pointer, const char* function, const char* name) {
  if (pointer == nullptr) fail(NDL_ERROR_INVALID_ARGUMENT, function, ": ", name, " is a null pointer");
  return *pointer;
}

// Writes text as ndl_last_error promises: cut to capacity, closing zero, full length reported.
void copy_text(const std::string& source, char* buffer, int64_t capacity, int64_t* length) noexcept;

}  // namespace ndl
