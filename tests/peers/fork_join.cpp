// tests/peers/fork_join.cpp: what it costs to share work at all: microseconds from the call of an empty parallel loop over as
// many tasks as threads to its return, the least and the median of many; at once after another, and after a pause.
//
//   fork_join <threads>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "core/machine.hpp"
#include "core/thread_pool.hpp"

namespace {

using Clock = std::chrono::steady_clock;

void measure(const char* name, int threads, int rounds, std::chrono::microseconds pause) {
  std::vector<double> times(static_cast<size_t>(rounds));
  for (double& time : times) {
    const auto end = Clock::now() + pause;
    if (pause.count() >= 1000) std::this_thread::sleep_until(end);
    while (Clock::now() < end) {}
    const auto start = Clock::now();
    ndl::parallel_run(threads, threads, 1, [](void*, int64_t, int64_t, int32_t) {}, nullptr);
    time = std::chrono::duration<double, std::micro>(Clock::now() - start).count();
  }
  std::sort(times.begin(), times.end());
  std::printf("%s %.2f %.2f\n", name, times[0], times[times.size() / 2]);
}

}  // namespace

int main(int count, char** arguments) {
  const int threads = count > 1 ? std::atoi(arguments[1]) : ndl::machine().cores;
  measure("at_once", threads, 20000, std::chrono::microseconds(0));
  measure("after_10us", threads, 5000, std::chrono::microseconds(10));
  measure("after_1ms", threads, 500, std::chrono::microseconds(1000));
}
