// cpu/kernels/conv2d_implicit_gemm.cpp: convolution as a matrix product whose operands are gathered block by block.
//
//   pass             C [m,n]                    A [m,k]                              B [k,n]
//   forward          y  [n*p*q, K/G]            x at the taps of each output         weight^T [r*s*C/G, K/G]
//   backward_input   dx [n*h*w, C/G]            dy of the outputs that read a pixel  weight [r*s*K/G, C/G]
//   backward_weight  dw [K/G, r*s*C/G]          dy^T (read as it lies)               x at the taps [n*p*q, r*s*C/G]
//
// each for every group G; NHWC, weights [K,r,s,C/G]; f32, and bf16 with sums in f32, by dot products of pairs where the
// machine has them (cpu/gemm/operand.hpp). The image of all windows (im2col) is never formed: a task gathers kMc rows by kKc
// taps into scratch. B of the first two passes is packed once per version of the weight.
// Backward weight sums over pixels: these go in a number of slices that depends on the shape alone, each slice has
// a dw of its own in the workspace, and the slices are added in order.
// Refuses: f64; in the builds for AVX-512 BF16 and AMX all but bf16. Bound: the peak of FMA or of the dot products; stride > 1
// in backward_input multiplies zeros, which conv2d_phases.cpp does not.
#include "cpu/gemm/conv2d_operands.hpp"
#include "cpu/gemm/product.hpp"
#include "ops/conv2d.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

int64_t groups_of(const Conv2d& r) { return r.groups; }
// A 1x1 kernel that meets every pixel once: the operand is the matrix already.
NDL_INLINE bool is_pointwise(const Conv2d& r) {
  return r.r == 1 && r.s == 1 && r.stride_h == 1 && r.stride_w == 1 && r.p == r.h && r.q == r.w && r.pad_top == 0 && r.pad_left == 0;
}
int64_t scratch_bytes(const Conv2d& r, const Env& env) {
  return by_type(r, [&]<class T>(T) { return env.cores * kMultiplyFloats<T> * 4; });
}

// Elements [k0, k0 + kc) of the row of taps of output (n, p, q): x along (r, s, c), 0 outside the image.
template <class T>
NDL_INLINE void gather_taps(const Conv2d& r, const T* x, int64_t group, int64_t n, int64_t p, int64_t q, int64_t k0, int64_t kc, Gathered<T>* target) {
  const int64_t cg = r.c / r.groups;
  const int64_t top = p * r.stride_h - r.pad_top, left = q * r.stride_w - r.pad_left;
  const T* image = x + n * r.h * r.w * r.c + group * cg;
  // Neighbouring taps of a row lie side by side in memory where they cover all channels: one copy then.
  const bool rows = r.dilation_w == 1 && r.groups == 1;
  const int64_t run = rows ? r.s * cg : cg;  // elements copied at once
  const int64_t columns = rows ? 1 : r.s;     // runs in a row of the kernel
  // One division a window, none a run: for a first layer's few channels they would cost more than the copies.
  const int64_t piece = k0 == 0 ? 0 : k0 / run;
  int64_t offset = k0 - piece * run, i = piece / columns, j = piece - i * columns;
  for (Gathered<T>*out = target, *end = target + kc; out < end; offset = 0) {
    const int64_t count = end - out < run - offset ? end - out : run - offset;
    const int64_t row = top + i * r.dilation_h, col = left + j * r.dilation_w;
    const T* line = image + row * r.w * r.c;
    if (row < 0 || row >= r.h) {
      gather_zeros(out, count);
    } else if (rows) {
      // Elements of the run that lie left of the image, inside it, right of it.
      const int64_t from = -left * cg, to = (r.w - left) * cg;
      const int64_t a = from < offset ? offset : from > offset + count ? offset + count : from;
      const int64_t b = to > offset + count ? offset + count : to < a ? a : to;
      gather_zeros(out, a - offset);
      gather_run(out + (a - offset), line + left * cg + a, b - a);
      gather_zeros(out + (b - offset), offset + count - b);
    } else if (col < 0 || col >= r.w) {
      gather_zeros(out, count);
    } else {
      gather_run(out, line + col * r.c + offset, count);
    }
    out += count;
    if (++j == columns) j = 0, ++i;
  }
}

