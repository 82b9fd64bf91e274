/* nativedl/context.h: contexts, memory statistics, and what the machine and the library offer. */
#ifndef NATIVEDL_CONTEXT_H
#define NATIVEDL_CONTEXT_H

#include "nativedl/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ndl_precision {
  NDL_PRECISION_STRICT = 1,   /* no method with more rounding error than the direct sum, nor with other infinities */
  NDL_PRECISION_STANDARD = 2, /* F(4x4) Winograd allowed: about twice the direct sum's error; gemm's six products */
  NDL_PRECISION_FAST = 3      /* products of reduced precision (bf16 parts) allowed: gemm's three */
} ndl_precision;

typedef enum ndl_determinism {
  NDL_DETERMINISM_REQUIRED = 1, /* the same inputs give the same bits, whatever the number of threads */
  NDL_DETERMINISM_RELAXED = 2   /* implementations that do not promise this may be chosen too */
} ndl_determinism;

typedef struct ndl_context_options {
  uint32_t struct_size;
  ndl_device_type device_type; /* default NDL_DEVICE_TYPE_CPU */
  int32_t device_index;        /* default 0 */
  int32_t threads;             /* CPU threads of one call; 0, the default: all cores the process may use */
  ndl_precision precision;     /* default NDL_PRECISION_STANDARD */
  ndl_determinism determinism; /* default NDL_DETERMINISM_REQUIRED */
  int64_t workspace_limit;     /* bytes an implementation may ask for; 0, the default: no limit */
} ndl_context_options;

/* A context holds the options and the workspace of one call at a time. options may be null (defaults).
 * Errors: INVALID_ARGUMENT; NO_DEVICE where the device is not there. */
NDL_API ndl_status ndl_context_create(const ndl_context_options* options, ndl_context* context);
NDL_API ndl_status ndl_context_destroy(ndl_context context);

/* Fixes the implementation of one pass ("conv2d_forward") by name ("cpu:ref"); a call for which it
 * refuses then fails with REFUSED and its reason. An empty or null implementation lifts the choice;
 * a null pass lifts all. Errors: INVALID_ARGUMENT for a pass or implementation that does not exist. */
NDL_API ndl_status ndl_context_set_implementation(ndl_context context, const char* pass,
                                                  const char* implementation);

/* Name of the implementation that the context's last successful op ran; written as by ndl_last_error. */
NDL_API ndl_status ndl_context_last_implementation(ndl_context context, char* buffer, int64_t capacity,
                                                   int64_t* length);
/* Bytes of workspace that it asked for, and of data derived from a weight (packed, transformed) that it read; 0 where
 * it needs none. Either pointer may be null. */
NDL_API ndl_status ndl_context_last_memory(ndl_context context, int64_t* workspace_bytes, int64_t* derived_bytes);

typedef struct ndl_memory_info {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t bytes_in_use;       /* held by live tensors, derived data and workspaces, rounded to size classes */
  int64_t bytes_cached;       /* free blocks kept for reuse */
  int64_t peak_bytes_in_use;  /* greatest bytes_in_use since the start or the last reset */
  int64_t system_allocations; /* blocks ever asked from the system; constant in a steady loop */
  int64_t live_tensors;       /* tensor handles not yet destroyed, leases included */
  int64_t derived_bytes;      /* of bytes_in_use: packed or transformed weights */
} ndl_memory_info;

/* Statistics of the CPU allocator of the process. info->struct_size is set by the caller. */
NDL_API ndl_status ndl_memory_get_info(ndl_memory_info* info);
/* Gives cached blocks back to the system. */
NDL_API ndl_status ndl_memory_trim(void);
/* Sets peak_bytes_in_use to bytes_in_use. */
NDL_API ndl_status ndl_memory_reset_peak(void);

typedef struct ndl_machine_info {
  uint32_t struct_size;
  int32_t cores;          /* cores that this process may use */
  int32_t cuda_devices;   /* CUDA devices that can be used */
  int32_t reserved;
  int64_t l1_bytes;       /* data cache sizes; 0 where unknown */
  int64_t l2_bytes;
  int64_t l3_bytes;
} ndl_machine_info;

NDL_API ndl_status ndl_machine_get_info(ndl_machine_info* info);
/* Library version, processor and instruction set in use ("avx512"), one "key: value" a line. */
NDL_API ndl_status ndl_machine_describe(char* buffer, int64_t capacity, int64_t* length);

/* Passes (ops and their directions) are numbered from 0; the numbers may change between versions,
 * the names do not. Implementations of a pass are numbered from 0 in the order of preference. */
NDL_API ndl_status ndl_pass_count(int32_t* count);
NDL_API ndl_status ndl_pass_name(int32_t pass, char* buffer, int64_t capacity, int64_t* length);
/* The chain of ops that a fused op equals, as names with blanks between, "conv2d max_pool2d": its passes compute what
 * the chain's would, in one step. Length 0 for a pass of any other op. */
NDL_API ndl_status ndl_pass_chain(int32_t pass, char* buffer, int64_t capacity, int64_t* length);
NDL_API ndl_status ndl_implementation_count(int32_t pass, int32_t* count);
NDL_API ndl_status ndl_implementation_name(int32_t pass, int32_t implementation, char* buffer,
                                           int64_t capacity, int64_t* length);
/* Why this machine cannot run the implementation at all, for example a missing instruction set;
 * length 0 when it can. */
NDL_API ndl_status ndl_implementation_obstacle(int32_t pass, int32_t implementation, char* buffer,
                                               int64_t capacity, int64_t* length);

#ifdef __cplusplus
}
#endif
#endif
