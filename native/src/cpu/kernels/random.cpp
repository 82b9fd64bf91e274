// cpu/kernels/random.cpp: uniform, normal and dropout, a group of 64 words of Philox4x32-10 at a time.
//   word 16j + l of a group = word j of the block with counter offset + l; contract: nativedl/random.h
// Mapping: a task is a range of groups. A lane computes one block, and the order of the words is such that what kLanes
// blocks give is stored as it comes, on every width. Multiplications that take part in the uniform numbers are kept from
// being fused, so that all instruction sets give the same bits. Refuses: f64. Bound: multiplications, 2 a word.
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011.
#include "cpu/simd_math.hpp"
#include "ops/random.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

typedef uint32_t U32 __attribute__((vector_size(kVectorBytes)));
typedef uint64_t U64 __attribute__((vector_size(kVectorBytes)));

constexpr int64_t kGrain = 64;  // groups: 4096 elements, some microseconds
constexpr int kGroup = static_cast<int>(kRandomGroup), kBlocks = static_cast<int>(kRandomBlocks);

// The 64-bit products of the lanes with m, in halves.
NDL_INLINE void multiply_wide(U32 a, uint32_t m, U32* high, U32* low) {
#if defined(__x86_64__)
  // Of pairs of lanes, the even ones and the odd ones.
  const U64 factor = U64{} + m, shifted = (U64)a >> 32;
#if defined(__AVX512F__)
  // maskz: the plain intrinsics warn of an uninitialised operand in GCC 12.
  const U64 even = (U64)_mm512_maskz_mul_epu32(0xFF, (__m512i)a, (__m512i)factor);
  const U64 odd = (U64)_mm512_maskz_mul_epu32(0xFF, (__m512i)shifted, (__m512i)factor);
#elif defined(__AVX2__)
  const U64 even = (U64)_mm256_mul_epu32((__m256i)a, (__m256i)factor), odd = (U64)_mm256_mul_epu32((__m256i)shifted, (__m256i)factor);
#else
  const U64 even = (U64)_mm_mul_epu32((__m128i)a, (__m128i)factor), odd = (U64)_mm_mul_epu32((__m128i)shifted, (__m128i)factor);
#endif
  const U64 lower = U64{} + 0xFFFFFFFFu;
  *low = (U32)((even & lower) | (odd << 32));
  *high = (U32)((even >> 32) | (odd & ~lower));
#else
  for (int i = 0; i < kLanes; ++i) {
    const uint64_t product = static_cast<uint64_t>(a[i]) * m;
    (*low)[i] = static_cast<uint32_t>(product);
    (*high)[i] = static_cast<uint32_t>(product >> 32);
  }
#endif
}

void draw(uint64_t seed, uint64_t counter, uint32_t* words) {
  uint32_t counters[2][kBlocks];
  for (int i = 0; i < kBlocks; ++i) {
    counters[0][i] = static_cast<uint32_t>(counter + static_cast<uint64_t>(i));
    counters[1][i] = static_cast<uint32_t>((counter + static_cast<uint64_t>(i)) >> 32);
  }
  for (int block = 0; block < kBlocks; block += kLanes) {
    U32 c0, c1, c2{}, c3{};
    __builtin_memcpy(&c0, counters[0] + block, sizeof(c0));
    __builtin_memcpy(&c1, counters[1] + block, sizeof(c1));
    auto k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      U32 high0, low0, high1, low1;
      multiply_wide(c0, 0xD2511F53u, &high0, &low0);
      multiply_wide(c2, 0xCD9E8D57u, &high1, &low1);
      c0 = high1 ^ c1 ^ k0;
      c1 = low1;
      c2 = high0 ^ c3 ^ k1;
      c3 = low0;
      k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    __builtin_memcpy(words + block, &c0, sizeof(c0));
    __builtin_memcpy(words + 16 + block, &c1, sizeof(c1));
    __builtin_memcpy(words + 32 + block, &c2, sizeof(c2));
    __builtin_memcpy(words + 48 + block, &c3, sizeof(c3));
  }
}

// Calls body(first element, elements, words) for each group, and advances the state.
template <class Body>
NDL_INLINE void for_groups(int64_t* state, int64_t count, const Exec& exec, const Body& body) {
  const auto seed = static_cast<uint64_t>(state[0]), offset = static_cast<uint64_t>(state[1]);
  const int64_t groups = (count + kGroup - 1) / kGroup;
  exec.parallel_for(groups, kGrain, [&](int64_t begin, int64_t end, int32_t) {
    alignas(64) uint32_t words[kGroup];
    for (int64_t group = begin; group < end; ++group) {
      draw(seed, offset + static_cast<uint64_t>(group * kBlocks), words);
      const int64_t first = group * kGroup, left = count - first;
      body(first, left < kGroup ? left : kGroup, words);
    }
  });
  state[1] = static_cast<int64_t>(offset + static_cast<uint64_t>(groups * kBlocks));
}