// --- forward ---------------------------------------------------------------------------------------------------

void forward(const Conv2d& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) {
    const T* x = b.get<T>(Conv2d::kX);
    T* y = b.get<T>(Conv2d::kY);
    EpilogueOf<T> epilogue{b.get<T>(Conv2d::kBias), r.activation == NDL_ACTIVATION_RELU, b.get<T>(Conv2d::kResidual)};
    epilogue.streamed = is_streamed(exec, r, y, r.k / r.groups);
    const int64_t cg = r.c / r.groups, depth = r.r * r.s * cg;
    const bool pointwise = is_pointwise(r);
    multiply(
        r.groups, r.n * r.p * r.q, Panels(r.k / r.groups), steps<T>(depth),
        [&](int64_t g, int64_t m0, int64_t mc, int64_t k0, int64_t kc, float* scratch) NDL_LAMBDA_INLINE {
          if (pointwise) return block_along(x + m0 * r.c + g * cg, r.c, cg, mc, k0, kc, scratch);
          const int64_t first = k0 * kStepOf<T>, count = kc * kStepOf<T>, there = smaller(count, depth - first);
          for_pixels(r.p, r.q, m0, mc, [&](int64_t i, int64_t n, int64_t p, int64_t q) NDL_LAMBDA_INLINE {
            auto* row = reinterpret_cast<Gathered<T>*>(scratch + i * kScratchLd);
            gather_taps(r, x, g, n, p, q, first, there, row);
            if (there < count) gather_zeros(row + there, count - there);
          });
          return Block{scratch, kScratchLd};
        },
        static_cast<const float*>(b.derived), y, r.k, epilogue, exec);
  });
}

// --- backward input --------------------------------------------------------------------------------------------

// Steps [k0, k0 + kc) along (r, s, k) of the gradients that pixel (n, h, w) feeds, 0 where there is none.
template <class T>
NDL_INLINE void gather_gradients(const Conv2d& r, const T* dy, int64_t group, int64_t n, int64_t h, int64_t w, int64_t k0, int64_t kc, Gathered<T>* target) {
  const int64_t kg = r.k / r.groups, run = steps<T>(kg) * kStepOf<T>, first = k0 * kStepOf<T>, tap = first / run;
  int64_t offset = first - tap * run, i = tap / r.s, j = tap - i * r.s;
  const bool dense = r.stride_h == 1 && r.stride_w == 1;  // the common case, without divisions
  for (Gathered<T>*out = target, *end = target + kc * kStepOf<T>; out < end; offset = 0) {
    const int64_t count = smaller(end - out, run - offset);
    const int64_t row = h + r.pad_top - i * r.dilation_h, col = w + r.pad_left - j * r.dilation_w;
    const int64_t p = dense ? row : row / r.stride_h, q = dense ? col : col / r.stride_w;
    const bool read = row >= 0 && col >= 0 && p < r.p && q < r.q && (dense || (p * r.stride_h == row && q * r.stride_w == col));
    const int64_t there = read ? smaller(count, kg - offset) : 0;
    if (read) gather_run(out, dy + ((n * r.p + p) * r.q + q) * r.k + group * kg + offset, there);
    if (there < count) gather_zeros(out + there, count - there);
    out += count;
    if (++j == r.s) j = 0, ++i;
  }
}

void backward_input(const Conv2d& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) {
    const T* dy = b.get<T>(Conv2d::kDy);
    T* dx = b.get<T>(Conv2d::kDx);
    EpilogueOf<T> epilogue;
    epilogue.streamed = is_streamed(exec, r, dx, r.c / r.groups);
    const bool pointwise = is_pointwise(r);
    const int64_t kg = r.k / r.groups;
    multiply(
        r.groups, r.n * r.h * r.w, Panels(r.c / r.groups), filter_depth<T, false>(r),
        [&](int64_t g, int64_t m0, int64_t mc, int64_t k0, int64_t kc, float* scratch) NDL_LAMBDA_INLINE {
          if (pointwise) return block_along(dy + m0 * r.k + g * kg, r.k, kg, mc, k0, kc, scratch);
          for_pixels(r.h, r.w, m0, mc, [&](int64_t i, int64_t n, int64_t h, int64_t w) NDL_LAMBDA_INLINE {
            gather_gradients(r, dy, g, n, h, w, k0, kc, reinterpret_cast<Gathered<T>*>(scratch + i * kScratchLd));
          });
          return Block{scratch, kScratchLd};
        },
        static_cast<const float*>(b.derived), dx, r.c, epilogue, exec);
  });
}

