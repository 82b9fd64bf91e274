// cpu/ref/gradients.cpp: gradient_norm and clip_gradients by the definition. f32, f64.
#include "ops/gradients.hpp"

#include <cmath>

#include "cpu/ref/dispatch.hpp"

namespace ndl::cpu::ref {
namespace {

// Calls body(element) for all elements.
template <class T, class Body>
void for_elements(const Buffers& b, const Body& body) {
  for (int item = 0; item < b.size(Gradients::kGradients); ++item)
    for (int64_t i = 0; i < b.count(Gradients::kGradients, item); ++i) body(b.get<T>(Gradients::kGradients, item)[i]);
}

void norm(const Gradients& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    double sum = 0;
    for_elements<T>(b, [&](T g) { sum += static_cast<double>(g) * static_cast<double>(g); });
    *b.get<T>(Gradients::kNorm) = static_cast<T>(std::sqrt(sum));
  });
}

void clip(const Gradients& r, const Buffers& b, const Exec&) {
  by_dtype(r.dtype, [&]<class T>(T) {
    const double scale = r.max_norm / (static_cast<double>(*b.get<T>(Gradients::kNorm)) + 1e-6);
    if (scale >= 1) return;
    for_elements<T>(b, [&](T& g) { g = static_cast<T>(scale * static_cast<double>(g)); });
  });
}

}  // namespace

const Kernel<Gradients> gradient_norm_forward{norm};
const Kernel<Gradients> clip_gradients_forward{clip};

}  // namespace ndl::cpu::ref
