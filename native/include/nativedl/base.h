/* nativedl/base.h: status, handles, dtypes, devices, versions, the last error.
 *
 * Conventions of the whole ABI (the contract; docs/c-abi.md explains it):
 *  - A fallible function returns ndl_status. When it is not NDL_OK, nothing was changed unless the
 *    function's comment says so, and ndl_last_error gives the reason in a sentence.
 *  - Handles are 64-bit numbers with generation bits. 0 is "none". A stale, forged or foreign handle
 *    is NDL_ERROR_INVALID_HANDLE. Destroying 0 is allowed and does nothing.
 *  - Options structs start with struct_size, set by the caller to sizeof(the struct). They only grow at
 *    the end; a field beyond the caller's struct_size takes the default that its comment states.
 *    Enum value 0 in a field within struct_size is refused.
 *  - An output tensor is a pointer to a handle: 0 on entry asks for a new tensor, which the caller then
 *    owns; else the tensor must have the right shape and dtype, and is overwritten in place.
 *  - Every output is "=" (overwritten), never "+=".
 *  - No function keeps a pointer that it was given after it returns.
 *  - Every function may be called from any thread; a context serves one call at a time.
 */
#ifndef NATIVEDL_BASE_H
#define NATIVEDL_BASE_H

#include <stdint.h>

#if defined(_WIN32)
#  if defined(NDL_BUILDING)
#    define NDL_API __declspec(dllexport)
#  else
#    define NDL_API __declspec(dllimport)
#  endif
#else
#  define NDL_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever a program built against an older header could break; see ndl_abi_version. */
#define NDL_ABI_VERSION 2
/* Greatest number of dimensions of a tensor. */
#define NDL_MAX_RANK 8

typedef enum ndl_status {
  NDL_OK = 0,
  NDL_ERROR_INVALID_HANDLE = 1,   /* a handle is 0 where one is needed, stale, forged, or of another kind */
  NDL_ERROR_INVALID_ARGUMENT = 2, /* a null pointer, a struct_size, an enum or an option value */
  NDL_ERROR_INVALID_SHAPE = 3,    /* ranks or dimensions that do not fit together */
  NDL_ERROR_INVALID_DTYPE = 4,    /* a dtype that the op does not take, or two that differ */
  NDL_ERROR_INVALID_DATA = 5,     /* a value that only the data reveal, such as a label out of range */
  NDL_ERROR_OVERLAP = 6,          /* an output shares memory with an operand where the op forbids it */
  NDL_ERROR_CONTEXT_BUSY = 7,     /* another thread is inside a call on the same context */
  NDL_ERROR_OUT_OF_MEMORY = 8,    /* the device has not enough memory, also after the cache was emptied */
  NDL_ERROR_REFUSED = 9,          /* no implementation, or not the named one, accepts this problem */
  NDL_ERROR_NO_DEVICE = 10,       /* the device, or the instruction set that was named, is not there */
  NDL_ERROR_DEVICE_LOST = 11,     /* the device failed for good in an earlier call */
  NDL_ERROR_INTERNAL = 12         /* a defect of the library; the text helps to report it */
} ndl_status;

typedef enum ndl_dtype {
  NDL_DTYPE_F32 = 1,
  NDL_DTYPE_F64 = 2,
  NDL_DTYPE_F16 = 3,
  NDL_DTYPE_BF16 = 4,
  NDL_DTYPE_I64 = 5,
  NDL_DTYPE_I32 = 6,
  NDL_DTYPE_I8 = 7,
  NDL_DTYPE_U8 = 8
} ndl_dtype;

typedef enum ndl_device_type {
  NDL_DEVICE_TYPE_CPU = 1,
  NDL_DEVICE_TYPE_CUDA = 2
} ndl_device_type;

/* Activation fused behind an op. Only those whose derivative follows from their output. */
typedef enum ndl_activation {
  NDL_ACTIVATION_NONE = 1,
  NDL_ACTIVATION_RELU = 2 /* max(x, 0) */
} ndl_activation;

typedef uint64_t ndl_context;
typedef uint64_t ndl_tensor;
typedef uint64_t ndl_lease;

/* NDL_ABI_VERSION of the library that was loaded; compare it with the header's before anything else. */
NDL_API uint32_t ndl_abi_version(void);

/* Text of this thread's last failed call, UTF-8, with a closing zero. Writes at most capacity bytes to
 * buffer (which may be null when capacity is 0) and the length without the zero to *length (may be null).
 * Never fails; the text stays until the thread's next failed call. */
NDL_API void ndl_last_error(char* buffer, int64_t capacity, int64_t* length);

#ifdef __cplusplus
}
#endif
#endif
