// cpu/kernels/optimizers.cpp: sgd, adam and adadelta, each in one pass over all parameters; formulas in
// nativedl/optimizer.h. parameters p, gradients g and state are lists of dense tensors of the same shapes.
// Mapping: the elements of all items are numbered through, and a task is kGrain numbers: large and small tensors load
// the threads alike. What an item's elements have in common (Adam's bias corrections) is computed before, in double.
// Workspace: the first number of each item, and its coefficients. Refuses: f64. Bound: memory bandwidth.
#include "cpu/element_list.hpp"
#include "cpu/simd.hpp"
#include "ops/optimizers.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int64_t kGrain = 8192;  // elements: 100 to 200 KB read and written, about 10 microseconds

// Per item; an op uses those it needs.
struct Coefficients {
  float rate, correction;  // adam: learning rate / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
  bool begins;             // sgd: the momentum buffer is set
};

int64_t workspace_of(const Optimizer& r) { return r.items * static_cast<int64_t>(sizeof(int64_t) + sizeof(Coefficients)); }

NDL_INLINE double learning_rate(const Optimizer& r, const Buffers& b) {
  return r.rate_dtype == NDL_DTYPE_F64 ? *b.get<double>(Optimizer::kLearningRate) : static_cast<double>(*b.get<float>(Optimizer::kLearningRate));
}

// The gradient that goes into the update.
NDL_INLINE F32 gradient_of(const Optimizer& r, const float* g, int64_t i, int n, F32 p, float decay) {
  F32 v = load_some(g + i, n);
  if (r.maximize) v = -v;
  return decay == 0 ? v : v + p * decay;
}

// Calls prepare(item, coefficients) for each item in order, then update(item, coefficients, begin, end) for ranges of
// the items' elements, in parallel.
template <class Prepare, class Update>
NDL_INLINE void for_ranges(const Optimizer& r, const Buffers& b, const Exec& exec, const Prepare& prepare, const Update& update) {
  auto* first = static_cast<int64_t*>(exec.workspace);
  auto* coefficients = reinterpret_cast<Coefficients*>(first + r.items);
  const int64_t total = number_elements(b, Optimizer::kParameters, first);
  for (int item = 0; item < r.items; ++item) {
    coefficients[item] = {};  // the workspace holds whatever the last op left there
    prepare(item, coefficients[item]);
  }
  exec.parallel_for(total, kGrain, [&](int64_t begin, int64_t end, int32_t) {
    for_items(b, Optimizer::kParameters, first, begin, end,
              [&](int item, int64_t from, int64_t to) { update(item, coefficients[item], from, to); });
  });
}

void sgd(const Sgd& r, const Buffers& b, const Exec& exec) {
  const auto rate = static_cast<float>(learning_rate(r, b)), decay = static_cast<float>(r.weight_decay);
  const auto momentum = static_cast<float>(r.momentum), kept = static_cast<float>(1 - r.dampening);
  const auto prepare = [&](int item, Coefficients& c) {
    if (r.momentum != 0) c.begins = (*b.get<int64_t>(Sgd::kSteps, item))++ == 0;
  };
  for_ranges(r, b, exec, prepare, [&](int item, const Coefficients& coefficients, int64_t begin, int64_t end) {
    float* parameter = b.get<float>(Sgd::kParameters, item);
    const float* gradient = b.get<float>(Sgd::kGradients, item);
    float* buffer = r.momentum != 0 ? b.get<float>(Sgd::kMomentumBuffers, item) : nullptr;
    const bool begins = coefficients.begins;
    for_vectors(begin, end, [&](int64_t i, int n) NDL_LAMBDA_INLINE {
      const F32 p = load_some(parameter + i, n), g = gradient_of(r, gradient, i, n, p, decay);
      F32 direction = g;
      if (buffer != nullptr) {
        const F32 moved = begins ? g : load_some(buffer + i, n) * momentum + g * kept;
        store_some(buffer + i, moved, n);
        direction = r.nesterov ? g + moved * momentum : moved;
      }
      store_some(parameter + i, p - direction * rate, n);
    });
  });
}

