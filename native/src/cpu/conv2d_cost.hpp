// cpu/conv2d_cost.hpp: what the methods of conv2d cost; beside cost.hpp, whose rates it uses.
#pragma once

#include "cpu/cost.hpp"
#include "ops/conv2d.hpp"

namespace ndl::cpu {

template <int kTile>
double conv2d_winograd_estimate(const Conv2d& r, const Env& env, Target target) {
  return estimate(r, env, target) * 1.01;
}

}  // namespace ndl::cpu
