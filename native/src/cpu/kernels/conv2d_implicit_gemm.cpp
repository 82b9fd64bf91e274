// cpu/kernels/conv2d_implicit_gemm.cpp: convolution as a matrix product whose operands are gathered block by block.
//
//   pass             C [m,n]                    A [m,k]                              B [k,n]
//   forward          y  [n*p*q, K/G]            x at the taps of each output         weight^T [r*s*C/G, K/G]
//   backward_input   dx [n*h*w, C/G]            dy of the outputs that read a pixel  weight [r*s*K/G, C/G]
//   backward_weight  dw [K/G, r*s*C/G]          dy^T (read as it lies)               x at the taps [n*p*q, r*s*C/G]
//
// each for every group G; NHWC, weights [K,r,s,C/G]. The image of all windows (im2col) is never formed: a task
// gathers kMc rows by kKc taps into scratch. B of the first two passes is packed once per version of the weight.
// Backward weight sums over pixels: these go in a number of slices that depends on the shape alone, each slice has
// a dw of its own in the workspace, and the slices are added in order.
// Refuses: f64. Bound: FMA peak; stride > 1 in backward_input multiplies zeros, which conv2d_phases.cpp does not.
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
int64_t scratch_bytes(const Conv2d&, const Env& env) { return env.cores * kScratchFloats * 4; }

// Elements [k0, k0 + kc) of the row of taps of output (n, p, q): x along (r, s, c), 0 outside the image.
NDL_INLINE void gather_taps(const Conv2d& r, const float* x, int64_t group, int64_t n, int64_t p, int64_t q, int64_t k0, int64_t kc, float* target) {
  const int64_t cg = r.c / r.groups;
  const int64_t top = p * r.stride_h - r.pad_top, left = q * r.stride_w - r.pad_left;
  const float* image = x + n * r.h * r.w * r.c + group * cg;
  // Neighbouring taps of a row lie side by side in memory where they cover all channels: one copy then.
  const bool rows = r.dilation_w == 1 && r.groups == 1;
  const int64_t run = rows ? r.s * cg : cg;  // elements copied at once
  const int64_t columns = rows ? 1 : r.s;     // runs in a row of the kernel
  // One division a window, none a run: for a first layer's few channels they would cost more than the copies.
  const int64_t piece = k0 == 0 ? 0 : k0 / run;
  int64_t offset = k0 - piece * run, i = piece / columns, j = piece - i * columns;
  for (float *out = target, *end = target + kc; out < end; offset = 0) {
    const int64_t count = end - out < run - offset ? end - out : run - offset;
    const int64_t row = top + i * r.dilation_h, col = left + j * r.dilation_w;
    const float* line = image + row * r.w * r.c;
    if (row < 0 || row >= r.h) {
      fill_floats(out, 0.0f, count);
    } else if (rows) {
      // Elements of the run that lie left of the image, inside it, right of it.
      const int64_t from = -left * cg, to = (r.w - left) * cg;
      const int64_t a = from < offset ? offset : from > offset + count ? offset + count : from;
      const int64_t b = to > offset + count ? offset + count : to < a ? a : to;
      fill_floats(out, 0.0f, a - offset);
      copy_floats(out + (a - offset), line + left * cg + a, b - a);
      fill_floats(out + (b - offset), 0.0f, offset + count - b);
    } else if (col < 0 || col >= r.w) {
      fill_floats(out, 0.0f, count);
    } else {
      copy_floats(out, line + col * r.c + offset, count);
    }
    out += count;
    if (++j == columns) j = 0, ++i;
  }
}

// --- forward ---------------------------------------------------------------------------------------------------

void forward(const Conv2d& r, const Buffers& b, const Exec& exec) {
  const float* x = b.get<float>(Conv2d::kX);
  const Epilogue epilogue{b.get<float>(Conv2d::kBias), r.activation == NDL_ACTIVATION_RELU, b.get<float>(Conv2d::kResidual)};
  float* y = b.get<float>(Conv2d::kY);
  const int64_t cg = r.c / r.groups, kg = r.k / r.groups, depth = r.r * r.s * cg, m = r.n * r.p * r.q;
  const bool pointwise = is_pointwise(r);
  multiply(
      r.groups, m, kg, depth,
      [&](int64_t g, int64_t m0, int64_t mc, int64_t k0, int64_t kc, float* scratch) NDL_LAMBDA_INLINE {
        if (pointwise) return Block{x + m0 * r.c + g * cg + k0, r.c};
        for_pixels(r.p, r.q, m0, mc, [&](int64_t i, int64_t n, int64_t p, int64_t q) NDL_LAMBDA_INLINE {
          gather_taps(r, x, g, n, p, q, k0, kc, scratch + i * kScratchLd);
        });
        return Block{scratch, kScratchLd};
      },
      static_cast<const float*>(b.derived), y, r.k, epilogue, exec);
}