NDL_INLINE U32 words_at(const uint32_t* words) {
  U32 v;
  __builtin_memcpy(&v, words, sizeof(v));
  return v;
}
NDL_INLINE F32 unit(U32 word) { return to_float((I32)(word >> 8)) * 0x1p-24f; }

// Rounded here: the compiler does not look into an asm statement, so the value takes part in no fused operation.
NDL_INLINE F32 rounded(F32 v) {
#if defined(__AVX512F__)
  __asm__("" : "+v"(v));
#elif defined(__x86_64__)
  __asm__("" : "+x"(v));
#else
  __asm__("" : "+w"(v));
#endif
  return v;
}

void uniform(const Random& r, const Buffers& b, const Exec& exec) {
  float* y = b.get<float>(Random::kY);
  const F32 shift = broadcast(static_cast<float>(r.shift)), high = broadcast(static_cast<float>(r.high));
  const auto scale = static_cast<float>(r.scale);
  const F32 below = broadcast(static_cast<float>(r.below));
  for_groups(b.get<int64_t>(Random::kState), r.count, exec, [&](int64_t first, int64_t count, const uint32_t* words) {
    for_vectors(0, count, [&](int64_t i, int n) NDL_LAMBDA_INLINE {
      const F32 v = shift + rounded(unit(words_at(words + i)) * scale);
      store_some(y + first + i, select(v < high, v, below), n);
    });
  });
}

void normal(const Random& r, const Buffers& b, const Exec& exec) {
  float* y = b.get<float>(Random::kY);
  const auto shift = static_cast<float>(r.shift), scale = static_cast<float>(r.scale);
  for_groups(b.get<int64_t>(Random::kState), r.count, exec, [&](int64_t first, int64_t count, const uint32_t* words) {
    alignas(64) float values[kGroup];
    for (int half = 0; half < kGroup; half += 32)
      for (int i = half; i < half + 16; i += kLanes) {
        const F32 uniform_radius = to_float((I32)(words_at(words + i) >> 1 | 1u)) * 0x1p-31f;
        const F32 radius = square_root(logarithm(uniform_radius) * -2.0f) * scale;
        F32 sine, cosine;
        sine_cosine(unit(words_at(words + i + 16)), &sine, &cosine);
        store<F32>(values + i, radius * cosine + shift);
        store<F32>(values + i + 16, radius * sine + shift);
      }
    copy_floats(y + first, values, count);
  });
}

void dropout(const Dropout& r, const Buffers& b, const Exec& exec) {
  const float* x = b.get<float>(Dropout::kX);
  float* y = b.get<float>(Dropout::kY);
  auto* mask = b.get<uint8_t>(Dropout::kMask);
  const auto scale = static_cast<float>(r.scale);
  for_groups(b.get<int64_t>(Dropout::kState), r.count, exec, [&](int64_t first, int64_t count, uint32_t* words) {
    for_vectors(0, count, [&](int64_t i, int n) NDL_LAMBDA_INLINE {
      const I32 kept = unit(words_at(words + i)) >= r.p;
      __builtin_memcpy(words + i, &kept, sizeof(kept));
      store_some(y + first + i, select(kept, load_some(x + first + i, n) * scale, F32{}), n);
    });
    for (int64_t i = 0; i < count; ++i) mask[first + i] = static_cast<uint8_t>(words[i] & 1u);
  });
}

void dropout_backward(const Dropout& r, const Buffers& b, const Exec& exec) {
  const float* dy = b.get<float>(Dropout::kDy);
  const auto* mask = b.get<uint8_t>(Dropout::kKept);
  float* dx = b.get<float>(Dropout::kDx);
  const auto scale = static_cast<float>(r.scale);
  exec.parallel_for(r.count, 16384, [=](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) dx[i] = mask[i] != 0 ? dy[i] * scale : 0.0f;
  });
}

}  // namespace

const Kernel<Random> uniform_forward_vector{uniform};
const Kernel<Random> normal_forward_vector{normal};
const Kernel<Dropout> dropout_forward_vector{dropout};
const Kernel<Dropout> dropout_backward_vector{dropout_backward};

}  // namespace ndl::cpu::NDL_ISA
