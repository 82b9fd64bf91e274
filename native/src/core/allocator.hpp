// core/allocator.hpp: the caching allocator of CPU memory.
//
// Blocks are rounded to size classes (four to each power of two, so at most a quarter is lost), aligned to
// a cache line, and kept when freed: fresh pages cost far more than the work on them, and a steady training
// loop must not meet the system at all.
#pragma once

#include <cstdint>

namespace ndl {

inline constexpr int64_t kAlignment = 64;

struct MemoryStatistics {
  int64_t bytes_in_use, bytes_cached, peak_bytes_in_use, system_allocations;
};

// At least `bytes` bytes, aligned to kAlignment; an OUT_OF_MEMORY error where the system has none left.
void* allocate(int64_t bytes);
void deallocate(void* block, int64_t bytes) noexcept;  // the same `bytes` as asked for

MemoryStatistics memory_statistics();
void reset_memory_peak();
void trim_memory() noexcept;

// Memory held for one owner; grows on demand, its content is lost when it does.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t bytes) : data_(allocate(bytes)), bytes_(bytes) {}
  Buffer(Buffer&& other) noexcept : data_(other.data_), bytes_(other.bytes_) { other.data_ = nullptr, other.bytes_ = 0; }
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { reset(); }
  void reserve(int64_t bytes);
  void reset() noexcept;
  void* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  int64_t bytes_ = 0;
};

}  // namespace ndl
