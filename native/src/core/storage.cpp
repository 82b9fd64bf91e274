#include "core/storage.hpp"

#include <algorithm>

namespace ndl {
namespace {

std::atomic<int64_t> g_derived_bytes{0};

}  // namespace

Storage::Storage(int64_t bytes) : data_(static_cast<unsigned char*>(allocate(bytes))), bytes_(bytes) {}

Storage::~Storage() { deallocate(data_, bytes_); }

void Derived::reserve(int64_t bytes) {
  if (bytes <= data.bytes()) return;
  count(-data.bytes());
  data.reset();
  data.reserve(bytes);
  count(data.bytes());
}

void Derived::count(int64_t bytes) { g_derived_bytes.fetch_add(bytes, std::memory_order_relaxed); }

std::shared_ptr<Derived>& Storage::derived_entry(const DerivedMethod& method, int64_t offset, const Desc& desc) {
  for (auto& entry : derived_)
    if (entry != nullptr && entry->method == method && entry->offset == offset && entry->desc.same_shape(desc))
      return entry;
  return derived_.emplace_back();
}

int64_t Storage::total_derived_bytes() { return g_derived_bytes.load(std::memory_order_relaxed); }

// Never destroyed: .NET may release handles while the process ends.
TensorTable& tensors() {
  static TensorTable* table = new TensorTable;
  return *table;
}

TensorRef resolve_tensor(ndl_tensor handle, const char* function, const char* argument) {
  TensorRef tensor = tensors().resolve(handle);
  if (!tensor)
    fail(NDL_ERROR_INVALID_HANDLE, function, ": ", argument, " is not a live tensor (",
         handle == 0 ? "the handle is 0" : "it was destroyed, or is no tensor handle", ")");
  return tensor;
}

Tensor new_tensor(const Desc& desc) { return Tensor{desc, StorageRef(new Storage(desc.bytes())), 0}; }

}  // namespace ndl
