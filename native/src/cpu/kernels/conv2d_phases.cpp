// cpu/kernels/conv2d_phases.cpp: the gradient of the input under a stride, as one product per phase of the stride.
//
//   dx[n, a + sh*u, b + sw*v, c] = sum over taps i, j of phase (a,b) and k of dy[n, u + up(i), v + left(j), k] * w[k,i,j,c]
//
// Pixels whose row is a modulo sh are reached only by the taps i for which sh divides a + top - i*dh: a tap belongs to one
// phase, and of each phase the pixels see dy without a stride. So nothing is multiplied by the zeros between strided outputs.
// dy [n,p,q,k]; w [k,r,s,c/groups]; dx [n,h,w,c].
// Mapping: for each phase and group products of cpu/gemm/engine.hpp, summed over the taps: pixels of the phase [n*U*V] by
// channels of dy [k/groups] by channels of dx. A task is kMc pixels of a phase and group; for each tap it gathers dy into
// scratch, its sums stay in scratch until they go to the pixels' places. A phase without taps is zero.
// Refuses: f64, stride 1; in the builds for AVX-512 BF16 and AMX all but bf16. Bound: the peak of FMA or of the dot products.
// Measured on one thread, Zen 4, AVX-512, milliseconds, in brackets oneDNN 3.13.1, stride 2: 3x3, 128 channels, 16x56x56: 37.9 (52.9);
// 3x3, 256, 16x28x28: 34.9 (50.6); 1x1, 256 to 512, 16x56x56: 35.5 (37.8). The implicit GEMM, with the zeros: 135, 133, 122.
#include "cpu/gemm/conv2d_operands.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

// One side of a phase: its positions, the taps first + t*step, and what they read: position u reads dy at u + at - t*back.
struct Side {
  int64_t positions, first, step, taps, at, back;
};
NDL_INLINE Side side_of(int64_t phase, int64_t size, int64_t taps, int64_t stride, int64_t pad, int64_t dilation) {
  Side side{phase < size ? (size - phase + stride - 1) / stride : 0, 0, 1, 0, 0, 0};
  for (int64_t tap = 0, last = 0; tap < taps; ++tap) {
    const int64_t reach = phase + pad - tap * dilation;
    if (reach % stride != 0) continue;
    if (side.taps == 0) side.first = tap, side.at = reach / stride;
    if (side.taps == 1) side.step = tap - last, side.back = side.at - reach / stride;
    ++side.taps, last = tap;
  }
  return side;
}
struct Phase {
  int64_t row, column;  // a and b
  Side rows, columns;
  int64_t first_task;
};

NDL_INLINE int64_t pixels_of(const Conv2d& r, const Phase& phase) { return r.n * phase.rows.positions * phase.columns.positions; }
NDL_INLINE int64_t tasks_of(const Conv2d& r, const Phase& phase) { return (pixels_of(r, phase) + kMc - 1) / kMc * r.groups; }

// No more phases than pixels.
NDL_INLINE int64_t phase_count(const Conv2d& r) {
  return (r.stride_h < r.h ? r.stride_h : r.h) * (r.stride_w < r.w ? r.stride_w : r.w);
}
NDL_INLINE int64_t table_floats(const Conv2d& r) { return (phase_count(r) * static_cast<int64_t>(sizeof(Phase)) / 4 + 15) / 16 * 16; }
NDL_INLINE int64_t sums_floats(const Conv2d& r) { return (kMc * (r.c / r.groups) + 15) / 16 * 16; }

int64_t workspace(const Conv2d& r, const Env& env) { return (table_floats(r) + env.cores * (kScratchFloats + sums_floats(r))) * 4; }