// --- backward input --------------------------------------------------------------------------------------------

// Elements [k0, k0 + kc) along (r, s, k) of the gradients that pixel (n, h, w) feeds, 0 where there is none.
NDL_INLINE void gather_gradients(const Conv2d& r, const float* dy, int64_t group, int64_t n, int64_t h, int64_t w, int64_t k0, int64_t kc, float* target) {
  const int64_t kg = r.k / r.groups, tap = k0 / kg;
  int64_t offset = k0 - tap * kg, i = tap / r.s, j = tap - i * r.s;
  const bool dense = r.stride_h == 1 && r.stride_w == 1;  // the common case, without divisions
  for (float *out = target, *end = target + kc; out < end; offset = 0) {
    const int64_t count = end - out < kg - offset ? end - out : kg - offset;
    const int64_t row = h + r.pad_top - i * r.dilation_h, col = w + r.pad_left - j * r.dilation_w;
    const int64_t p = dense ? row : row / r.stride_h, q = dense ? col : col / r.stride_w;
    const bool read = row >= 0 && col >= 0 && p < r.p && q < r.q && (dense || (p * r.stride_h == row && q * r.stride_w == col));
    if (read) copy_floats(out, dy + ((n * r.p + p) * r.q + q) * r.k + group * kg + offset, count);
    else fill_floats(out, 0.0f, count);
    out += count;
    if (++j == r.s) j = 0, ++i;
  }
}

void backward_input(const Conv2d& r, const Buffers& b, const Exec& exec) {
  const float* dy = b.get<float>(Conv2d::kDy);
  float* dx = b.get<float>(Conv2d::kDx);
  const bool pointwise = is_pointwise(r);
  const int64_t cg = r.c / r.groups, kg = r.k / r.groups, depth = r.r * r.s * kg;
  multiply(
      r.groups, r.n * r.h * r.w, cg, depth,
      [&](int64_t g, int64_t m0, int64_t mc, int64_t k0, int64_t kc, float* scratch) NDL_LAMBDA_INLINE {
        if (pointwise) return Block{dy + m0 * r.k + g * kg + k0, r.k};
        for_pixels(r.h, r.w, m0, mc, [&](int64_t i, int64_t n, int64_t h, int64_t w) NDL_LAMBDA_INLINE {
          gather_gradients(r, dy, g, n, h, w, k0, kc, scratch + i * kScratchLd);
        });
        return Block{scratch, kScratchLd};
      },
      static_cast<const float*>(b.derived), dx, r.c, Epilogue{}, exec);
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
  const int64_t wanted = at_least_1(kWeightTasks / at_least_1(r.groups * Panels(row).groups()));
  const int64_t room = smaller((pixels + kKc - 1) / kKc, kSliceFloats / (r.k * row + 1));
  const int64_t count = at_least_1(smaller(wanted, room));
  const int64_t blocks = at_least_1(smaller(wanted / count, (kg + 15) / 16)), rows = ((kg + blocks - 1) / blocks + 15) / 16 * 16;
  return {(pixels + count - 1) / count, count, rows, rows == 0 ? 0 : (kg + rows - 1) / rows};
}

int64_t weight_workspace(const Conv2d& r, const Env& env) {
  if (is_product(r)) return product_floats(weight_product(r), env.cores) * 4;
  const Slices slices = slices_of(r);
  const int64_t partial = slices.count > 1 ? slices.count * r.k * r.r * r.s * (r.c / r.groups) : 0;
  return (partial + 16 + env.cores * kGroupFloats) * 4;
}

