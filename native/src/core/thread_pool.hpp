// core/thread_pool.hpp: one pool of workers for the process.
#pragma once

#include <cstdint>

namespace ndl {

using ParallelBody = void (*)(void* data, int64_t begin, int64_t end, int32_t thread);

// Calls body over disjoint ranges that cover [0, count), each at most `grain` long, from up to `threads`
// threads, the caller among them; `thread` is smaller than threads and belongs to one running range at a
// time. Each thread starts with a contiguous share and then takes ranges from the others, so body must not
// care where ranges begin. Where the pool is taken (a nested call, another context), the caller does it all.
void parallel_run(int32_t threads, int64_t count, int64_t grain, ParallelBody body, void* data);

// The pool behind it, for tests with more workers than this machine has cores. Never destroyed.
class Pool;
Pool& make_pool(int32_t workers);
void parallel_run(Pool& pool, int32_t threads, int64_t count, int64_t grain, ParallelBody body, void* data);

}  // namespace ndl
