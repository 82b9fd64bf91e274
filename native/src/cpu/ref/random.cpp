// cpu/ref/random.cpp: uniform, normal and dropout word by word, as nativedl/random.h says. f32, f64.
#include "ops/random.hpp"

#include <cmath>

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

// One of the four words of a Philox4x32-10 block.
uint32_t philox(uint64_t seed, uint64_t counter, int64_t word) {
  uint32_t c[4] = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), 0, 0};
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c[0], p1 = uint64_t{0xCD9E8D57u} * c[2];
    const uint32_t next[4] = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
                              static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    for (int i = 0; i < 4; ++i) c[i] = next[i];
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  return c[word];
}

// The words that a call draws, by their number.
struct Words {
  uint64_t seed, offset;

  explicit Words(const int64_t* state) : seed(static_cast<uint64_t>(state[0])), offset(static_cast<uint64_t>(state[1])) {}

  uint32_t operator[](int64_t i) const {
    const int64_t group = i / kRandomGroup, in_group = i % kRandomGroup;
    return philox(seed, offset + static_cast<uint64_t>(group * kRandomBlocks + in_group % 16), in_group / 16);
  }
  uint64_t wide(int64_t i) const { return (*this)[2 * i] | static_cast<uint64_t>((*this)[2 * i + 1]) << 32; }

  static void advance(int64_t* state, int64_t words) {
    const int64_t groups = (words + kRandomGroup - 1) / kRandomGroup;
    state[1] = static_cast<int64_t>(static_cast<uint64_t>(state[1]) + static_cast<uint64_t>(groups * kRandomBlocks));
  }
};

// Whole numbers scaled by a power of two.
float unit(const Words& words, int64_t i, float) { return static_cast<float>(words[i] >> 8) * 0x1p-24f; }
double unit(const Words& words, int64_t i, double) { return static_cast<double>(words.wide(i) >> 11) * 0x1p-53; }
double radius(const Words& words, int64_t i, float) { return static_cast<double>(static_cast<float>(words[i] >> 1 | 1u)) * 0x1p-31; }
double radius(const Words& words, int64_t i, double) { return static_cast<double>((words.wide(i) >> 11) + 1) * 0x1p-53; }

template <class T>
constexpr int64_t kWords = sizeof(T) / 4;

void uniform(const Random& r, const Buffers& b, const Exec&) {
  auto* state = b.get<int64_t>(Random::kState);
  const Words words(state);
  by_dtype(r.dtype, [&]<class T>(T kind) {
    T* y = b.get<T>(Random::kY);
    for (int64_t i = 0; i < r.count; ++i) {
      volatile T product = unit(words, i, kind) * static_cast<T>(r.scale);  // rounded by itself, not fused with the sum
      const T value = static_cast<T>(r.shift) + product;
      y[i] = value < static_cast<T>(r.high) ? value : static_cast<T>(r.below);
    }
    Words::advance(state, r.count * kWords<T>);
  });
}

void normal(const Random& r, const Buffers& b, const Exec&) {
  auto* state = b.get<int64_t>(Random::kState);
  const Words words(state);
  by_dtype(r.dtype, [&]<class T>(T kind) {
    T* y = b.get<T>(Random::kY);
    for (int64_t i = 0; i < r.count; ++i) {
      const bool second = i / 16 % 2 != 0;
      const int64_t from = second ? i - 16 : i;
      const double length = std::sqrt(-2 * std::log(radius(words, from, kind)));
      const double angle = 6.283185307179586 * static_cast<double>(unit(words, from + 16, kind));
      y[i] = static_cast<T>(r.shift + r.scale * length * (second ? std::sin(angle) : std::cos(angle)));
    }
    Words::advance(state, r.count * kWords<T>);
  });
}

void dropout(const Dropout& r, const Buffers& b, const Exec&) {
  auto* state = b.get<int64_t>(Dropout::kState);
  const Words words(state);
  auto* mask = b.get<uint8_t>(Dropout::kMask);
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* x = b.get<T>(Dropout::kX);
    T* y = b.get<T>(Dropout::kY);
    for (int64_t i = 0; i < r.count; ++i) {
      mask[i] = unit(words, i, 0.0f) >= r.p ? 1 : 0;
      y[i] = mask[i] != 0 ? x[i] * static_cast<T>(r.scale) : T{0};
    }
  });
  Words::advance(state, r.count);
}

void dropout_backward_pass(const Dropout& r, const Buffers& b, const Exec&) {
  const auto* mask = b.get<uint8_t>(Dropout::kKept);
  by_dtype(r.dtype, [&]<class T>(T) {
    const T* dy = b.get<T>(Dropout::kDy);
    T* dx = b.get<T>(Dropout::kDx);
    for (int64_t i = 0; i < r.count; ++i) dx[i] = mask[i] != 0 ? dy[i] * static_cast<T>(r.scale) : T{0};
  });
}

}  // namespace

const Kernel<Random> uniform_forward{uniform};
const Kernel<Random> normal_forward{normal};
const Kernel<Dropout> dropout_forward{dropout};
const Kernel<Dropout> dropout_backward{dropout_backward_pass};

}  // namespace ndl::cpu::ref
