// core/kernel.hpp: what a kernel sees. Included by sources that are compiled once per instruction set, so it
// holds nothing that the linker could share between them: plain data, declarations, forced-inline functions.
#pragma once

#include <cstdint>

#include "core/thread_pool.hpp"
#include "nativedl/context.h"

#define NDL_INLINE inline __attribute__((always_inline))
#define NDL_LAMBDA_INLINE __attribute__((always_inline))

namespace ndl {

// Base of every op's record: the pure description of one call, no data and no handles.
struct Record {
  double flop = 0;   // arithmetic of the plain algorithm
  double bytes = 0;  // compulsory traffic: each operand and output once; filled by submit
};

// What choice may depend on, beside the record.
struct Env {
  int32_t cores;  // of the machine, whatever the threads in use
  ndl_precision precision;
};

// Addresses in the order of the pass's operands; list operands contribute several, absent ones a null.
struct Buffers {
  void* const* pointers;
  const int64_t* counts;    // elements at each pointer: a record has no room for those of a list
  const int32_t* first;     // index into pointers for each operand, and one past the last
  const void* derived;      // data that the kernel's own derive made, or null

  template <class T>
  NDL_INLINE T* get(int operand, int item = 0) const {
    return static_cast<T*>(pointers[first[operand] + item]);
  }
  NDL_INLINE int64_t count(int operand, int item = 0) const { return counts[first[operand] + item]; }
  NDL_INLINE int size(int operand) const { return first[operand + 1] - first[operand]; }
};

// Where a kernel runs: threads, scratch memory, and the error word for what only data reveal.
struct Exec {
  int32_t threads;
  void* workspace;  // as many bytes as the kernel's workspace() asked for, aligned to a cache line
  void* error_word;
  double cache_bytes;  // of the last level

  // Whether the call's operands pass through the caches without staying: outputs are then best stored past them.
  NDL_INLINE bool beyond_cache(const Record& record) const { return record.bytes > 1.5 * cache_bytes; }

  // Calls body(begin, end, thread) over ranges that cover [0, count); see core/thread_pool.hpp.
  template <class Body>
  NDL_INLINE void parallel_for(int64_t count, int64_t grain, const Body& body) const {
    parallel_run(
        threads, count, grain,
        [](void* data, int64_t begin, int64_t end, int32_t thread) {
          (*static_cast<const Body*>(data))(begin, end, thread);
        },
        const_cast<void*>(static_cast<const void*>(&body)));
  }
};

// Reports a value that the op does not allow; `sentence` is a literal. The call fails with INVALID_DATA and
// names the lowest position reported, so that the message does not depend on threads.
void report_bad_value(const Exec& exec, const char* sentence, int64_t position, int64_t value);

// The functions of one implementation. All but derive and run are pure.
template <class R>
struct Kernel {
  void (*run)(const R&, const Buffers&, const Exec&);
  int64_t (*workspace)(const R&, const Env&) = nullptr;      // bytes for all the machine's cores; null: none
  int32_t derived_operand = -1;                              // the weight that derive reads, -1: none
  int64_t (*derived_bytes)(const R&, const Env&) = nullptr;  // 0: it is not wanted
  void (*derive)(const R&, const void* operand, void* derived, const Exec&) = nullptr;
  int64_t (*derived_variant)(const R&) = nullptr;  // what the layout depends on beside the weight's shape
  bool derive_again = false;  // only for an operand that comes again unchanged; run does without it till then
};

}  // namespace ndl
