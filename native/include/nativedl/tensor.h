/* nativedl/tensor.h: dense tensors, views, versions, access to the data.
 *
 * A tensor is dense and contiguous, last dimension fastest. Activations are NHWC, convolution weights
 * [out, kh, kw, in / groups]. Several handles may share one storage (views, aliases); each storage has a
 * version that every write raises, whichever handle it came through.
 */
#ifndef NATIVEDL_TENSOR_H
#define NATIVEDL_TENSOR_H

#include "nativedl/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ndl_tensor_options {
  uint32_t struct_size;
  ndl_dtype dtype;
  ndl_device_type device_type; /* default NDL_DEVICE_TYPE_CPU */
  int32_t device_index;        /* default 0 */
} ndl_tensor_options;

typedef struct ndl_tensor_info {
  uint32_t struct_size;
  ndl_dtype dtype;
  ndl_device_type device_type;
  int32_t device_index;
  int32_t rank;
  int32_t reserved;
  int64_t count;      /* elements */
  int64_t byte_count; /* count times the size of an element */
  uint64_t version;   /* of the storage, raised by every write to it */
  uint64_t storage;   /* equal for two tensors that share memory, and only then, while both live */
} ndl_tensor_info;

typedef enum ndl_access {
  NDL_ACCESS_READ = 1,
  NDL_ACCESS_WRITE = 2 /* read and write */
} ndl_access;

/* A new tensor with undefined content. dims holds rank dimensions >= 0 (null allowed for rank 0, a scalar).
 * Errors: INVALID_ARGUMENT; INVALID_SHAPE for a negative dimension, a rank over NDL_MAX_RANK or a size
 * that overflows; NO_DEVICE; OUT_OF_MEMORY. */
NDL_API ndl_status ndl_tensor_create(const ndl_tensor_options* options, const int64_t* dims, int32_t rank,
                                     ndl_tensor* tensor);
/* The memory goes when the last handle, lease and running call that use it are gone. */
NDL_API ndl_status ndl_tensor_destroy(ndl_tensor tensor);
/* A second handle on the same memory with the same shape. */
NDL_API ndl_status ndl_tensor_alias(ndl_tensor tensor, ndl_tensor* alias);
/* A handle on part of the same memory: `dims` elements from element `offset` of the tensor on, which must lie
 * inside it. Reshape is offset 0 with the same count; a slice of the first dimension is an offset. */
NDL_API ndl_status ndl_tensor_view(ndl_tensor tensor, int64_t offset, const int64_t* dims, int32_t rank,
                                   ndl_tensor* view);

NDL_API ndl_status ndl_tensor_get_info(ndl_tensor tensor, ndl_tensor_info* info);
/* Writes min(rank, capacity) dimensions to dims and the rank to *rank. */
NDL_API ndl_status ndl_tensor_get_dims(ndl_tensor tensor, int64_t* dims, int32_t capacity, int32_t* rank);

/* Copies byte_count bytes from byte byte_offset of the tensor to destination, or from source to it.
 * Waits for pending work on the tensor. Errors: INVALID_ARGUMENT for a range outside the tensor. */
NDL_API ndl_status ndl_tensor_read(ndl_tensor tensor, int64_t byte_offset, void* destination,
                                   int64_t byte_count);
NDL_API ndl_status ndl_tensor_write(ndl_tensor tensor, int64_t byte_offset, const void* source,
                                    int64_t byte_count);

/* Gives the address of a CPU tensor's first element, valid until ndl_lease_release, also when the tensor
 * is destroyed before. WRITE raises the version now and at the release. The caller orders its accesses
 * with ops on the same memory. Errors: INVALID_HANDLE; NO_DEVICE for memory the CPU cannot reach. */
NDL_API ndl_status ndl_tensor_map(ndl_tensor tensor, ndl_access access, ndl_lease* lease, uint64_t* address);
NDL_API ndl_status ndl_lease_release(ndl_lease lease);

#ifdef __cplusplus
}
#endif
#endif
