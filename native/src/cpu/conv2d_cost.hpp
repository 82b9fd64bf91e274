// cpu/conv2d_cost.hpp: what the methods of conv2d cost, in seconds; beside cost.hpp, whose rates it uses.
//
// Work is counted in floating-point operations of a good kernel: other work by the time it takes, times that rate (at
// AVX-512, 90 to the nanosecond). Fitted to one thread's times of every method on 26 shapes (Zen 4,
// AVX-512), of which in nine cases of 78 a slower one was chosen, by 3 to 15 % (40 % of 5 us).
#pragma once

#include <cmath>

#include "cpu/cost.hpp"
#include "cpu/winograd/cut.hpp"
#include "ops/conv2d.hpp"

namespace ndl::cpu {

enum class Conv2dPass { forward, backward_input, backward_weight };

inline double whole(double n, double step) { return std::ceil(n / step) * step; }
inline constexpr double kCostLanes = 16;      // channels that are computed together
inline constexpr double kProductGain = 1.15;  // of products from packed panels over the rate of cost.hpp
// That of work beside products: dot products of bf16 do not make it faster.
inline double vector_rate(Target target) {
  return rates(target == Target::cpu_amx || target == Target::cpu_avx512_bf16 ? Target::cpu_avx512 : target).flop;
}

// Windows are gathered into rows [r*s*c/groups]; in the pass to the input, those of dy. A run of elements that lie side by
// side costs a call and its elements.
template <Conv2dPass kPass>
double conv2d_implicit_gemm_estimate(const Conv2d& r, const Env& env, Target target) {
  constexpr bool kInput = kPass == Conv2dPass::backward_input, kWeight = kPass == Conv2dPass::backward_weight;
  const auto groups = static_cast<double>(r.groups), taps = static_cast<double>(r.r) * static_cast<double>(r.s);
  const double in = static_cast<double>(kInput ? r.k : r.c) / groups, out = static_cast<double>(kInput ? r.c : r.k) / groups;
  const double windows = static_cast<double>(r.n) * (kInput ? static_cast<double>(r.h) * static_cast<double>(r.w)
                                                            : static_cast<double>(r.p) * static_cast<double>(r.q));
  const bool pointwise = taps == 1 && r.stride_h == 1 && r.stride_w == 1 && r.p == r.h && r.q == r.w;
  const bool rows = !kInput && r.groups == 1 && r.dilation_w == 1;  // a row of the kernel is one run
  const double runs = windows * groups * (rows ? static_cast<double>(r.r) : taps);
  const double products = 2 * windows * groups * taps * (kWeight ? whole(in * taps, kCostLanes) / taps * out : in * whole(out, kCostLanes));
  const double gather = pointwise ? 0 : runs * 400 + windows * groups * taps * in * 12;
  const Rates rate = rates(target);
  return std::max((products * (!kWeight ? 1 : taps == 1 ? 1.05 : 1.2) / kProductGain / rate.flop + gather / vector_rate(target)) / env.cores,
                  r.bytes / (rate.bytes * std::min(env.cores, 2)));
}

// Tiles that overhang are computed whole (how an image is cut: winograd/cut.hpp). Transforms cost by tile and channel, the
// memory they pass through included; the transformed weight (or its gradient's sums, written and read) is read from L3, or from
// memory where it is large, unless so few tiles are summed that all of them are near at once.
template <int kTile, Conv2dPass kPass>
double conv2d_winograd_estimate(const Conv2d& r, const Env& env, Target target) {
  constexpr bool kInput = kPass == Conv2dPass::backward_input, kWeight = kPass == Conv2dPass::backward_weight;
  constexpr double kPoints = (kTile + 2) * (kTile + 2), kTransform = (kTile == 4 ? 700 : 200) * (kWeight ? 1.6 : 1);
  constexpr double kLarge = 16 << 20, kFewSummed = 24 << 20;
  const auto side = [&](int64_t n) {  // in tiles, of which those of F(2) at the end have fewer points
    const int64_t rest = kTile == 4 ? winograd_rest(r, n) : 0;
    return std::ceil(static_cast<double>(std::max<int64_t>(n - rest, 0)) / kTile) + (rest > 0 ? 4.0 / 6 : 0);
  };
  const int64_t rows = std::min(r.h, r.p + 2 - r.pad_top), columns = std::min(r.w, r.q + 2 - r.pad_left);  // that dy reaches
  const double tiles = static_cast<double>(r.n) * (kInput ? side(rows) * side(columns) : side(r.p) * side(r.q));
  const auto c = static_cast<double>(r.c), k = static_cast<double>(r.k);
  const double products = 2 * kPoints * tiles * (kInput ? k * whole(c, kCostLanes) : c * whole(k, kCostLanes));
  const double transforms = tiles * (whole(c, kCostLanes) + whole(k, kCostLanes)) * kTransform;
  const double weights = kPoints * c * k * 4 * (kWeight ? 2 : 1);
  const bool near = weights <= kLarge || (kWeight && kPoints * tiles * (c + k) * 4 <= kFewSummed);
  const Rates rate = rates(target);
  return (products / kProductGain + transforms) / (rate.flop * env.cores) + weights / (rate.bytes * (near ? 5 : 2) * std::min(env.cores, 2));
}

// As above, for tiles of 3 x 3 of y and an image of four times the channels, of which a half is left out at a sixth of the points
// where a side has seven taps, and all where it has fewer. A block of tiles costs its 36 calls beside, and to the weight its
// part of reading and writing the sums.
template <Conv2dPass kPass>
double conv2d_winograd_strided_estimate(const Conv2d& r, const Env& env, Target target) {
  const auto side = [](int64_t n) { return std::ceil(static_cast<double>(n) / 3); };
  const auto points = [](int64_t taps) { return taps == 8 ? 6.0 : taps == 7 ? 5.5 : 5.0; };
  const double image = side(r.p) * side(r.q), tiles = static_cast<double>(r.n) * image;
  const auto c = 4 * static_cast<double>(r.c), k = static_cast<double>(r.k);
  const double products = 2 * points(r.r) * points(r.s) * tiles * c * whole(k, kCostLanes);
  const double transforms = tiles * (whole(c, kCostLanes) * 700 + whole(k, kCostLanes) * 350);
  const double blocks = static_cast<double>(r.n) * std::ceil(image / 80) * whole(k, 2 * kCostLanes) * 3000;
  const double sums = 36 * c * k * 4, moved = kPass == Conv2dPass::backward_weight ? 2 * sums * std::min(16.0, tiles / 24) : 0;
  const Rates rate = rates(target);
  return (products / kProductGain + transforms + blocks) / (rate.flop * env.cores) +
         moved / (rate.bytes * (sums <= 4 << 20 ? 5 : 1) * std::min(env.cores, 2));
}

// Vectors along channels, which must fill them; sums of one tap are few, so that loads bound it.
inline double conv2d_depthwise_estimate(const Conv2d& r, const Env& env, Target target) {
  const double lanes = target == Target::cpu_avx512 ? 16 : target == Target::cpu_avx2 ? 8 : 4, channels = static_cast<double>(r.c);
  return estimate(r, env, target, 1.5 * whole(channels, lanes) / std::max(channels, 1.0));
}
// As many permutations as products.
inline double conv2d_grouped_estimate(const Conv2d& r, const Env& env, Target target) {
  return 1.1 * conv2d_depthwise_estimate(r, env, target);
}

// What is read is copied, pixel by pixel where there are groups. Few neighbours in a row leave too few sums to hide the latency of
// one; the sums of the weight's gradient are updated, and a large weight is read, for each band of an image's rows.
template <Conv2dPass kPass>
double conv2d_direct_estimate(const Conv2d& r, const Env& env, Target target) {
  constexpr bool kInput = kPass == Conv2dPass::backward_input, kWeight = kPass == Conv2dPass::backward_weight;
  const double lanes = target == Target::cpu_avx512 ? 16 : target == Target::cpu_avx2 ? 8 : 4;
  const auto groups = static_cast<double>(r.groups), n = static_cast<double>(r.n);
  const double in = static_cast<double>(kInput ? r.k : r.c) / groups, out = static_cast<double>(kInput ? r.c : r.k) / groups;
  const bool pair = groups > 1 && in == out && 2 * in == lanes;
  const double vectors = pair ? 1 : whole(out, lanes) / lanes;
  const double products = r.flop * (pair ? 1.15 : vectors * lanes / std::max(out, 1.0)) / (groups == 1 && in <= 4 ? 0.5 : in < 8 && !pair ? 0.9 : r.r * r.s == 1 ? 1 : 1.25);
  const double row = kInput ? std::ceil(static_cast<double>(r.w) / static_cast<double>(r.stride_w)) : static_cast<double>(r.q);
  const double few = kWeight ? 1 : std::max(1.0, 8 / std::max(std::min(row, 14.0) * std::min(vectors, 2.0), 1.0));
  const double pixels = n * static_cast<double>(kInput ? r.p * r.q : r.h * r.w) + (kWeight ? n * static_cast<double>(r.p * r.q) : 0);
  const double copies = 1.3 * pixels * groups * ((groups > 1 ? (pair ? 125 : 250) : 0) + 6 * in);
  const double size = static_cast<double>(r.k * r.r * r.s) * static_cast<double>(r.c) / groups;
  const double sums = kWeight ? 110 * n * size : size > 256e3 ? 6 * n * size : 0;
  const Rates rate = rates(target);
  return std::max((products * few + copies + sums) / (rate.flop * env.cores), r.bytes / (rate.bytes * std::min(env.cores, 2)));
}

// Nothing is gathered or copied: faster than the rate. In the pass to the input every window is computed whole, then added to
// the image.
template <Conv2dPass kPass>
double conv2d_few_channels_estimate(const Conv2d& r, const Env& env, Target target) {
  constexpr bool kInput = kPass == Conv2dPass::backward_input;
  const auto window = static_cast<double>(r.r * r.s * r.c), k = static_cast<double>(r.k);
  const double excess = kInput ? whole(window, kCostLanes) / window : whole(k, kCostLanes) / std::max(k, 1.0);
  const double added = kInput ? static_cast<double>(r.n * r.p * r.q * r.r) * 650 : 0;
  return estimate(r, env, target, kInput ? excess : excess / 1.3) + added / (rates(target).flop * env.cores);
}

// The zeros between strided outputs left out; gathers and places pixels. A task is 56 pixels of one phase: a small image has fewer
// of them than there are cores.
inline double conv2d_phases_estimate(const Conv2d& r, const Env& env, Target target) {
  const auto cg = static_cast<double>(r.c / r.groups), kg = static_cast<double>(r.k / r.groups);
  const auto pixels = static_cast<double>(r.n * r.h * r.w * r.groups), taps = static_cast<double>(r.r * r.s);
  const double gathered = pixels * taps / static_cast<double>(r.stride_h * r.stride_w);
  const double moves = gathered * (400 + 12 * kg) + pixels * (400 + 12 * cg);
  const double phases = static_cast<double>(std::min(r.stride_h, r.r) * std::min(r.stride_w, r.s) * r.groups);
  const double of_phase = static_cast<double>(r.n * ((r.h + r.stride_h - 1) / r.stride_h) * ((r.w + r.stride_w - 1) / r.stride_w));
  const double idle = std::max(1.0, env.cores / std::max(1.0, phases * std::ceil(of_phase / 56)));
  return idle * (estimate(r, env, target, whole(cg, kCostLanes) / std::max(cg, 1.0) / kProductGain) + moves / (vector_rate(target) * env.cores));
}

}  // namespace ndl::cpu
