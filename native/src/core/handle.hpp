// core/handle.hpp: 64-bit handles with generation bits, resolved without a lock.
//
//   handle = index (32 bits) | generation (24 bits) | kind (8 bits)
//   slot   = generation (32 bits) | references (32 bits), one atomic word, and the object
//
// Generations of live slots are odd. destroy() makes the generation even, so that the handle no longer
// resolves, and drops the owner's reference; the object goes with the last reference, whoever holds it. A slot
// whose generations are used up is retired, so that no handle ever comes back to life.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace ndl {

enum class HandleKind : uint8_t { context = 0x5c, tensor = 0x3a, lease = 0x96 };

template <class T, HandleKind kKind>
class HandleTable {
  struct Slot {
    std::atomic<uint64_t> word{0};
    alignas(T) unsigned char object[sizeof(T)];
    T* get() { return std::launder(reinterpret_cast<T*>(object)); }
  };

 public:
  // A reference that keeps the object alive.
  class Ref {
   public:
    Ref() = default;
    Ref(Ref&& other) noexcept : table_(other.table_), index_(other.index_), object_(other.object_) {
      other.object_ = nullptr;
    }
    Ref& operator=(Ref&& other) noexcept {
      std::swap(table_, other.table_);
      std::swap(index_, other.index_);
      std::swap(object_, other.object_);
      return *this;
    }
    Ref(const Ref&) = delete;
    Ref& operator=(const Ref&) = delete;
    ~Ref() {
      if (object_ != nullptr) table_->release(index_);
    }
    explicit operator bool() const { return object_ != nullptr; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    T* get() const { return object_; }

   private:
    friend HandleTable;
    Ref(HandleTable* table, uint32_t index, T* object) : table_(table), index_(index), object_(object) {}
    HandleTable* table_ = nullptr;
    uint32_t index_ = 0;
    T* object_ = nullptr;
  };

  HandleTable() = default;
  HandleTable(const HandleTable&) = delete;
  ~HandleTable() {  // of a table in a test: those of the process live as long as it does
    for (auto& chunk : chunks_) delete[] chunk.load(std::memory_order_relaxed);
  }

  // Builds an object and returns the handle that owns it.
  template <class... Args>
  uint64_t create(Args&&... args) {
    const uint32_t index = take_slot();
    Slot& slot = at(index);
    try {
      new (slot.object) T(std::forward<Args>(args)...);
    } catch (...) {
      give_slot(index);
      throw;
    }
    const uint32_t generation = (generation_of(slot.word.load(std::memory_order_relaxed)) + 1) & kGenerationMask;
    slot.word.store(make_word(generation, 1), std::memory_order_release);
    live_.fetch_add(1, std::memory_order_relaxed);
    return static_cast<uint64_t>(index) << 32 | static_cast<uint64_t>(generation) << 8 | static_cast<uint8_t>(kKind);
  }

  // An empty Ref where the handle does not name a live object of this kind.
  Ref resolve(uint64_t handle) {
    Slot* slot = find(handle);
    if (slot == nullptr) return {};
    uint64_t word = slot->word.load(std::memory_order_acquire);
    do {
      if (generation_of(word) != generation_in(handle)) return {};
    } while (!slot->word.compare_exchange_weak(word, word + 1, std::memory_order_acq_rel, std::memory_order_acquire));
    return Ref(this, index_in(handle), slot->get());
  }

  // Ends the handle; false where it names nothing.
  bool destroy(uint64_t handle) {
    Slot* slot = find(handle);
    if (slot == nullptr) return false;
    uint64_t word = slot->word.load(std::memory_order_acquire);
    uint64_t ended = 0;
    do {
      if (generation_of(word) != generation_in(handle)) return false;
      ended = make_word((generation_of(word) + 1) & kGenerationMask, static_cast<uint32_t>(word));
    } while (!slot->word.compare_exchange_weak(word, ended, std::memory_order_acq_rel, std::memory_order_acquire));
    live_.fetch_sub(1, std::memory_order_relaxed);
    release(index_in(handle));
    return true;
  }

  int64_t live() const { return live_.load(std::memory_order_relaxed); }

 private:
  static constexpr uint32_t kGenerationMask = 0xffffff;
  static constexpr uint32_t kChunkBits = 12;
  static constexpr uint32_t kChunkSlots = 1u << kChunkBits;
  static constexpr uint32_t kMaxChunks = 1u << 14;  // 67 million handles

  static uint64_t make_word(uint32_t generation, uint32_t references) {
    return static_cast<uint64_t>(generation) << 32 | references;
  }
  static uint32_t generation_of(uint64_t word) { return static_cast<uint32_t>(word >> 32); }
  static uint32_t generation_in(uint64_t handle) { return static_cast<uint32_t>(handle >> 8) & kGenerationMask; }
  static uint32_t index_in(uint64_t handle) { return static_cast<uint32_t>(handle >> 32); }

  Slot& at(uint32_t index) {
    return chunks_[index >> kChunkBits].load(std::memory_order_acquire)[index & (kChunkSlots - 1)];
  }

  // The slot a handle may name: right kind, odd generation, index in use.
  Slot* find(uint64_t handle) {
    if (static_cast<uint8_t>(handle) != static_cast<uint8_t>(kKind) || (generation_in(handle) & 1) == 0) return nullptr;
    const uint32_t index = index_in(handle);
    if (index >= used_.load(std::memory_order_acquire)) return nullptr;
    return &at(index);
  }

  uint32_t take_slot() {
    std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      const uint32_t index = free_.back();
      free_.pop_back();
      return index;
    }
    const uint32_t index = used_.load(std::memory_order_relaxed);
    const uint32_t chunk = index >> kChunkBits;
    if (chunk >= kMaxChunks) fail(NDL_ERROR_OUT_OF_MEMORY, "67 million handles are alive; destroy some");
    if (chunks_[chunk].load(std::memory_order_relaxed) == nullptr) {
      free_.reserve(static_cast<size_t>(index) + kChunkSlots);  // giving a slot back must never fail
      chunks_[chunk].store(new Slot[kChunkSlots], std::memory_order_release);
    }
    used_.store(index + 1, std::memory_order_release);
    return index;
  }

  void give_slot(uint32_t index) {
    std::lock_guard lock(mutex_);
    free_.push_back(index);
  }

  void release(uint32_t index) {
    Slot& slot = at(index);
    const uint64_t before = slot.word.fetch_sub(1, std::memory_order_acq_rel);
    if (static_cast<uint32_t>(before) != 1) return;
    slot.get()->~T();
    if (generation_of(before) != 0) give_slot(index);
  }

  std::atomic<Slot*> chunks_[kMaxChunks]{};
  std::atomic<uint32_t> used_{0};
  std::atomic<int64_t> live_{0};
  std::mutex mutex_;
  std::vector<uint32_t> free_;
};

}  // namespace ndl