// --- backward weight -------------------------------------------------------------------------------------------

// A 1x1 kernel's is the product of two matrices as they lie.
NDL_INLINE bool is_product(const Conv2d& r) { return is_pointwise(r) && r.groups == 1; }
NDL_INLINE Product weight_product(const Conv2d& r) { return {r.k, r.c, r.n * r.p * r.q, true, false}; }

// How dw is cut: slices of the sum over pixels, each with a dw of its own, as many as kSliceFloats allow; groups of panels;
// then rows (output channels), as few times as gives tasks to share: a task reads dy along its rows.
constexpr int64_t kWeightTasks = 16;
constexpr int64_t kSliceFloats = int64_t{4} << 20;
struct Slices {
  int64_t pixels, count, rows, row_blocks;
};
NDL_INLINE Slices slices_of(const Conv2d& r) {
  const int64_t pixels = r.n * r.p * r.q, kg = r.k / r.groups, row = r.r * r.s * (r.c / r.groups);
  const int64_t wanted = at_least_1(kWeightTasks / at_least_1(r.groups * Panels(row).groups(kKc)));
  const int64_t room = smaller((pixels + kKc - 1) / kKc, kSliceFloats / (r.k * row + 1));
  const int64_t count = at_least_1(smaller(wanted, room));
  const int64_t blocks = at_least_1(smaller(wanted / count, (kg + 15) / 16)), rows = ((kg + blocks - 1) / blocks + 15) / 16 * 16;
  return {(pixels + count - 1) / count, count, rows, rows == 0 ? 0 : (kg + rows - 1) / rows};
}
// Floats of the slices' sums, which one slice of f32 forms in dw itself.
template <class T>
NDL_INLINE int64_t sums_floats(const Conv2d& r, const Slices& slices) {
  return slices.count > 1 || kIsBf16<T> ? (slices.count * r.k * r.r * r.s * (r.c / r.groups) + 15) / 16 * 16 : 0;
}
// Of a thread: a group of panels of x, and a block of dy where it is not read as it lies.
template <class T>
constexpr int64_t kWeightFloats = kGroupFloats + (kIsBf16<T> ? kScratchFloats : 0);

int64_t weight_workspace(const Conv2d& r, const Env& env) {
  return by_type(r, [&]<class T>(T) {
    if (is_product(r)) return product_floats<T>(weight_product(r), env.cores) * 4;
    return (sums_floats<T>(r, slices_of(r)) + env.cores * kWeightFloats<T>) * 4;
  });
}

// Step i of x at the taps of pixels [first, last), elements [j, j + count).
template <class T>
NDL_INLINE void gather_step(const Conv2d& r, const T* x, int64_t group, int64_t first, int64_t last, int64_t i, int64_t j, int64_t count, float* target) {
  const auto gather = [&](int64_t at, Gathered<T>* to) NDL_LAMBDA_INLINE {
    gather_taps(r, x, group, at / r.q / r.p, at / r.q % r.p, at % r.q, j, count, to);
  };
  if constexpr (kPairs<T>) {
    T low[kWidest * kLanes], high[kWidest * kLanes];
    const int64_t at = first + i * kStep;
    gather(at, low);
    if (at + 1 < last) gather(at + 1, high);
    interleave(low, at + 1 < last ? high : nullptr, count, target);
  } else {
    gather(first + i, target);
  }
}