void backward_weight(const Conv2d& r, const Buffers& b, const Exec& exec) {
  const float* x = b.get<float>(Conv2d::kImage);
  const float* dy = b.get<float>(Conv2d::kGradient);
  float* dw = b.get<float>(Conv2d::kDw);
  if (is_product(r)) {
    multiply_matrices(weight_product(r), dy, x, dw, {}, exec);
    return;
  }
  const int64_t cg = r.c / r.groups, kg = r.k / r.groups, row = r.r * r.s * cg, pixels = r.n * r.p * r.q, size = r.k * row;
  const Slices slices = slices_of(r);
  const Panels panels(row);
  auto* partial = static_cast<float*>(exec.workspace);
  float* scratch = partial + (slices.count > 1 ? (slices.count * size + 15) / 16 * 16 : 0);

  exec.parallel_for(r.groups * slices.row_blocks * slices.count * panels.groups(), 1, [&](int64_t begin, int64_t end, int32_t thread) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t part = task % panels.groups(), slice = task / panels.groups() % slices.count;
      const int64_t block = task / panels.groups() / slices.count % slices.row_blocks, g = task / panels.groups() / slices.count / slices.row_blocks;
      const int64_t k0 = block * slices.rows, rows = kg - k0 < slices.rows ? kg - k0 : slices.rows;
      const int64_t p0 = panels.group_begin(part), p1 = panels.group_begin(part + 1);
      float* target = (slices.count > 1 ? partial + slice * size : dw) + (g * kg + k0) * row;
      const int64_t first = slice * slices.pixels, last = first + slices.pixels < pixels ? first + slices.pixels : pixels;
      if (first >= last && part == 0) fill_floats(target, 0.0f, rows * row);
      if (first >= last) continue;
      const Depth depth(last - first);
      for (int64_t d = 0; d < depth.blocks; ++d) {
        const int64_t pixel = first + depth.begin(d), count = first + depth.begin(d + 1) - pixel;
        float* packed = scratch + thread * kGroupFloats - panels.first(p0) * kLanes * count;
        pack_rows(count, panels, p0, p1, packed, [&](int64_t i, int64_t j, int64_t columns, float* out) NDL_LAMBDA_INLINE {
          const int64_t at = pixel + i;
          gather_taps(r, x, g, at / r.q / r.p, at / r.q % r.p, at % r.q, j, columns, out);
        });
        block_product<true>(rows, count, dy + pixel * r.k + g * kg + k0, r.k, panels, p0, p1, {packed, count, 0}, target, row, add_to(target, d > 0));
      }
    }
  });

  if (slices.count == 1) return;
  exec.parallel_for(size, 8192, [&](int64_t begin, int64_t end, int32_t) {
    for_vectors(begin, end, [&](int64_t i, int n) NDL_LAMBDA_INLINE {
      F32 sum = load_some(partial + i, n);
      for (int64_t slice = 1; slice < slices.count; ++slice) sum += load_some(partial + slice * size + i, n);
      store_some(dw + i, sum, n);
    });
  });
}

// --- backward bias ---------------------------------------------------------------------------------------------

constexpr int64_t kBiasRows = 1024;  // rows summed in one go; the partial sums are added in order
constexpr int64_t kBiasSlices = 64;

NDL_INLINE int64_t bias_slices(const Conv2dBias& r) {
  const int64_t slices = (r.rows + kBiasRows - 1) / kBiasRows;
  return slices < 1 ? 1 : slices > kBiasSlices ? kBiasSlices : slices;
}

int64_t bias_workspace(const Conv2dBias& r, const Env&) { return bias_slices(r) * r.k * 4; }

template <class T>
void sum_rows(const Conv2dBias& r, const Buffers& b, const Exec& exec) {
  const T* dy = b.get<T>(Conv2dBias::kDy);
  T* db = b.get<T>(Conv2dBias::kDb);
  auto* partial = static_cast<float*>(exec.workspace);
  const int64_t slices = bias_slices(r);
  exec.parallel_for(slices, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t slice = begin; slice < end; ++slice) {
      const int64_t first = r.rows * slice / slices, last = r.rows * (slice + 1) / slices;
      float* sums = partial + slice * r.k;
      fill_floats(sums, 0.0f, r.k);
      // Rows lie in memory as they are read; four at a time, since each pass over the sums costs a load and a store.
      for (int64_t row = first; row < last; row += 4) {
        const T* next[4];
        for (int i = 0; i < 4; ++i) next[i] = dy + (row + i < last ? row + i : row) * r.k;
        const int count = last - row < 4 ? static_cast<int>(last - row) : 4;
        for_vectors(0, r.k, [&](int64_t k, int n) NDL_LAMBDA_INLINE {
          F32 sum = load_some(next[0] + k, n);
          for (int i = 1; i < count; ++i) sum += load_some(next[i] + k, n);
          store_some(sums + k, load_some(sums + k, n) + sum, n);
        });
      }
    }
  });
  for_vectors(0, r.k, [&](int64_t k, int n) NDL_LAMBDA_INLINE {
    F32 sum = load_some(partial + k, n);
    for (int64_t slice = 1; slice < slices; ++slice) sum += load_some(partial + slice * r.k + k, n);
    store_some(db + k, sum, n);
  });
}

// bf16, which linear has.
void backward_bias(const Conv2dBias& r, const Buffers& b, const Exec& exec) {
  if (r.dtype == NDL_DTYPE_F32) sum_rows<float>(r, b, exec);
  else sum_rows<Bf16>(r, b, exec);
}

}  // namespace

const Kernel<Conv2d> conv2d_forward_implicit_gemm{forward, scratch_bytes, Conv2d::kWeight, filter_packed_bytes<true>, pack_filter<true>, groups_of};
const Kernel<Conv2d> conv2d_backward_input_implicit_gemm{backward_input, scratch_bytes, Conv2d::kFilter, filter_packed_bytes<false>,
                                                         pack_filter<false>, groups_of};
const Kernel<Conv2d> conv2d_backward_weight_implicit_gemm{backward_weight, weight_workspace};
const Kernel<Conv2dBias> conv2d_backward_bias_vector{backward_bias, bias_workspace};

}  // namespace ndl::cpu::NDL_ISA
