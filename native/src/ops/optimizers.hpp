// ops/optimizers.hpp: the records of sgd, adam and adadelta and their kernels. Contract: nativedl/optimizer.h.
#pragma once

#include "core/kernel.hpp"
#include "cpu/declare.hpp"

namespace ndl {

struct Optimizer : Record {
  int64_t items;  // parameters; the elements of each are in the kernel's Buffers
  bool maximize;
  double weight_decay;
  ndl_dtype dtype, rate_dtype;

  enum Common { kParameters, kGradients, kLearningRate };
};

struct Sgd : Optimizer {
  bool nesterov;
  double momentum, dampening;

  enum State { kSteps = 3, kMomentumBuffers };
};

struct Adam : Optimizer {
  bool amsgrad, decoupled;
  double beta1, beta2, epsilon;

  enum State { kSteps = 3, kFirstMoments, kSecondMoments, kMaxSecondMoments };
};

struct Adadelta : Optimizer {
  double rho, epsilon;

  enum State { kSquareAverages = 3, kDeltaAverages };
};

namespace cpu::ref {
extern const Kernel<Sgd> sgd_forward;
extern const Kernel<Adam> adam_forward;
extern const Kernel<Adadelta> adadelta_forward;
}
NDL_DECLARE_SIMD(Kernel<Sgd>, sgd_forward_vector)
NDL_DECLARE_SIMD(Kernel<Adam>, adam_forward_vector)
NDL_DECLARE_SIMD(Kernel<Adadelta>, adadelta_forward_vector)

}  // namespace ndl