template <class T>
void sum_weight(const Conv2d& r, const T* x, const T* dy, T* dw, const Exec& exec) {
  const int64_t cg = r.c / r.groups, kg = r.k / r.groups, row = r.r * r.s * cg, pixels = r.n * r.p * r.q, size = r.k * row;
  const Slices slices = slices_of(r);
  const Panels panels(row);
  const int64_t parts = panels.groups(smaller(steps<T>(slices.pixels), kKc));
  auto* scratch = static_cast<float*>(exec.workspace) + sums_floats<T>(r, slices);
  float* sums = static_cast<float*>(exec.workspace);
  const bool in_place = sums_floats<T>(r, slices) == 0;
  if constexpr (!kIsBf16<T>)
    if (in_place) sums = dw;

  exec.parallel_for(r.groups * slices.row_blocks * slices.count * parts, 1, [&](int64_t begin, int64_t end, int32_t thread) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t part = task % parts, slice = task / parts % slices.count;
      const int64_t block = task / parts / slices.count % slices.row_blocks, g = task / parts / slices.count / slices.row_blocks;
      const int64_t k0 = block * slices.rows, rows = kg - k0 < slices.rows ? kg - k0 : slices.rows;
      const int64_t p0 = panels.group_begin(part, parts), p1 = panels.group_begin(part + 1, parts);
      float* target = sums + slice * size + (g * kg + k0) * row;
      const int64_t first = slice * slices.pixels, last = first + slices.pixels < pixels ? first + slices.pixels : pixels;
      if (first >= last && part == 0) fill_floats(target, 0.0f, rows * row);
      if (first >= last) continue;
      const Product own{r.k, row, last - first, true, false};
      const Depth depth(steps<T>(last - first));
      float* packed = scratch + thread * kWeightFloats<T>;
      const int64_t together = kIsBf16<T> ? kMc : rows;  // rows of dy^T: all where they are read as they lie
      for (int64_t d = 0; d < depth.blocks; ++d) {
        const int64_t s0 = depth.begin(d), count = depth.begin(d + 1) - s0;
        float* panel = packed - panels.first(p0) * kLanes * count;
        pack_rows(count, panels, p0, p1, panel, [&](int64_t i, int64_t j, int64_t columns, float* out) NDL_LAMBDA_INLINE {
          gather_step(r, x, g, first, last, s0 + i, j, columns, out);
        });
        for (int64_t i = 0; i < rows; i += together) {
          const int64_t mc = smaller(together, rows - i);
          const Block left = left_block(own, dy + first * r.k, g * kg + k0 + i, mc, s0, count, packed + kGroupFloats);
          block_product<!kAmx>(mc, count, left.data, left.ld, panels, p0, p1, {panel, count, 0}, target + i * row, row, add_to(target + i * row, d > 0));
        }
      }
    }
  });

  if (in_place) return;
  exec.parallel_for(size, 8192, [&](int64_t begin, int64_t end, int32_t) {
    for_vectors(begin, end, [&](int64_t i, int n) NDL_LAMBDA_INLINE {
      F32 sum = load_some(sums + i, n);
      for (int64_t slice = 1; slice < slices.count; ++slice) sum += load_some(sums + slice * size + i, n);
      store_some(dw + i, sum, n);
    });
  });
}

void backward_weight(const Conv2d& r, const Buffers& b, const Exec& exec) {
  by_type(r, [&]<class T>(T) {
    const T *x = b.get<T>(Conv2d::kImage), *dy = b.get<T>(Conv2d::kGradient);
    T* dw = b.get<T>(Conv2d::kDw);
    if (is_product(r)) multiply_matrices(weight_product(r), dy, x, dw, EpilogueOf<T>{}, exec);
    else sum_weight(r, x, dy, dw, exec);
  });
}

}  // namespace

const Kernel<Conv2d> conv2d_forward_implicit_gemm{forward, scratch_bytes, Conv2d::kWeight, filter_packed_bytes<true>, pack_filter<true>, groups_of};
const Kernel<Conv2d> conv2d_backward_input_implicit_gemm{backward_input, scratch_bytes, Conv2d::kFilter, filter_packed_bytes<false>,
                                                         pack_filter<false>, groups_of};
const Kernel<Conv2d> conv2d_backward_weight_implicit_gemm{backward_weight, weight_workspace};

}  // namespace ndl::cpu::NDL_ISA