// dx of `count` pixels of a phase from pixel `first` on, for one group.
template <class T>
void pixel_block(const Conv2d& r, const Phase& phase, int64_t group, int64_t first, int64_t count, const T* dy, const float* packed, T* dx,
                 float* scratch, float* sums) {
  const int64_t cg = r.c / r.groups, kg = r.k / r.groups, of_tap = steps<T>(kg), depth = filter_depth<T, false>(r);
  const Panels panels(cg);
  bool summed = false;
  for (int64_t t = 0; t < phase.rows.taps * phase.columns.taps; ++t) {
    const int64_t i = t / phase.columns.taps, j = t % phase.columns.taps;
    const int64_t tap = (phase.rows.first + i * phase.rows.step) * r.s + phase.columns.first + j * phase.columns.step;
    const int64_t up = phase.rows.at - i * phase.rows.back, left = phase.columns.at - j * phase.columns.back;
    for (int64_t k = 0; k < of_tap; k += kKc) {
      const int64_t kc = smaller(of_tap - k, kKc);
      for_pixels(phase.rows.positions, phase.columns.positions, first, count, [&](int64_t row, int64_t n, int64_t u, int64_t v) NDL_LAMBDA_INLINE {
        const int64_t p = u + up, q = v + left;
        if (p < 0 || p >= r.p || q < 0 || q >= r.q) fill_floats(scratch + row * kScratchLd, 0.0f, kc);
        else copy_along(dy + ((n * r.p + p) * r.q + q) * r.k + group * kg, kg, k, kc, scratch + row * kScratchLd);
      });
      block_product<false>(count, kc, scratch, kScratchLd, panels, 0, panels.count, {packed, depth, tap * of_tap + k}, sums, cg, add_to(sums, summed));
      summed = true;
    }
  }
  for_pixels(phase.rows.positions, phase.columns.positions, first, count, [&](int64_t row, int64_t n, int64_t u, int64_t v) NDL_LAMBDA_INLINE {
    T* to = dx + ((n * r.h + phase.row + u * r.stride_h) * r.w + phase.column + v * r.stride_w) * r.c + group * cg;
    for_vectors(0, cg, [&](int64_t c, int lanes) NDL_LAMBDA_INLINE {
      store_some(to + c, summed ? load_some(sums + row * cg + c, lanes) : F32{}, lanes);
    });
  });
}

template <class T>
void by_phases(const Conv2d& r, const Buffers& b, const Exec& exec) {
  const T* dy = b.get<T>(Conv2d::kDy);
  T* dx = b.get<T>(Conv2d::kDx);
  const auto* packed = static_cast<const float*>(b.derived);
  const int64_t size = Panels(r.c / r.groups).floats(filter_depth<T, false>(r)), count = phase_count(r);
  auto* phases = static_cast<Phase*>(exec.workspace);
  auto* scratch = static_cast<float*>(exec.workspace) + table_floats(r);

  int64_t tasks = 0;
  const int64_t across = r.stride_w < r.w ? r.stride_w : r.w;
  for (int64_t i = 0; i < count; ++i) {
    phases[i] = {i / across, i % across, side_of(i / across, r.h, r.r, r.stride_h, r.pad_top, r.dilation_h),
                 side_of(i % across, r.w, r.s, r.stride_w, r.pad_left, r.dilation_w), tasks};
    tasks += tasks_of(r, phases[i]);
  }
  const auto grain = 1 + static_cast<int64_t>(5e5 * static_cast<double>(tasks) / (r.flop + 1));
  exec.parallel_for(tasks, grain, [&](int64_t begin, int64_t end, int32_t thread) {
    float* own = scratch + thread * (kScratchFloats + sums_floats(r));
    int64_t at = 0;
    for (int64_t task = begin; task < end; ++task) {
      while (at + 1 < count && phases[at + 1].first_task <= task) ++at;
      const Phase& phase = phases[at];
      const int64_t group = (task - phase.first_task) % r.groups, first = (task - phase.first_task) / r.groups * kMc;
      const int64_t left = pixels_of(r, phase) - first;
      pixel_block(r, phase, group, first, left < kMc ? left : kMc, dy, packed + group * size, dx, own, own + kScratchFloats);
    }
  });
}

void backward_input(const Conv2d& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) { by_phases<T>(r, b, exec); });
}

int64_t groups_of(const Conv2d& r) { return r.groups; }

}  // namespace

const Kernel<Conv2d> conv2d_backward_input_phases{backward_input, workspace, Conv2d::kFilter, filter_packed_bytes<false>, pack_filter<false>,
                                                  groups_of};

}  // namespace ndl::cpu::NDL_ISA
