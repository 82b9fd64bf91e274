// tests/native/random_shapes_test.cpp: rows that nobody thought of. Hundreds of small, odd shapes a pass from a seeded
// generator, every implementation that accepts them against cpu:ref in f64, on memory that lies against inaccessible pages.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "fence.hpp"

namespace ndl::test {
namespace {

#if defined(NDL_HAS_FENCES)

class Draw {
 public:
  int64_t between(int64_t least, int64_t greatest) {
    return least + static_cast<int64_t>(random_() % static_cast<uint64_t>(greatest - least + 1));
  }
  bool one_in(int64_t n) { return between(1, n) == 1; }
  template <class T>
  T of(std::initializer_list<T> values) { return values.begin()[between(0, static_cast<int64_t>(values.size()) - 1)]; }

  // A length: mostly small, often beside a multiple of a vector or of a tile.
  int64_t length(int64_t greatest = 100) {
    const int64_t drawn = of<int64_t>({between(1, 9), between(1, 40), of<int64_t>({8, 16, 32, 48, 64, 96}) + between(-1, 1)});
    return std::min(drawn, greatest);
  }
  std::vector<int64_t> dims(int most) {
    std::vector<int64_t> list(static_cast<size_t>(between(1, most)));
    for (int64_t& dim : list) dim = list.size() > 2 ? between(1, 9) : length();
    return list;
  }
  std::string maybe(int64_t in, const std::string& words) { return one_in(in) ? " " + words : ""; }

 private:
  std::mt19937_64 random_{3};
};

std::string joined(const std::vector<int64_t>& list, char by = 'x') {
  std::string result;
  for (const int64_t value : list) result += (result.empty() ? "" : std::string(1, by)) + std::to_string(value);
  return result;
}

// One axis of a window that moves over an image: at least one place for it. An image of `size` pixels.
struct Axis {
  int64_t kernel, stride, dilation, before, after, size;

