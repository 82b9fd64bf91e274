// tests/peers/bounds.cpp: what this machine can do at most: multiply-adds in registers, and bytes to and from each cache
// level and memory, over a number of threads at once. Prints "name value" a line, in 1e9 FLOP or bytes a second, the best
// of many short runs. Figures of nativedl-bench are shares of these.
//
//   bounds THREADS
#include <cpuid.h>
#include <immintrin.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace {

constexpr int kRepeats = 12;

// The best rate of `work` units a run over all threads. make(thread) returns that thread's run, its buffers touched by it.
double best_rate(int threads, double work, const std::function<std::function<void()>()>& make) {
  using Clock = std::chrono::steady_clock;
  std::vector<Clock::time_point> begin(static_cast<size_t>(threads)), end(static_cast<size_t>(threads));
  std::barrier barrier(threads);
  double best = 0;
  const auto body = [&](size_t t) {
    const auto run = make();
    for (int repeat = 0; repeat <= kRepeats; ++repeat) {
      barrier.arrive_and_wait();
      begin[t] = Clock::now();
      run();
      end[t] = Clock::now();
      barrier.arrive_and_wait();
      if (t == 0 && repeat > 0) {
        const double seconds = std::chrono::duration<double>(*std::max_element(end.begin(), end.end()) -
                                                             *std::min_element(begin.begin(), begin.end())).count();
        best = std::max(best, work * threads / seconds);
      }
    }
  };
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(body, static_cast<size_t>(t));
  body(0);
  for (std::thread& other : others) other.join();
  return best;
}

// Twelve chains hide the latency of a multiply-add on two units. The barrier for the compiler keeps every round.
constexpr int kChains = 12, kRounds = 100000;

#define NDL_KEEP(v) __asm__ volatile("" : "+x"(v))

__attribute__((target("avx512f"))) void fma_avx512() {
  __m512 sums[kChains];
  for (auto& sum : sums) sum = _mm512_set1_ps(1.0F);
  const __m512 factor = _mm512_set1_ps(0.5F);
  for (int i = 0; i < kRounds; ++i)
#pragma GCC unroll 12
    for (auto& sum : sums) {
      sum = _mm512_fmadd_ps(sum, factor, factor);
      __asm__ volatile("" : "+v"(sum));
    }
}

// Sums of two products of bf16 each.
__attribute__((target("avx512f,avx512bf16"))) void dot_avx512_bf16() {
  __m512 sums[kChains];
  for (auto& sum : sums) sum = _mm512_set1_ps(1.0F);
  const __m512bh factor = (__m512bh)_mm512_set1_epi16(0x3e80);  // 1/4
  for (int i = 0; i < kRounds; ++i)
#pragma GCC unroll 12
    for (auto& sum : sums) {
      sum = _mm512_dpbf16_ps(sum, factor, factor);
      __asm__ volatile("" : "+v"(sum));
    }
}

// Whether the processor multiplies tiles of bf16 (cpuid 7, edx bit 22).
bool has_amx_bf16() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d >> 22 & 1) != 0;
}

__attribute__((target("avx2,fma"))) void fma_avx2() {
  __m256 sums[kChains];
  for (auto& sum : sums) sum = _mm256_set1_ps(1.0F);
  const __m256 factor = _mm256_set1_ps(0.5F);
  for (int i = 0; i < kRounds; ++i)
#pragma GCC unroll 12
    for (auto& sum : sums) {
      sum = _mm256_fmadd_ps(sum, factor, factor);
      NDL_KEEP(sum);
    }
}

// Half of the chains multiply and half add, as a product of matrices does without fused instructions.
void fma_sse4() {
  __m128 factor = _mm_set1_ps(1.0F);
  NDL_KEEP(factor);  // a product by a known 1 would be left out
  __m128 p0 = factor, p1 = factor, p2 = factor, p3 = factor, p4 = factor, p5 = factor;
  __m128 s0 = factor, s1 = factor, s2 = factor, s3 = factor, s4 = factor, s5 = factor;
  for (int i = 0; i < kRounds; ++i) {
    p0 = _mm_mul_ps(p0, factor), s0 = _mm_add_ps(s0, factor), p1 = _mm_mul_ps(p1, factor), s1 = _mm_add_ps(s1, factor);
    p2 = _mm_mul_ps(p2, factor), s2 = _mm_add_ps(s2, factor), p3 = _mm_mul_ps(p3, factor), s3 = _mm_add_ps(s3, factor);
    p4 = _mm_mul_ps(p4, factor), s4 = _mm_add_ps(s4, factor), p5 = _mm_mul_ps(p5, factor), s5 = _mm_add_ps(s5, factor);
    __asm__ volatile("" : "+x"(p0), "+x"(p1), "+x"(p2), "+x"(p3), "+x"(p4), "+x"(p5));
    __asm__ volatile("" : "+x"(s0), "+x"(s1), "+x"(s2), "+x"(s3), "+x"(s4), "+x"(s5));
  }
}

struct Access {
  void (*read)(const float*, int64_t);
  void (*write)(float*, int64_t);              // past the caches
  void (*write_cached)(float*, int64_t);
  void (*copy)(float*, const float*, int64_t);  // past the caches
};

