#include "core/allocator.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <utility>
#include <vector>

#include "core/error.hpp"

#if defined(_WIN32)
#include <malloc.h>
#elif defined(__linux__)
#include <sys/mman.h>
#endif

namespace ndl {
namespace {

constexpr int kClasses = 4 * 62;

struct SizeClass {
  int index;
  int64_t bytes;
};

// 64, 80, 96, 112, 128, 160, ...: rounded up to a multiple of the alignment.
SizeClass size_class(int64_t bytes) {
  const auto wanted = static_cast<uint64_t>(std::max<int64_t>(bytes, kAlignment));
  const int power = std::bit_width(wanted - 1) - 1 < 6 ? 6 : std::bit_width(wanted - 1) - 1;
  const uint64_t base = uint64_t{1} << power;
  const uint64_t step = base / 4;
  const uint64_t quarter = wanted <= base ? 0 : (wanted - base + step - 1) / step;
  const uint64_t rounded = base + quarter * step;
  return {static_cast<int>((power - 6) * 4 + quarter), static_cast<int64_t>((rounded + kAlignment - 1) / kAlignment * kAlignment)};
}

// A walk through a large tensor on pages of 4 KB is held up by their translation: half its bandwidth where measured.
constexpr int64_t kHugePage = int64_t{2} << 20;

void* system_allocate(int64_t bytes) {
#if defined(_WIN32)
  return _aligned_malloc(static_cast<size_t>(bytes), kAlignment);
#elif defined(__linux__)
  if (bytes < 2 * kHugePage) return std::aligned_alloc(kAlignment, static_cast<size_t>(bytes));
  void* block = nullptr;
  if (posix_memalign(&block, kHugePage, static_cast<size_t>(bytes)) != 0) return nullptr;  // aligned_alloc wants whole pages
  madvise(block, static_cast<size_t>(bytes), MADV_HUGEPAGE);  // a hint: a refusal does no harm
  return block;
#else
  return std::aligned_alloc(kAlignment, static_cast<size_t>(bytes));
#endif
}

void system_free(void* block) {
#if defined(_WIN32)
  _aligned_free(block);
#else
  std::free(block);
#endif
}

class Cache {
 public:
  void* take(int64_t bytes) {
    const SizeClass size = size_class(bytes);
    {
      std::lock_guard lock(mutex_);
      auto& list = free_[static_cast<size_t>(size.index)];
      if (!list.empty()) {
        void* block = list.back();
        list.pop_back();
        statistics_.bytes_cached -= size.bytes;
        count(size.bytes);
        return block;
      }
    }
    void* block = system_allocate(size.bytes);
    if (block == nullptr) {
      trim();
      block = system_allocate(size.bytes);
    }
    if (block == nullptr)
      fail(NDL_ERROR_OUT_OF_MEMORY, "the system has no ", size.bytes, " bytes left for a tensor; ",
           memory_statistics().bytes_in_use, " are in use. Use a smaller batch or release tensors");
    std::lock_guard lock(mutex_);
    ++statistics_.system_allocations;
    count(size.bytes);
    return block;
  }

  void give(void* block, int64_t bytes) noexcept {
    const SizeClass size = size_class(bytes);
    {
      std::lock_guard lock(mutex_);
      statistics_.bytes_in_use -= size.bytes;
      try {
        free_[static_cast<size_t>(size.index)].push_back(block);
        statistics_.bytes_cached += size.bytes;
        return;
      } catch (...) {  // no room to remember the block: it goes back to the system
      }
    }
    system_free(block);
  }

  void trim() noexcept {
    std::lock_guard lock(mutex_);
    for (auto& list : free_) {
      for (void* block : list) system_free(block);
      list.clear();
    }
    statistics_.bytes_cached = 0;
  }

  MemoryStatistics statistics() {
    std::lock_guard lock(mutex_);
    return statistics_;
  }

  void reset_peak() {
    std::lock_guard lock(mutex_);
    statistics_.peak_bytes_in_use = statistics_.bytes_in_use;
  }

 private:
  void count(int64_t bytes) {
    statistics_.bytes_in_use += bytes;
    statistics_.peak_bytes_in_use = std::max(statistics_.peak_bytes_in_use, statistics_.bytes_in_use);
  }

  std::mutex mutex_;
  std::array<std::vector<void*>, kClasses> free_;
  MemoryStatistics statistics_{};
};

// Never destroyed: tensors may outlive static destruction.
Cache& cache() {
  static Cache* instance = new Cache;
  return *instance;
}

}  // namespace

void* allocate(int64_t bytes) { return cache().take(bytes); }
void deallocate(void* block, int64_t bytes) noexcept { cache().give(block, bytes); }
MemoryStatistics memory_statistics() { return cache().statistics(); }
void reset_memory_peak() { cache().reset_peak(); }
void trim_memory() noexcept { cache().trim(); }

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

void Buffer::reserve(int64_t bytes) {
  if (bytes <= bytes_) return;
  reset();
  data_ = allocate(bytes);
  bytes_ = bytes;
}

void Buffer::reset() noexcept {
  if (data_ != nullptr) deallocate(data_, bytes_);
  data_ = nullptr;
  bytes_ = 0;
}

}  // namespace ndl
