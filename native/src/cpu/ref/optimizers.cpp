// cpu/ref/optimizers.cpp: sgd, adam and adadelta by the definition, in double. f32, f64.
#include "ops/optimizers.hpp"

#include <cmath>

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

double learning_rate(const Optimizer& r, const Buffers& b) {
  return r.rate_dtype == NDL_DTYPE_F64 ? *b.get<double>(Optimizer::kLearningRate) : static_cast<double>(*b.get<float>(Optimizer::kLearningRate));
}

// Calls update(item, element, p, g) for every element; p is written back.
template <class T, class Update>
void for_elements(const Optimizer& r, const Buffers& b, bool decay_gradient, const Update& update) {
  for (int item = 0; item < b.size(Optimizer::kParameters); ++item) {
    T* parameter = b.get<T>(Optimizer::kParameters, item);
    const T* gradient = b.get<T>(Optimizer::kGradients, item);
    for (int64_t i = 0; i < b.count(Optimizer::kParameters, item); ++i) {
      double p = static_cast<double>(parameter[i]), g = static_cast<double>(gradient[i]);
      if (r.maximize) g = -g;
      if (decay_gradient && r.weight_decay != 0) g += r.weight_decay * p;
      update(item, i, p, g);
      parameter[i] = static_cast<T>(p);
    }
  }
}

void sgd(const Sgd& r, const Buffers& b, const Exec&) {
  const double rate = learning_rate(r, b);
  by_dtype(r.dtype, [&]<class T>(T) {
    for_elements<T>(r, b, true, [&](int item, int64_t i, double& p, double g) {
      double direction = g;
      if (r.momentum != 0) {
        T& buffer = b.get<T>(Sgd::kMomentumBuffers, item)[i];
        const bool first = *b.get<int64_t>(Sgd::kSteps, item) == 0;
        const double moved = first ? g : r.momentum * static_cast<double>(buffer) + (1 - r.dampening) * g;
        buffer = static_cast<T>(moved);
        direction = r.nesterov ? g + r.momentum * moved : moved;
      }
      p -= rate * direction;
    });
  });
  for (int item = 0; item < b.size(Sgd::kSteps); ++item) ++*b.get<int64_t>(Sgd::kSteps, item);
}

void adam(const Adam& r, const Buffers& b, const Exec&) {
  const double rate = learning_rate(r, b);
  for (int item = 0; item < b.size(Adam::kSteps); ++item) ++*b.get<int64_t>(Adam::kSteps, item);
  by_dtype(r.dtype, [&]<class T>(T) {
    for_elements<T>(r, b, !r.decoupled, [&](int item, int64_t i, double& p, double g) {
      const auto t = static_cast<double>(*b.get<int64_t>(Adam::kSteps, item));
      if (r.decoupled) p *= 1 - rate * r.weight_decay;
      T& first = b.get<T>(Adam::kFirstMoments, item)[i];
      T& second = b.get<T>(Adam::kSecondMoments, item)[i];
      const double m = r.beta1 * static_cast<double>(first) + (1 - r.beta1) * g, v = r.beta2 * static_cast<double>(second) + (1 - r.beta2) * g * g;
      first = static_cast<T>(m), second = static_cast<T>(v);
      double u = v;
      if (r.amsgrad) {
        T& most = b.get<T>(Adam::kMaxSecondMoments, item)[i];
        u = static_cast<double>(most) > v ? static_cast<double>(most) : v;
        most = static_cast<T>(u);
      }
      p -= rate * (m / (1 - std::pow(r.beta1, t))) / (std::sqrt(u / (1 - std::pow(r.beta2, t))) + r.epsilon);
    });
  });
}

void adadelta(const Adadelta& r, const Buffers& b, const Exec&) {
  const double rate = learning_rate(r, b);
  by_dtype(r.dtype, [&]<class T>(T) {
    for_elements<T>(r, b, true, [&](int item, int64_t i, double& p, double g) {
      T& square = b.get<T>(Adadelta::kSquareAverages, item)[i];
      T& average = b.get<T>(Adadelta::kDeltaAverages, item)[i];
      const double s = r.rho * static_cast<double>(square) + (1 - r.rho) * g * g;
      const double delta = std::sqrt(static_cast<double>(average) + r.epsilon) / std::sqrt(s + r.epsilon) * g;
      square = static_cast<T>(s);
      average = static_cast<T>(r.rho * static_cast<double>(average) + (1 - r.rho) * delta * delta);
      p -= rate * delta;
    });
  });
}

}  // namespace

const Kernel<Sgd> sgd_forward{sgd};
const Kernel<Adam> adam_forward{adam};
const Kernel<Adadelta> adadelta_forward{adadelta};

}  // namespace ndl::cpu::ref