  Axis(Draw& d, int64_t taps, int64_t step, int64_t spread, bool pooled) : kernel(taps), stride(step), dilation(spread) {
    const int64_t extent = dilation * (kernel - 1) + 1;
    before = d.between(0, pooled ? kernel / 2 : 2), after = pooled ? before : d.between(0, 2);
    size = std::max<int64_t>(pooled ? extent : 1, extent - before - after) + d.between(0, 9);
  }
};

int64_t positions(const Axis& a) { return (a.size + a.before + a.after - (a.dilation * (a.kernel - 1) + 1)) / a.stride + 1; }

std::string window(const Axis& h, const Axis& w, bool dilated = true) {
  return text(" stride_h=", h.stride, " stride_w=", w.stride, " pad_top=", h.before, " pad_bottom=", h.after, " pad_left=", w.before,
              " pad_right=", w.after, dilated ? text(" dilation_h=", h.dilation, " dilation_w=", w.dilation) : "");
}

std::string conv2d(Draw& d) {
  const int64_t kind = d.between(0, 7);  // any, and what the methods beside the general one take
  const bool winograd = kind == 1 || kind == 2, depthwise = kind == 3, grouped = kind == 4, pointwise = kind == 5;
  const bool phases = kind == 7;
  const int64_t group_c = depthwise ? 1 : grouped ? d.of<int64_t>({2, 4, 8, 16}) : kind == 6 ? d.between(1, 4) : d.length(34);
  const int64_t group_k = depthwise ? 1 : grouped ? group_c : d.length(50);
  const int64_t groups = depthwise ? d.length(70) : grouped ? d.between(1, 5) : kind == 0 ? d.of<int64_t>({1, 1, 2, 3}) : 1;
  const bool square = winograd || d.one_in(3), plain = winograd || d.one_in(2);
  const auto axis = [&] {
    if (phases) return Axis(d, d.between(5, 8), 2, 1, false);
    const int64_t taps = pointwise ? 1 : square ? 3 : d.between(1, 5);
    return Axis(d, taps, plain ? 1 : d.between(1, 3), plain || d.one_in(2) ? 1 : d.between(1, 2), false);
  };
  const Axis h = axis(), w = axis();
  const int64_t n = d.one_in(20) ? 0 : d.between(1, 3), k = groups * group_k;
  const std::string type = d.one_in(3) ? ":bf16" : "";
  return text("x=", n, 'x', h.size, 'x', w.size, 'x', groups * group_c, type, " weight=", k, 'x', h.kernel, 'x', w.kernel, 'x', group_c, type,
              " groups=", groups, window(h, w)) +
         d.maybe(2, text("bias=", k, type)) + d.maybe(3, text("residual=", n, 'x', positions(h), 'x', positions(w), 'x', k, type)) +
         d.maybe(2, "activation=relu");
}

std::string conv2d_max_pool2d(Draw& d) {
  if (d.one_in(8))  // a first layer, which has a kernel of its own
    return text("x=", d.between(1, 20), 'x', d.between(4, 15), 'x', d.between(4, 15), "x1 weight=", d.length(50), "x3x3x1 pool_h=2 pool_w=2") +
           d.maybe(2, "activation=relu");
  const int64_t c = d.of<int64_t>({d.between(1, 4), d.length(34)}), k = d.length(50), taps = d.of<int64_t>({1, 3, 3, 3, 5}), pool = d.between(1, 3);
  const int64_t stride = d.of<int64_t>({1, 1, 2}), dilation = d.one_in(4) ? 2 : 1;
  Axis h(d, taps, stride, dilation, false), w(d, taps, stride, dilation, false);
  h.size += stride * (pool - 1), w.size += stride * (pool - 1);
  return text("x=", d.between(1, 3), 'x', h.size, 'x', w.size, 'x', c, " weight=", k, 'x', taps, 'x', taps, 'x', c, window(h, w), " pool_h=", pool,
              " pool_w=", pool) +
         d.maybe(2, text("bias=", k)) + d.maybe(2, "activation=relu");
}

std::string gemm(Draw& d) {
  const int64_t m = d.length(), n = d.length(), k = d.one_in(8) ? d.between(200, 700) : d.length();
  const bool ta = d.one_in(2), tb = d.one_in(2);
  const std::string batch = d.one_in(4) ? text(d.between(1, 3), 'x') : "", type = d.one_in(3) ? ":bf16" : "";
  return text("a=", batch, ta ? k : m, 'x', ta ? m : k, type, " b=", d.one_in(2) ? "" : batch, tb ? n : k, 'x', tb ? k : n, type, " transpose_a=", ta,
              " transpose_b=", tb) +
         d.maybe(3, text("c=", batch, m, 'x', n, type)) + d.maybe(2, text("bias=", n, type)) + d.maybe(4, "alpha=0.5") + d.maybe(4, "beta=-2") +
         d.maybe(2, "activation=relu");
}

std::string linear(Draw& d) {
  const int64_t n = d.length(), k = d.one_in(8) ? d.between(200, 700) : d.length();
  const std::string rows = d.one_in(4) ? text(d.between(1, 3), 'x', d.between(1, 9)) : text(d.length());
  const std::string type = d.one_in(3) ? ":bf16" : "";
  return text("x=", rows, 'x', k, type, " weight=", n, 'x', k, type) + d.maybe(2, text("bias=", n, type)) +
         d.maybe(3, text("residual=", rows, 'x', n, type)) +
         d.maybe(2, "activation=relu");
}

std::string pool(Draw& d, bool dilated) {
  const int64_t taps = d.between(1, 4);
  const auto axis = [&] {
    return Axis(d, d.one_in(3) ? d.between(1, 4) : taps, d.one_in(2) ? taps : d.between(1, 3), dilated && d.one_in(3) ? 2 : 1, true);
  };
  const Axis h = axis(), w = axis();
  return text("x=", d.between(1, 3), 'x', h.size, 'x', w.size, 'x', d.length(), " kernel_h=", h.kernel, " kernel_w=", w.kernel, window(h, w, dilated)) +
         d.maybe(3, "ceil_mode=1");
}
std::string max_pool2d(Draw& d) { return pool(d, true) + d.maybe(2, "argmax_in_window=1"); }
std::string avg_pool2d(Draw& d) { return pool(d, false) + d.maybe(2, "count_include_pad=0") + d.maybe(4, "divisor_override=3"); }

std::string image(Draw& d, int64_t c) { return text(d.between(1, 4), 'x', d.between(1, 12), 'x', d.between(2, 12), 'x', c); }
std::string global_avg_pool2d(Draw& d) { return "x=" + image(d, d.length()); }

// In training without relu: a value that is the mean itself comes to either side of 0. Of few channels all sums may cancel, by
// whose largest the errors are measured.
std::string batch_norm2d_inference(Draw& d) {
  const int64_t c = d.length() + 3;
  return text("x=", image(d, c), " running_mean=", c, " running_var=", c, "@positive eps=0.5") + d.maybe(2, text("gamma=", c)) +
         d.maybe(2, text("beta=", c));
}
std::string batch_norm2d(Draw& d) { return batch_norm2d_inference(d) + " num_batches=scalar:i64@const(2)" + d.maybe(3, "cumulative=1"); }

std::string softmax(Draw& d) {
  const auto dims = d.dims(4);
  return text("x=", joined(dims)) + d.maybe(2, text("axis=", d.between(0, static_cast<int64_t>(dims.size()) - 1)));
}

std::string reduction(Draw& d) {
  const auto dims = d.dims(5);
  std::vector<int64_t> axes;
  for (size_t i = 0; i < dims.size(); ++i)
    if (d.one_in(2)) axes.push_back(static_cast<int64_t>(i));
  return text("x=", joined(dims)) + (axes.empty() ? "" : " axes=" + joined(axes, ',')) + d.maybe(2, "keep_dims=1");
}

std::string broadcast(Draw& d, const std::string& hint_of_b) {
  std::vector<int64_t> a = d.dims(4), b = a;
  for (int64_t& dim : b)
    if (d.one_in(3)) dim = 1;
  for (int64_t& dim : a)
    if (d.one_in(8)) dim = 1;
  auto& shorter = d.one_in(2) ? a : b;
  if (shorter.size() > 1 && d.one_in(2)) shorter.erase(shorter.begin());
  return text("a=", joined(a), " b=", joined(b), hint_of_b);
}
std::string arithmetic(Draw& d) { return broadcast(d, ""); }
std::string divide(Draw& d) { return broadcast(d, "@positive"); }

std::string unary(Draw& d) { return "x=" + joined(d.dims(4)); }
std::string positive(Draw& d) { return unary(d) + "@positive"; }

std::string cross_entropy(Draw& d) {
  const int64_t rows = d.length(), classes = d.length() + 1;
  return text("logits=", rows, 'x', classes, " labels=", rows, ":i64@index(", classes, ") reduction=", d.of<const char*>({"none", "mean", "sum"})) +
         d.maybe(3, "label_smoothing=0.125");
}

std::string mse_loss(Draw& d) {
  const std::string dims = joined(d.dims(4));
  return text("x=", dims, " target=", dims, " reduction=", d.of<const char*>({"none", "mean", "sum"}));
}

std::string permute(Draw& d) {
  const auto dims = d.dims(5);
  std::vector<int64_t> axes(dims.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    axes[i] = static_cast<int64_t>(i);
    std::swap(axes[i], axes[static_cast<size_t>(d.between(0, static_cast<int64_t>(i)))]);
  }
  return text("x=", joined(dims), " axes=", joined(axes, ','));
}

struct Generator {
  const char* op;
  std::string (*row)(Draw&);
};
const Generator kGenerators[] = {
    {"conv2d", conv2d}, {"conv2d_max_pool2d", conv2d_max_pool2d}, {"gemm", gemm}, {"linear", linear},
    {"max_pool2d", max_pool2d}, {"avg_pool2d", avg_pool2d}, {"global_avg_pool2d", global_avg_pool2d},
    {"batch_norm2d", batch_norm2d}, {"batch_norm2d_inference", batch_norm2d_inference}, {"softmax", softmax}, {"log_softmax", softmax},
    {"sum", reduction}, {"mean", reduction}, {"max", reduction}, {"argmax", reduction},
    {"add", arithmetic}, {"subtract", arithmetic}, {"multiply", arithmetic}, {"divide", divide},
    {"relu", unary}, {"exp", unary}, {"tanh", unary}, {"sigmoid", unary}, {"abs", unary}, {"square", unary}, {"sqrt", positive}, {"log", positive},
    {"cross_entropy", cross_entropy}, {"mse_loss", mse_loss}, {"permute", permute}};

class RandomShapes : public testing::TestWithParam<Generator> {};

TEST_P(RandomShapes, MatchReference) {
  const auto& [op, generate] = GetParam();
  const int rows = max_flop() < 1e8 ? 50 : 500;
  Draw draw;
  std::map<std::string, int> compared;  // by implementation
  for (int i = 0; i < rows;) {
    const Case row = parse_case(generate(draw));
    if (too_large(row, 3e6)) continue;
    ++i;
    SCOPED_TRACE(std::string(op) + " " + row.text);
    Prepared data = prepare(op, row);
    ASSERT_TRUE(data.usable);
    const Edge edge = draw.of({Edge::end, Edge::begin});
    const bool stream = draw.one_in(3);
    for (const Pass* pass : all_passes()) {
      if (!belongs(*pass, op) || lacks_gradient(*pass, data.values)) continue;
      for (int32_t number = 0; number < pass->implementations(); ++number) {
        const std::string implementation = pass->implementation_name(number), name = std::string(pass->name) + " " + implementation;
        if (implementation == "cpu:ref" || obstacle(pass->target(number), machine()) != nullptr || !can_fence(pass->target(number))) continue;
        int& count = compared[name];
        const NamedFaults named(name + " " + row.text);
        const Outputs got = execute_fenced(*pass, number, row, data, edge, stream);
        if (got.status == NDL_ERROR_REFUSED) continue;
        ++count;
        compare(*pass, implementation, got, expected_outputs(*pass, row, data));
        if (HasFatalFailure()) return;
      }
    }
  }
  for (const auto& [name, count] : compared) EXPECT_GE(count, rows / 50) << name << " accepts too few of these rows";
}

INSTANTIATE_TEST_SUITE_P(Seeded, RandomShapes, testing::ValuesIn(kGenerators), [](const auto& info) { return std::string(info.param.op); });

#endif

}  // namespace
}  // namespace ndl::test
