#include "core/thread_pool.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "core/machine.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ndl {
namespace {

// About 100 microseconds: longer than the gaps inside a training step and the differences between threads' shares of it,
// since a wake-up costs what a small op does; short enough that other programs, and the threads of .NET, soon have the core.
constexpr int kSpins = 3000;

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits until the word differs from `old`: spins, then sleeps.
int32_t await_change(const std::atomic<int32_t>& word, int32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    const int32_t now = word.load(std::memory_order_acquire);
    if (now != old) return now;
    relax();
  }
  word.wait(old, std::memory_order_acquire);
  return word.load(std::memory_order_acquire);
}

}  // namespace

class Pool {
 public:
  explicit Pool(int32_t workers) : workers_(std::min(workers, kMaxWorkers)) {
    for (int32_t i = 0; i < workers_; ++i) {
      try {
        std::thread([this, i] { work(i + 1); }).detach();  // never joined: .NET ends the process under them
      } catch (...) {
        workers_ = i;  // the system gives no more threads: fewer do the same work
      }
    }
  }

  void run(int32_t threads, int64_t count, int64_t grain, ParallelBody body, void* data) {
    const int64_t chunks = (count + grain - 1) / grain;
    threads = static_cast<int32_t>(std::min<int64_t>(std::min(threads, workers_ + 1), chunks));
    if (threads <= 1 || taken_.exchange(true, std::memory_order_acquire)) {
      for (int64_t begin = 0; begin < count; begin += grain) body(data, begin, std::min(begin + grain, count), 0);
      return;
    }
    job_ = {body, data, count, grain, threads};
    for (int32_t t = 0; t < threads; ++t) {
      lanes_[t].next.store(chunks * t / threads, std::memory_order_relaxed);
      lanes_[t].end = chunks * (t + 1) / threads;
    }
    finished_.store(0, std::memory_order_relaxed);
    sequence_ = (sequence_ + 1) & 0x3fffff;
    const int32_t word = sequence_ << 9 | threads;
    joined_.store(joining(word), std::memory_order_release);
    start_.store(word, std::memory_order_release);
    start_.notify_all();
    take_chunks(0);
    // All work is taken. Who has not joined by now need not be waited for: to wake a worker takes longer than much of it.
    const auto joined = static_cast<int32_t>(joined_.exchange(kClosed, std::memory_order_acq_rel) & 0xffffffff);
    for (int32_t done = finished_.load(std::memory_order_acquire); done != joined;) done = await_change(finished_, done);
    taken_.store(false, std::memory_order_release);
  }

 private:
  static constexpr int32_t kMaxWorkers = 255;

  struct Job {
    ParallelBody body;
    void* data;
    int64_t count, grain;
    int32_t threads;
  };
  struct alignas(64) Lane {  // a cache line each: threads count their own ranges without disturbing others
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  void work(int32_t thread) {
    int32_t seen = 0;
    for (;;) {
      seen = await_change(start_, seen);
      if (thread >= (seen & 0x1ff) || !join(seen)) continue;
      take_chunks(thread);
      finished_.fetch_add(1, std::memory_order_acq_rel);
      finished_.notify_one();
    }
  }

  // joined_ holds the start word of the job that may be joined and how many workers did: one that wakes late finds another
  // word, or kClosed, and never reads the job.
  static constexpr int64_t kClosed = -1;
  static int64_t joining(int32_t word) { return static_cast<int64_t>(word) << 32; }
  bool join(int32_t word) {
    int64_t joined = joined_.load(std::memory_order_relaxed);
    while (joined != kClosed && joined >> 32 == word)
      if (joined_.compare_exchange_weak(joined, joined + 1, std::memory_order_acquire, std::memory_order_relaxed)) return true;
    return false;
  }

  void take_chunks(int32_t thread) {
    for (int32_t i = 0; i < job_.threads; ++i) {
      Lane& lane = lanes_[(thread + i) % job_.threads];
      for (;;) {
        const int64_t chunk = lane.next.fetch_add(1, std::memory_order_relaxed);
        if (chunk >= lane.end) break;
        const int64_t begin = chunk * job_.grain;
        job_.body(job_.data, begin, std::min(begin + job_.grain, job_.count), thread);
      }
    }
  }

  int32_t workers_;
  Job job_{};
  Lane lanes_[kMaxWorkers + 1];
  int32_t sequence_ = 0;
  alignas(64) std::atomic<int32_t> start_{0};
  alignas(64) std::atomic<int64_t> joined_{kClosed};
  alignas(64) std::atomic<int32_t> finished_{0};
  alignas(64) std::atomic<bool> taken_{false};
};

Pool& make_pool(int32_t workers) { return *new Pool(workers); }

void parallel_run(Pool& pool, int32_t threads, int64_t count, int64_t grain, ParallelBody body, void* data) {
  if (count > 0) pool.run(threads, count, grain, body, data);
}

void parallel_run(int32_t threads, int64_t count, int64_t grain, ParallelBody body, void* data) {
  if (count <= 0) return;
  if (threads <= 1 || count <= grain) {
    for (int64_t begin = 0; begin < count; begin += grain) body(data, begin, std::min(begin + grain, count), 0);
    return;
  }
  static Pool* pool = &make_pool(machine().cores - 1);  // first use; never destroyed
  pool->run(threads, count, grain, body, data);
}

}  // namespace ndl
