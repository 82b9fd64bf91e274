// cpu/cost.hpp: the cost model of the CPU, in one place.
//
// Rates are per core, round figures of this class of machine; only their ratios matter for the choice.
#pragma once

#include <algorithm>

#include "core/pass.hpp"

namespace ndl::cpu {

struct Rates {
  double flop;   // floating-point operations a second that a good kernel sustains
  double bytes;  // bytes a second from memory
};

inline Rates rates(Target target) {
  switch (target) {
    case Target::cpu_amx: return {800e9, 12e9};
    case Target::cpu_avx512_bf16: return {machine().intel ? 45e9 : 180e9, 12e9};
    case Target::cpu_avx512: return {90e9, 12e9};
    case Target::cpu_avx2: return {50e9, 11e9};
    case Target::cpu_baseline: return {13e9, 9e9};
    case Target::any_cpu: break;
  }
  return {0.3e9, 0.3e9};  // reference loops
}

// The slower of arithmetic and memory traffic. `excess`: work done over work needed (padding, zeros).
inline double estimate(const Record& record, const Env& env, Target target, double excess = 1.0) {
  const Rates r = rates(target);
  const double threads = target == Target::any_cpu ? 1 : env.cores;
  return std::max(record.flop * excess / (r.flop * threads), record.bytes / (r.bytes * std::min(threads, 2.0)));
}

// For lists whose entries all do the plain algorithm.
template <class R>
double plain_estimate(const R& record, const Env& env, Target target) {
  return estimate(record, env, target);
}

}  // namespace ndl::cpu
