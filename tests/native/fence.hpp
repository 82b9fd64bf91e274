// tests/native/fence.hpp: memory that lies against an inaccessible page, where the first byte that is read or written
// beyond it faults, and runs of an implementation on nothing but such memory.
#pragma once

#include <string>

#include "op_driver.hpp"

#if !defined(_WIN32)
#define NDL_HAS_FENCES 1

namespace ndl::test {

enum class Edge { end, begin };  // the one that lies against the page

class Fenced {
 public:
  Fenced(int64_t bytes, int64_t alignment, Edge edge);
  Fenced(const Fenced&) = delete;
  ~Fenced();
  void* data() const { return data_; }

 private:
  unsigned char* pages_;
  size_t size_;
  void* data_;
};

// While it lives, a fault prints this name before the process ends.
class NamedFaults {
 public:
  explicit NamedFaults(const std::string& name);
  NamedFaults(const NamedFaults&) = delete;
  ~NamedFaults();
};

// Not for AVX2 under an emulator, which NATIVEDL_TEST_SLOW says: qemu reads the lanes that masked loads leave out.
bool can_fence(Target target);

// Runs an implementation by its number beside submit, so that its workspace and derived data lie against a page as its
// operands do. stream: as if the call's operands were larger than the caches. Where data are derived of an operand that comes again,
// it runs without them, then with them. Status REFUSED where it refuses.
Outputs execute_fenced(const Pass& pass, int32_t implementation, const Case& row, const Prepared& data, Edge edge, bool stream);

}  // namespace ndl::test
#endif
