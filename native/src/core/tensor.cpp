// core/tensor.cpp: the entry points of nativedl/tensor.h.
#include "nativedl/tensor.h"

#include <algorithm>
#include <cstring>

#include "core/options.hpp"
#include "core/storage.hpp"

namespace ndl {
namespace {

struct Lease {
  StorageRef storage;
  bool writes;

  Lease(StorageRef held, bool write) : storage(std::move(held)), writes(write) {
    if (writes) storage->written();
  }
  Lease(const Lease&) = delete;
  ~Lease() {
    if (writes) storage->written();
  }
};

using LeaseTable = HandleTable<Lease, HandleKind::lease>;
LeaseTable& leases() {
  static LeaseTable* table = new LeaseTable;
  return *table;
}

// Bytes [offset, offset + count) of the tensor.
unsigned char* byte_range(const Tensor& tensor, int64_t offset, int64_t count, const void* other, const char* function) {
  if (other == nullptr && count != 0) fail(NDL_ERROR_INVALID_ARGUMENT, function, ": the buffer is a null pointer");
  const int64_t bytes = tensor.desc.bytes();
  if (offset < 0 || count < 0 || offset > bytes || count > bytes - offset)
    fail(NDL_ERROR_INVALID_ARGUMENT, function, ": ", count, " bytes from byte ", offset, " on do not lie inside a tensor ",
         tensor.desc, " of ", bytes, " bytes");
  return static_cast<unsigned char*>(tensor.data()) + offset;
}

}  // namespace

int64_t live_leases() { return leases().live(); }

}  // namespace ndl

using namespace ndl;

extern "C" {

ndl_status ndl_tensor_create(const ndl_tensor_options* options, const int64_t* dims, int32_t rank, ndl_tensor* tensor) {
  return guard([&] {
    constexpr const char* kName = "tensor_create";
    static constexpr ndl_tensor_options kDefaults{sizeof(ndl_tensor_options), kNoDType, NDL_DEVICE_TYPE_CPU, 0};
    static constexpr Field kFields[] = {NDL_FIELD(ndl_tensor_options, dtype), NDL_FIELD(ndl_tensor_options, device_type),
                                        NDL_FIELD(ndl_tensor_options, device_index)};
    ndl_tensor_options o = kDefaults;
    read_options(kName, &required(options, kName, "options"), kFields, &o, sizeof(o));
    ndl_tensor& result = required(tensor, kName, "tensor");
    const Desc desc = make_desc(o.dtype, Device{o.device_type, o.device_index}, dims, rank, kName);
    if (desc.device != Device{}) fail(NDL_ERROR_NO_DEVICE, kName, ": there is no usable device ", desc.device, "; use cpu:0");
    result = tensors().create(new_tensor(desc));
  });
}

ndl_status ndl_tensor_destroy(ndl_tensor tensor) {
  return guard([&] {
    if (tensor != 0 && !tensors().destroy(tensor))
      fail(NDL_ERROR_INVALID_HANDLE, "tensor_destroy: the tensor was destroyed before, or is no tensor handle");
  });
}

ndl_status ndl_tensor_alias(ndl_tensor tensor, ndl_tensor* alias) {
  return guard([&] {
    const TensorRef source = resolve_tensor(tensor, "tensor_alias", "tensor");
    ndl_tensor& result = required(alias, "tensor_alias", "alias");
    result = tensors().create(*source);
  });
}

ndl_status ndl_tensor_view(ndl_tensor tensor, int64_t offset, const int64_t* dims, int32_t rank, ndl_tensor* view) {
  return guard([&] {
    const TensorRef source = resolve_tensor(tensor, "tensor_view", "tensor");
    ndl_tensor& result = required(view, "tensor_view", "view");
    const Desc desc = make_desc(source->desc.dtype, source->desc.device, dims, rank, "tensor_view");
    const int64_t available = source->desc.count();
    if (offset < 0 || offset > available || desc.count() > available - offset)
      fail(NDL_ERROR_INVALID_SHAPE, "tensor_view: shape ", shape_text(desc), " (", desc.count(), " elements) from element ",
           offset, " on does not fit in a tensor of shape ", shape_text(source->desc), " (", available, " elements)");
    result = tensors().create(Tensor{desc, source->storage, source->offset + offset * dtype_size(desc.dtype)});
  });
}

ndl_status ndl_tensor_get_info(ndl_tensor tensor, ndl_tensor_info* info) {
  return guard([&] {
    const TensorRef source = resolve_tensor(tensor, "tensor_get_info", "tensor");
    ndl_tensor_info full{};
    full.dtype = source->desc.dtype;
    full.device_type = source->desc.device.type;
    full.device_index = source->desc.device.index;
    full.rank = source->desc.rank;
    full.count = source->desc.count();
    full.byte_count = source->desc.bytes();
    full.version = source->storage->version();
    full.storage = reinterpret_cast<uint64_t>(source->storage.get());
    write_info("tensor_get_info", full, info);
  });
}

ndl_status ndl_tensor_get_dims(ndl_tensor tensor, int64_t* dims, int32_t capacity, int32_t* rank) {
  return guard([&] {
    const TensorRef source = resolve_tensor(tensor, "tensor_get_dims", "tensor");
    if (capacity > 0) required(dims, "tensor_get_dims", "dims");
    for (int i = 0; i < std::min(capacity, source->desc.rank); ++i) dims[i] = source->desc[i];
    if (rank != nullptr) *rank = source->desc.rank;
  });
}

ndl_status ndl_tensor_read(ndl_tensor tensor, int64_t byte_offset, void* destination, int64_t byte_count) {
  return guard([&] {
    const TensorRef source = resolve_tensor(tensor, "tensor_read", "tensor");
    const unsigned char* data = byte_range(*source, byte_offset, byte_count, destination, "tensor_read");
    if (byte_count > 0) std::memcpy(destination, data, static_cast<size_t>(byte_count));
  });
}

ndl_status ndl_tensor_write(ndl_tensor tensor, int64_t byte_offset, const void* source, int64_t byte_count) {
  return guard([&] {
    const TensorRef target = resolve_tensor(tensor, "tensor_write", "tensor");
    unsigned char* data = byte_range(*target, byte_offset, byte_count, source, "tensor_write");
    if (byte_count > 0) std::memcpy(data, source, static_cast<size_t>(byte_count));
    target->storage->written();
  });
}

ndl_status ndl_tensor_map(ndl_tensor tensor, ndl_access access, ndl_lease* lease, uint64_t* address) {
  return guard([&] {
    const TensorRef source = resolve_tensor(tensor, "tensor_map", "tensor");
    ndl_lease& result = required(lease, "tensor_map", "lease");
    uint64_t& first = required(address, "tensor_map", "address");
    if (access != NDL_ACCESS_READ && access != NDL_ACCESS_WRITE)
      fail(NDL_ERROR_INVALID_ARGUMENT, "tensor_map: access ", static_cast<int>(access), " is neither READ (1) nor WRITE (2)");
    result = leases().create(source->storage, access == NDL_ACCESS_WRITE);
    first = reinterpret_cast<uint64_t>(source->data());
  });
}

ndl_status ndl_lease_release(ndl_lease lease) {
  return guard([&] {
    if (lease != 0 && !leases().destroy(lease))
      fail(NDL_ERROR_INVALID_HANDLE, "lease_release: the lease was released before, or is no lease handle");
  });
}

}
