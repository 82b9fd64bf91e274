// tests/native/thread_pool_test.cpp: every element is visited exactly once, whoever else wants the pool.
#include "core/thread_pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "core/machine.hpp"

namespace ndl::test {
namespace {

// Null: the pool of the process, which has as many threads as the machine has cores. The others have more.
class ThreadPool : public testing::TestWithParam<int32_t> {
 protected:
  template <class Body>
  void parallel_for(int32_t threads, int64_t count, int64_t grain, const Body& body) {
    const ParallelBody call = [](void* data, int64_t begin, int64_t end, int32_t thread) {
      (*static_cast<const Body*>(data))(begin, end, thread);
    };
    void* data = const_cast<void*>(static_cast<const void*>(&body));
    if (pool() == nullptr) parallel_run(threads, count, grain, call, data);
    else parallel_run(*pool(), threads, count, grain, call, data);
  }

  void cover(int32_t threads, int64_t count, int64_t grain) {
    const auto visits = std::make_unique<std::atomic<int>[]>(static_cast<size_t>(count));
    std::atomic<int> wrong{0};
    std::vector<std::atomic<int>> inside(static_cast<size_t>(std::max(threads, 1)));
    parallel_for(threads, count, grain, [&](int64_t begin, int64_t end, int32_t thread) {
      if (begin < 0 || begin >= end || end > count || end - begin > grain || thread < 0 || thread >= std::max(threads, 1)) ++wrong;
      if (inside[static_cast<size_t>(thread)].exchange(1) != 0) ++wrong;  // a thread's number belongs to one range at a time
      for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
      inside[static_cast<size_t>(thread)] = 0;
    });
    EXPECT_EQ(wrong, 0);
    for (int64_t i = 0; i < count; ++i) ASSERT_EQ(visits[static_cast<size_t>(i)], 1) << i;
  }

 private:
  static Pool* pool() {
    static std::map<int32_t, Pool*> pools{{0, nullptr}};
    const auto [entry, fresh] = pools.try_emplace(GetParam(), nullptr);
    if (fresh) entry->second = &make_pool(GetParam());
    return entry->second;
  }
};

INSTANTIATE_TEST_SUITE_P(Workers, ThreadPool, testing::Values(0, 1, 7), [](const auto& info) {
  return info.param == 0 ? std::string("process") : std::to_string(info.param);
});

TEST_P(ThreadPool, CoversEachElementOnce) {
  for (int32_t threads : {0, 1, 2, 3, 8, 1000})  // also more than the machine has
    for (int64_t count : {0, 1, 2, 3, 7, 64, 1000, 10007})
      for (int64_t grain : {1, 2, 10, 5000, 100000}) {
        SCOPED_TRACE(testing::Message() << threads << " threads, " << count << " elements, grain " << grain);
        cover(threads, count, grain);
      }
}

TEST_P(ThreadPool, ManySmallJobsInARow) {
  int64_t sum = 0;
  for (int round = 0; round < 20000; ++round) {
    std::atomic<int64_t> visited{0};
    parallel_for(4, 5, 1, [&](int64_t begin, int64_t end, int32_t) { visited += end - begin; });
    ASSERT_EQ(visited, 5);
    sum += visited;
  }
  EXPECT_EQ(sum, 100000);
}

TEST_P(ThreadPool, NestedCallsRunInTheCaller) {
  std::atomic<int64_t> visited{0};
  parallel_for(4, 16, 1, [&](int64_t, int64_t, int32_t) {
    const std::thread::id caller = std::this_thread::get_id();
    parallel_for(4, 100, 7, [&](int64_t begin, int64_t end, int32_t thread) {
      EXPECT_EQ(std::this_thread::get_id(), caller);
      EXPECT_EQ(thread, 0);
      visited += end - begin;
    });
  });
  EXPECT_EQ(visited, 1600);
}

TEST_P(ThreadPool, ManyCallers) {
  std::vector<std::thread> callers;
  for (int t = 0; t < 6; ++t)
    callers.emplace_back([this] {
      for (int round = 0; round < 300; ++round) cover(3, 97, 5);
    });
  for (std::thread& caller : callers) caller.join();
}

// A worker that sleeps must be woken, and one that spins must not miss a job.
TEST_P(ThreadPool, WakesAfterAPause) {
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    cover(machine().cores + 3, 1000, 10);
  }
}

}  // namespace
}  // namespace ndl::test
