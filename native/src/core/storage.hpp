// core/storage.hpp: reference-counted, versioned memory, and the tensors that view it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/allocator.hpp"
#include "core/desc.hpp"
#include "core/handle.hpp"
#include "core/pass.hpp"

namespace ndl {

// Data made from a weight (packed, transformed), kept as long as the weight does not change.
struct Derived {
  DerivedMethod method;
  uint64_t version;    // of the storage it was made from
  int64_t offset;      // of the view it was made from, in bytes
  Desc desc;           // of the view
  Buffer data;

  Derived(const DerivedMethod& m, int64_t view_offset, const Desc& view) : method(m), version(0), offset(view_offset), desc(view) {}
  Derived(const Derived&) = delete;
  ~Derived() { count(-data.bytes()); }
  void reserve(int64_t bytes);
  static void count(int64_t bytes);  // adds to total_derived_bytes
};

class Storage {
 public:
  explicit Storage(int64_t bytes);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  unsigned char* data() const { return data_; }
  int64_t bytes() const { return bytes_; }
  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  void written() { version_.fetch_add(1, std::memory_order_acq_rel); }

  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  // The derived data of `method` for the view, made by make(destination) where it is not there for the
  // present version. An outdated entry's memory is used again unless a call still reads it.
  template <class Make>
  std::shared_ptr<const Derived> derive(const DerivedMethod& method, int64_t offset, const Desc& desc, int64_t bytes,
                                        Make&& make) {
    std::lock_guard lock(derived_mutex_);
    std::shared_ptr<Derived>& entry = derived_entry(method, offset, desc);
    if (entry == nullptr || entry->version != version() || entry->data.data() == nullptr) {
      if (entry == nullptr || entry.use_count() > 1) entry = std::make_shared<Derived>(method, offset, desc);
      entry->reserve(bytes);
      entry->version = version();
      make(entry->data.data());
    }
    return entry;
  }

  // Whether `method` asked for the view at `offset` before, with no write since and no other asking between.
  bool comes_again(const DerivedMethod& method, int64_t offset) {
    const Asked asked{method, version(), offset};
    std::lock_guard lock(derived_mutex_);
    return std::exchange(asked_, asked) == asked;
  }

  static int64_t total_derived_bytes();

 private:
  struct Asked {
    DerivedMethod method;
    uint64_t version;
    int64_t offset;
    bool operator==(const Asked&) const = default;
  };

  std::shared_ptr<Derived>& derived_entry(const DerivedMethod& method, int64_t offset, const Desc& desc);

  unsigned char* data_;
  int64_t bytes_;
  std::atomic<int32_t> references_{1};
  std::atomic<uint64_t> version_{1};
  std::mutex derived_mutex_;
  Asked asked_{};
  std::vector<std::shared_ptr<Derived>> derived_;
};

class StorageRef {
 public:
  StorageRef() = default;
  explicit StorageRef(Storage* adopted) : storage_(adopted) {}
  StorageRef(const StorageRef& other) : storage_(other.storage_) {
    if (storage_ != nullptr) storage_->retain();
  }
  StorageRef(StorageRef&& other) noexcept : storage_(std::exchange(other.storage_, nullptr)) {}
  StorageRef& operator=(StorageRef other) noexcept {
    std::swap(storage_, other.storage_);
    return *this;
  }
  ~StorageRef() {
    if (storage_ != nullptr) storage_->release();
  }
  Storage* operator->() const { return storage_; }
  Storage* get() const { return storage_; }

 private:
  Storage* storage_ = nullptr;
};

struct Tensor {
  Desc desc;
  StorageRef storage;
  int64_t offset = 0;  // bytes

  void* data() const { return storage->data() + offset; }
};

using TensorTable = HandleTable<Tensor, HandleKind::tensor>;
using TensorRef = TensorTable::Ref;
TensorTable& tensors();

// The tensor, or an INVALID_HANDLE error that names the function and the argument.
TensorRef resolve_tensor(ndl_tensor handle, const char* function, const char* argument);
Tensor new_tensor(const Desc& desc);

}  // namespace ndl
