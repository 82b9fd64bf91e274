// cpu/kernels/region.cpp: a region of one tensor copied to a region of another, for slice, pad and permute.
//   target[to + sum of i*b] = source[from + sum of i*a] over the space (ops/space.hpp), after a fill where asked for;
//   elements of 1, 2, 4 or 8 bytes, whatever they mean
// Mapping, by the strides:
//   both 1 along the last dimension     lines are copied; a task is a range of elements
//   target 1 along the last dimension,  a transposition: a task is some blocks of kBlock by kBlock, in which both sides have
//   source 1 along another              runs of cache lines, in tiles that read and write whole ones
//   other                               element by element along lines
// Refuses nothing. Bound: memory bandwidth; a padded tensor is written twice, by the fill and by the copy.
#include "cpu/simd.hpp"
#include "ops/region.hpp"

namespace ndl::cpu::NDL_ISA {
namespace {

constexpr int64_t kGrainBytes = 65536;

template <class T>
void fill(T* target, int64_t count, T value, const Exec& exec) {
  exec.parallel_for(count, kGrainBytes / static_cast<int64_t>(sizeof(T)), [=](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) target[i] = value;
  });
}

template <class T>
void copy_lines(const Space& s, const T* source, T* target, const Exec& exec) {
  const int64_t a_step = s.a[s.rank - 1], b_step = s.b[s.rank - 1];
  exec.parallel_for(s.count, kGrainBytes / static_cast<int64_t>(sizeof(T)), [&](int64_t begin, int64_t end, int32_t) {
    for_lines(s, begin, end, [&](int64_t, int64_t a, int64_t b, int64_t n) NDL_LAMBDA_INLINE {
      const T* from = source + a;
      T* to = target + b;
      if (a_step == 1 && b_step == 1) __builtin_memcpy(to, from, static_cast<unsigned long>(n) * sizeof(T));
      else
        for (int64_t i = 0; i < n; ++i) to[i * b_step] = from[i * a_step];
    });
  });
}

// The source is dense along `dense`, the target along the last dimension.
template <class T>
void transpose(const Space& s, int dense, const T* source, T* target, const Exec& exec) {
  constexpr int64_t kTile = 64 / static_cast<int64_t>(sizeof(T)), kBlock = 4 * kTile;
  const int last = s.rank - 1;
  const int64_t rows = s.dims[dense], columns = s.dims[last], a_step = s.a[last], b_step = s.b[dense];
  const int64_t across = (columns + kBlock - 1) / kBlock, blocks = (rows + kBlock - 1) / kBlock * across;
  const auto least = [](int64_t a, int64_t b) { return a < b ? a : b; };
  exec.parallel_for(s.count / (rows * columns) * blocks, 4, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      int64_t outer = task / blocks;
      const int64_t top = task % blocks / across * kBlock, bottom = least(top + kBlock, rows);
      const int64_t left = task % across * kBlock, right = least(left + kBlock, columns);
      const T* from = source;
      T* to = target;
      for (int axis = last - 1; axis >= 0; --axis) {
        if (axis == dense) continue;
        from += outer % s.dims[axis] * s.a[axis];
        to += outer % s.dims[axis] * s.b[axis];
        outer /= s.dims[axis];
      }
      for (int64_t column = left; column < right; column += kTile)
        for (int64_t row = top; row < bottom; row += kTile) {
          const int64_t height = least(row + kTile, bottom), width = least(column + kTile, right);
          for (int64_t i = row; i < height; ++i)
            for (int64_t j = column; j < width; ++j) to[i * b_step + j] = from[i + j * a_step];
        }
    }
  });
}

template <class T>
void run(const Region& r, const Buffers& b, const Exec& exec) {
  const T* source = b.get<T>(r.source);
  T* target = b.get<T>(r.target);
  if (r.fill) fill(target, r.target_count, static_cast<T>(r.pattern), exec);
  if (r.space.count == 0) return;
  const Space& s = r.space;
  const int last = s.rank - 1;
  int dense = last;
  for (int axis = 0; axis < last; ++axis)
    if (s.a[axis] == 1) dense = axis;
  if (dense < last && s.b[last] == 1) transpose(s, dense, source + r.from, target + r.to, exec);
  else copy_lines(s, source + r.from, target + r.to, exec);
}

void copy(const Region& r, const Buffers& b, const Exec& exec) {
  switch (r.element_bytes) {
    case 1: return run<uint8_t>(r, b, exec);
    case 2: return run<uint16_t>(r, b, exec);
    case 4: return run<uint32_t>(r, b, exec);
    default: return run<uint64_t>(r, b, exec);
  }
}

}  // namespace

const Kernel<Region> region_copy_strided{copy};

}  // namespace ndl::cpu::NDL_ISA