void adam(const Adam& r, const Buffers& b, const Exec& exec) {
  const double rate = learning_rate(r, b);
  const float shrink = r.decoupled ? static_cast<float>(1 - rate * r.weight_decay) : 1.0f, decay = r.decoupled ? 0.0f : static_cast<float>(r.weight_decay);
  const auto one_minus_beta1 = static_cast<float>(1 - r.beta1);
  const auto beta2 = static_cast<float>(r.beta2), one_minus_beta2 = static_cast<float>(1 - r.beta2), epsilon = static_cast<float>(r.epsilon);
  const auto prepare = [&](int item, Coefficients& c) {
    const auto t = static_cast<double>(++*b.get<int64_t>(Adam::kSteps, item));
    c.rate = static_cast<float>(rate / (1 - __builtin_pow(r.beta1, t)));
    c.correction = static_cast<float>(1 / __builtin_sqrt(1 - __builtin_pow(r.beta2, t)));
  };
  for_ranges(r, b, exec, prepare, [&](int item, const Coefficients& coefficients, int64_t begin, int64_t end) {
    float* parameter = b.get<float>(Adam::kParameters, item);
    const float* gradient = b.get<float>(Adam::kGradients, item);
    float* first = b.get<float>(Adam::kFirstMoments, item);
    float* second = b.get<float>(Adam::kSecondMoments, item);
    float* most = r.amsgrad ? b.get<float>(Adam::kMaxSecondMoments, item) : nullptr;
    const float scaled_rate = coefficients.rate, correction = coefficients.correction;
    for_vectors(begin, end, [&](int64_t i, int n) NDL_LAMBDA_INLINE {
      const F32 p = load_some(parameter + i, n) * shrink, g = gradient_of(r, gradient, i, n, p, decay);
      F32 m = load_some(first + i, n), v = load_some(second + i, n);
      m += (g - m) * one_minus_beta1;
      v = v * beta2 + g * g * one_minus_beta2;
      store_some(first + i, m, n);
      store_some(second + i, v, n);
      if (most != nullptr) {
        v = maximum(load_some(most + i, n), v);
        store_some(most + i, v, n);
      }
      store_some(parameter + i, p - m * scaled_rate / (square_root(v) * correction + epsilon), n);
    });
  });
}

void adadelta(const Adadelta& r, const Buffers& b, const Exec& exec) {
  const auto rate = static_cast<float>(learning_rate(r, b)), decay = static_cast<float>(r.weight_decay);
  const auto rho = static_cast<float>(r.rho), one_minus_rho = static_cast<float>(1 - r.rho), epsilon = static_cast<float>(r.epsilon);
  const auto prepare = [](int, Coefficients&) {};
  for_ranges(r, b, exec, prepare, [&](int item, const Coefficients&, int64_t begin, int64_t end) {
    float* parameter = b.get<float>(Adadelta::kParameters, item);
    const float* gradient = b.get<float>(Adadelta::kGradients, item);
    float* squares = b.get<float>(Adadelta::kSquareAverages, item);
    float* deltas = b.get<float>(Adadelta::kDeltaAverages, item);
    for_vectors(begin, end, [&](int64_t i, int n) NDL_LAMBDA_INLINE {
      const F32 p = load_some(parameter + i, n), g = gradient_of(r, gradient, i, n, p, decay), a = load_some(deltas + i, n);
      const F32 s = load_some(squares + i, n) * rho + g * g * one_minus_rho;
      const F32 delta = square_root(a + epsilon) / square_root(s + epsilon) * g;
      store_some(squares + i, s, n);
      store_some(deltas + i, a * rho + delta * delta * one_minus_rho, n);
      store_some(parameter + i, p - delta * rate, n);
    });
  });
}

template <class R>
int64_t workspace(const R& r, const Env&) { return workspace_of(r); }

}  // namespace

const Kernel<Sgd> sgd_forward_vector{sgd, workspace<Sgd>};
const Kernel<Adam> adam_forward_vector{adam, workspace<Adam>};
const Kernel<Adadelta> adadelta_forward_vector{adadelta, workspace<Adadelta>};

}  // namespace ndl::cpu::NDL_ISA