#define NDL_ACCESS(NAME, TARGET, VECTOR, WIDTH, LOAD, STORE, STREAM, ZERO)                                              \
  __attribute__((target(TARGET))) void read_##NAME(const float* x, int64_t count) {                                     \
    for (int64_t i = 0; i < count; i += 4 * (WIDTH)) {                                                                  \
      VECTOR a = LOAD(x + i), b = LOAD(x + i + (WIDTH)), c = LOAD(x + i + 2 * (WIDTH)), d = LOAD(x + i + 3 * (WIDTH));  \
      __asm__ volatile("" : : "v"(a), "v"(b), "v"(c), "v"(d));                                                          \
    }                                                                                                                   \
  }                                                                                                                     \
  __attribute__((target(TARGET))) void write_##NAME(float* y, int64_t count) {                                          \
    for (int64_t i = 0; i < count; i += (WIDTH)) STREAM(y + i, ZERO());                                                 \
    _mm_sfence();                                                                                                       \
  }                                                                                                                     \
  __attribute__((target(TARGET))) void write_cached_##NAME(float* y, int64_t count) {                                   \
    for (int64_t i = 0; i < count; i += (WIDTH)) STORE(y + i, ZERO());                                                  \
    __asm__ volatile("" : : : "memory");                                                                                \
  }                                                                                                                     \
  __attribute__((target(TARGET))) void copy_##NAME(float* y, const float* x, int64_t count) {                           \
    for (int64_t i = 0; i < count; i += (WIDTH)) STREAM(y + i, LOAD(x + i));                                            \
    _mm_sfence();                                                                                                       \
  }                                                                                                                     \
  constexpr Access kAccess_##NAME = {read_##NAME, write_##NAME, write_cached_##NAME, copy_##NAME};

NDL_ACCESS(sse, "sse4.2", __m128, 4, _mm_load_ps, _mm_store_ps, _mm_stream_ps, _mm_setzero_ps)
NDL_ACCESS(avx512, "avx512f", __m512, 16, _mm512_load_ps, _mm512_store_ps, _mm512_stream_ps, _mm512_setzero_ps)

using Buffer = std::shared_ptr<float>;

Buffer new_buffer(int64_t bytes) {
  Buffer buffer(static_cast<float*>(std::aligned_alloc(4096, static_cast<size_t>(bytes))), std::free);
  std::fill_n(buffer.get(), bytes / 4, 1.0F);
  return buffer;
}

int64_t cache_bytes(int name, int64_t fallback) {
  const long bytes = sysconf(name);
  return bytes > 0 ? bytes : fallback;
}

void print(const char* name, double rate) { std::printf("%s %.2f\n", name, rate / 1e9); }

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::max(1, std::atoi(argv[1])) : 1;
  const bool avx512 = __builtin_cpu_supports("avx512f") != 0;
  const Access access = avx512 ? kAccess_avx512 : kAccess_sse;
  const int64_t l1 = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, 32 << 10), l2 = cache_bytes(_SC_LEVEL2_CACHE_SIZE, 1 << 20);
  // A processor of several dies may give the sum over its dies; a core reaches its own die's fast.
  const int64_t l3 = std::min<int64_t>(cache_bytes(_SC_LEVEL3_CACHE_SIZE, 32 << 20), 32 << 20);

  const auto fma = [&](const char* name, int lanes, void (*run)()) {
    print(name, best_rate(threads, 2.0 * lanes * kChains * kRounds, [&] { return std::function<void()>(run); }));
  };
  print("fma_sse4", best_rate(threads, 1.0 * 4 * kChains * kRounds, [] { return std::function<void()>(fma_sse4); }));
  if (__builtin_cpu_supports("avx2") != 0) fma("fma_avx2", 8, fma_avx2);
  if (avx512) fma("fma_avx512", 16, fma_avx512);
  // Tiles multiply 16 times as fast as vectors of f32, says Intel's optimization manual; they are not measured here.
  if (has_amx_bf16()) print("bf16", 16 * best_rate(threads, 2.0 * 16 * kChains * kRounds, [] { return std::function<void()>(fma_avx512); }));
  else if (__builtin_cpu_supports("avx512bf16") != 0) fma("bf16", 2 * 16, dot_avx512_bf16);

  // A buffer of half the level, or of the thread's share of it, again and again; 16 MB or more a run.
  const auto cached = [&](const char* read_name, const char* write_name, int64_t level) {
    const int64_t bytes = level / 2 / 4096 * 4096, passes = std::max<int64_t>(1, (16 << 20) / bytes);
    print(read_name, best_rate(threads, static_cast<double>(bytes * passes), [&] {
      return [buffer = new_buffer(bytes), bytes, passes, &access] {
        for (int64_t i = 0; i < passes; ++i) access.read(buffer.get(), bytes / 4);
      };
    }));
    print(write_name, best_rate(threads, static_cast<double>(bytes * passes), [&] {
      return [buffer = new_buffer(bytes), bytes, passes, &access] {
        for (int64_t i = 0; i < passes; ++i) access.write_cached(buffer.get(), bytes / 4);
      };
    }));
  };
  cached("l1_read", "l1_write", l1);
  cached("l2_read", "l2_write", l2);
  cached("l3_read", "l3_write", l3 / threads);

  const int64_t bytes = std::max<int64_t>(4 * l3, 128 << 20) / threads / 4096 * 4096;
  print("memory_read", best_rate(threads, static_cast<double>(bytes), [&] {
    return [buffer = new_buffer(bytes), bytes, &access] { access.read(buffer.get(), bytes / 4); };
  }));
  print("memory_write", best_rate(threads, static_cast<double>(bytes), [&] {
    return [buffer = new_buffer(bytes), bytes, &access] { access.write(buffer.get(), bytes / 4); };
  }));
  print("memory_copy", best_rate(threads, 2.0 * static_cast<double>(bytes), [&] {
    return [from = new_buffer(bytes), to = new_buffer(bytes), bytes, &access] { access.copy(to.get(), from.get(), bytes / 4); };
  }));
  std::printf("l2_bytes %lld\nl3_bytes %lld\n", static_cast<long long>(l2), static_cast<long long>(l3));
}
