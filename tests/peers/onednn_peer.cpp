// tests/peers/onednn_peer.cpp: oneDNN as a contestant of nativedl-bench, at its best.
//
// Each pass is made in every way worth trying (activations NHWC, or in the layout oneDNN likes best; each algorithm), all
// reorders outside the timing; a short trial picks one, and VARIANT names it. The word variant=PREFIX holds the choice to
// ways whose name begins so. Outputs and scratch memory are allocated once.
#include <omp.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "peer.hpp"

namespace {

using dnnl::algorithm;
using dnnl::memory;
using dnnl::primitive_attr;
using dnnl::prop_kind;
using Desc = memory::desc;
using peer::Request;
using Args = std::unordered_map<int, memory>;

const dnnl::engine& engine() {
  static const dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

dnnl::stream& stream() {
  static dnnl::stream instance(engine());
  return instance;
}

// Memory on large pages, as benchdnn has it: a tenth of the time of what reads and writes 100 MB. It belongs to the operands,
// or to the way that is being made.
using Buffers = std::vector<std::shared_ptr<void>>;
Buffers operands;
Buffers* owner = &operands;

memory new_memory(const Desc& desc) {
  constexpr size_t kPage = 2 << 20;
  const size_t bytes = desc.get_size(), aligned = bytes < kPage ? 4096 : kPage;
  const size_t whole = (bytes + aligned) / aligned * aligned;
  std::shared_ptr<void> buffer(std::aligned_alloc(aligned, whole), std::free);
  if (buffer == nullptr) throw std::bad_alloc();
  if (aligned == kPage) madvise(buffer.get(), whole, MADV_HUGEPAGE);
  owner->push_back(buffer);
  return {desc, engine(), buffer.get()};
}

memory::data_type type_of(const Request& r, const std::string& operand) {
  const std::string name = r.dtype(operand);
  if (name == "f32") return memory::data_type::f32;
  if (name == "bf16") return memory::data_type::bf16;
  throw peer::Refusal("no adapter for " + name);
}

Desc with_type(const Desc& desc, memory::data_type type) { return {desc.get_dims(), type, desc.get_strides()}; }
Desc f32(const Desc& desc) { return with_type(desc, memory::data_type::f32); }
Desc any(const Desc& desc) { return {desc.get_dims(), desc.get_data_type(), memory::format_tag::any}; }

// [n, h, w, c] in memory as oneDNN's n, c, h, w.
Desc nhwc(const peer::Dims& d, memory::data_type type = memory::data_type::f32) {
  return {{d[0], d[3], d[1], d[2]}, type, memory::format_tag::nhwc};
}
Desc blocked(const Desc& desc) { return {desc.get_dims(), desc.get_data_type(), memory::format_tag::nChw16c}; }

memory reordered(const memory& from, const Desc& to) {
  if (from.get_desc() == to) return from;
  memory result = new_memory(to);
  dnnl::reorder(from, result).execute(stream(), Args{{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, result}});
  stream().wait();
  return result;
}

// An operand of the row, which lies in its file as `plain` says, f32.
memory load(const Request& r, const std::string& operand, const Desc& plain) {
  memory result = new_memory(f32(plain));
  const std::vector<float> values = r.values(operand);
  std::copy(values.begin(), values.end(), static_cast<float*>(result.get_data_handle()));
  return result;
}

void save(const Request& r, const std::string& output, const memory& from, const Desc& plain) {
  const memory result = reordered(from, f32(plain));
  r.save(output, static_cast<const float*>(result.get_data_handle()), result.get_desc().get_size() / sizeof(float));
}

// The same primitive under several names is tried once.
struct Way {
  std::string name;
  dnnl::primitive primitive;
  Args args;
  Buffers buffers = {};

  void run() {
    primitive.execute(stream(), args);
    stream().wait();
  }
};

using Maker = std::function<Way()>;

// The quickest of the ways that this processor and this shape allow.
std::shared_ptr<Way> best(const Request& r, const std::vector<Maker>& makers) {
  std::shared_ptr<Way> winner;
  double least = 0;
  std::string refusal = "no way of oneDNN is called variant=" + r.text("variant");
  std::vector<std::string> tried;
  for (const Maker& make : makers) {
    try {
      Buffers own;
      owner = &own;
      auto way = std::make_shared<Way>(make());
      owner = &operands;
      way->buffers = std::move(own);
      if (way->name.rfind(r.text("variant"), 0) != 0 || std::count(tried.begin(), tried.end(), way->name) > 0) continue;
      tried.push_back(way->name);
      const auto run = [&] { way->run(); };
      double seconds = peer::clock_runs(run, 1), spent = 0;
      for (int i = 0; i < 3 || (i < 20 && spent < 0.1); ++i) {
        const double again = peer::clock_runs(run, 1);
        spent += again;
        seconds = std::min(seconds, again);
      }
      if (winner == nullptr || seconds < least) {
        winner = way;
        least = seconds;
      }
    } catch (const dnnl::error& e) {
      owner = &operands;
      refusal = e.what();
    }
  }
  if (winner == nullptr) throw peer::Refusal(refusal);
  return winner;
}

peer::Pass pass_of(const std::shared_ptr<Way>& way) {
  return {way->name, [way] { way->run(); }};
}

// "nhwc/brgconv:avx512_core"; blanks would end the word.
template <class PrimitiveDesc>
std::string name_of(const std::string& layout, const PrimitiveDesc& pd) {
  std::string name = layout + "/" + pd.impl_info_str();
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

primitive_attr with_activation(const Request& r) {
  primitive_attr attr;
  if (r.text("activation") == "relu") {
    dnnl::post_ops ops;
    ops.append_eltwise(algorithm::eltwise_relu, 0, 0);
    attr.set_post_ops(ops);
  } else if (r.has("activation") && r.text("activation") != "none") {
    throw peer::Refusal("no adapter for activation " + r.text("activation"));
  }
  return attr;
}

struct Conv2d {
  Desc x, weight, bias, y;
  memory::dims strides, dilations, pads, pads_behind;

  explicit Conv2d(const Request& r) {
    const memory::data_type type = type_of(r, "x");
    const peer::Dims in = r.dims("x"), w = r.dims("weight"), out = r.dims("dy");
    const int64_t groups = r.number("groups", 1);
    x = nhwc(in, type);
    y = nhwc(out, type);
    const int64_t taps = w[1] * w[2];
    weight = groups == 1
                 ? Desc({w[0], w[3], w[1], w[2]}, type, {taps * w[3], 1, w[2] * w[3], w[3]})
                 : Desc({groups, w[0] / groups, w[3], w[1], w[2]}, type,
                        {w[0] / groups * taps * w[3], taps * w[3], 1, w[2] * w[3], w[3]});
    if (r.has("bias")) bias = Desc({w[0]}, type, memory::format_tag::a);
    strides = {r.number("stride_h", 1), r.number("stride_w", 1)};
    dilations = {r.number("dilation_h", 1) - 1, r.number("dilation_w", 1) - 1};
    pads = {r.number("pad_top", 0), r.number("pad_left", 0)};
    pads_behind = {r.number("pad_bottom", 0), r.number("pad_right", 0)};
  }

  struct Layouts {
    std::string name;
    Desc x, y;
  };
  std::vector<Layouts> layouts() const { return {{"nhwc", x, y}, {"any", any(x), any(y)}}; }

  dnnl::convolution_forward::primitive_desc forward(const Layouts& l, algorithm how, prop_kind prop, const primitive_attr& attr) const {
    return {engine(), prop, how, l.x, any(weight), bias, l.y, strides, dilations, pads, pads_behind, attr};
  }
};

peer::Passes conv2d(const Request& r) {
  const Conv2d c(r);
  const primitive_attr attr = with_activation(r);
  const memory x = load(r, "x", c.x), weight = load(r, "weight", c.weight), dy = load(r, "dy", c.y);
  const memory bias = r.has("bias") ? load(r, "bias", c.bias) : memory();
  const auto algorithms = {algorithm::convolution_direct, algorithm::convolution_auto, algorithm::convolution_winograd};

  std::vector<Maker> forward, backward_input, backward_weight;
  for (const auto& l : c.layouts())
    for (const algorithm how : algorithms) {
      forward.push_back([&c, &attr, &x, &weight, &bias, &r, l, how] {
        const auto pd = c.forward(l, how, prop_kind::forward_inference, attr);
        Args args = {{DNNL_ARG_SRC, reordered(x, pd.src_desc())}, {DNNL_ARG_WEIGHTS, reordered(weight, pd.weights_desc())},
                     {DNNL_ARG_DST, new_memory(pd.dst_desc())}};
        if (r.has("bias")) args[DNNL_ARG_BIAS] = reordered(bias, c.bias);
        return Way{name_of(l.name, pd), dnnl::convolution_forward(pd), args};
      });
      backward_input.push_back([&c, &weight, &dy, l, how] {
        const auto hint = c.forward(l, how, prop_kind::forward_training, {});
        const dnnl::convolution_backward_data::primitive_desc pd(engine(), how, l.x, any(c.weight), l.y, c.strides, c.dilations,
                                                                 c.pads, c.pads_behind, hint);
        return Way{name_of(l.name, pd), dnnl::convolution_backward_data(pd),
                   {{DNNL_ARG_DIFF_DST, reordered(dy, pd.diff_dst_desc())}, {DNNL_ARG_WEIGHTS, reordered(weight, pd.weights_desc())},
                    {DNNL_ARG_DIFF_SRC, new_memory(pd.diff_src_desc())}}};
      });
      backward_weight.push_back([&c, &x, &dy, l, how] {
        const auto hint = c.forward(l, how, prop_kind::forward_training, {});
        const dnnl::convolution_backward_weights::primitive_desc pd(engine(), how, l.x, any(c.weight), l.y, c.strides, c.dilations,
                                                                    c.pads, c.pads_behind, hint);
        return Way{name_of(l.name, pd), dnnl::convolution_backward_weights(pd),
                   {{DNNL_ARG_SRC, reordered(x, pd.src_desc())}, {DNNL_ARG_DIFF_DST, reordered(dy, pd.diff_dst_desc())},
                    {DNNL_ARG_DIFF_WEIGHTS, new_memory(pd.diff_weights_desc())}}};
      });
    }

  const auto y = best(r, forward), dx = best(r, backward_input), dw = best(r, backward_weight);
  save(r, "y", y->args.at(DNNL_ARG_DST), c.y);
  save(r, "dx", dx->args.at(DNNL_ARG_DIFF_SRC), c.x);
  save(r, "dweight", dw->args.at(DNNL_ARG_DIFF_WEIGHTS), c.weight);
  return {{"forward", pass_of(y)}, {"backward_input", pass_of(dx)}, {"backward_weight", pass_of(dw)}};
}

peer::Passes gemm(const Request& r) {
  const memory::data_type type = type_of(r, "a");
  const peer::Dims da = r.dims("a"), db = r.dims("b"), dy = r.dims("dy");
  const bool ta = r.number("transpose_a", 0) != 0, tb = r.number("transpose_b", 0) != 0;
  const Desc a(ta ? memory::dims{da[1], da[0]} : da, type, ta ? memory::format_tag::ba : memory::format_tag::ab);
  const Desc b(tb ? memory::dims{db[1], db[0]} : db, type, tb ? memory::format_tag::ba : memory::format_tag::ab);
  const Desc y(dy, type, memory::format_tag::ab);
  const Desc bias = r.has("bias") ? Desc({1, dy[1]}, type, memory::format_tag::ab) : Desc();
  const primitive_attr attr = with_activation(r);
  const memory a_memory = load(r, "a", a), b_memory = load(r, "b", b), bias_memory = r.has("bias") ? load(r, "bias", bias) : memory();

  struct Layouts {
    std::string name;
    Desc a, b, y;
  };
  std::vector<Maker> makers;
  for (const Layouts& l : {Layouts{"plain", a, b, y}, Layouts{"weights", a, any(b), y}, Layouts{"any", any(a), any(b), any(y)}})
    makers.push_back([&, l] {
      const dnnl::matmul::primitive_desc pd(engine(), l.a, l.b, bias, l.y, attr);
      Args args = {{DNNL_ARG_SRC, reordered(a_memory, pd.src_desc())}, {DNNL_ARG_WEIGHTS, reordered(b_memory, pd.weights_desc())},
                   {DNNL_ARG_DST, new_memory(pd.dst_desc())}};
      if (r.has("bias")) args[DNNL_ARG_BIAS] = reordered(bias_memory, bias);
      return Way{name_of(l.name, pd), dnnl::matmul(pd), args};
    });
  const auto way = best(r, makers);
  save(r, "y", way->args.at(DNNL_ARG_DST), y);
  return {{"forward", pass_of(way)}};
}

peer::Passes max_pool2d(const Request& r) {
  const Desc x = nhwc(r.dims("x")), y = nhwc(r.dims("dy"));
  const memory::dims kernel = {r.number("kernel_h", 1), r.number("kernel_w", 1)};
  const memory::dims strides = {r.number("stride_h", 1), r.number("stride_w", 1)};
  const memory::dims dilations = {r.number("dilation_h", 1) - 1, r.number("dilation_w", 1) - 1};
  const memory::dims pads = {r.number("pad_top", 0), r.number("pad_left", 0)};
  const memory::dims behind = {r.number("pad_bottom", 0), r.number("pad_right", 0)};
  const memory x_memory = load(r, "x", x), dy_memory = load(r, "dy", y);

  std::vector<Maker> forward, backward;
  for (const bool plain : {true, false}) {
    const std::string layout = plain ? "nhwc" : "nChw16c";
    const Desc in = plain ? x : blocked(x), out = plain ? y : blocked(y);
    const auto forward_pd = [=] {
      return dnnl::pooling_forward::primitive_desc(engine(), prop_kind::forward_training, algorithm::pooling_max, in, out, strides,
                                                   kernel, dilations, pads, behind);
    };
    const auto make_forward = [=, &x_memory] {
      const auto pd = forward_pd();
      return Way{name_of(layout, pd), dnnl::pooling_forward(pd),
                 {{DNNL_ARG_SRC, reordered(x_memory, in)}, {DNNL_ARG_DST, new_memory(out)},
                  {DNNL_ARG_WORKSPACE, new_memory(pd.workspace_desc())}}};
    };
    forward.push_back(make_forward);
    backward.push_back([=, &dy_memory] {
      Way way = make_forward();
      way.run();
      const dnnl::pooling_backward::primitive_desc pd(engine(), algorithm::pooling_max, in, out, strides, kernel, dilations, pads,
                                                      behind, forward_pd());
      return Way{name_of(layout, pd), dnnl::pooling_backward(pd),
                 {{DNNL_ARG_DIFF_DST, reordered(dy_memory, out)}, {DNNL_ARG_WORKSPACE, way.args.at(DNNL_ARG_WORKSPACE)},
                  {DNNL_ARG_DIFF_SRC, new_memory(in)}}};
    });
  }
  const auto y_way = best(r, forward), dx_way = best(r, backward);
  save(r, "y", y_way->args.at(DNNL_ARG_DST), y);
  save(r, "dx", dx_way->args.at(DNNL_ARG_DIFF_SRC), x);
  return {{"forward", pass_of(y_way)}, {"backward", pass_of(dx_way)}};
}

peer::Passes batch_norm2d(const Request& r) {
  const Desc x = nhwc(r.dims("x")), c({r.dims("x")[3]}, memory::data_type::f32, memory::format_tag::a);
  if (!r.has("gamma") || !r.has("beta")) throw peer::Refusal("with gamma and beta only");
  const memory x_memory = load(r, "x", x), gamma = load(r, "gamma", c), beta = load(r, "beta", c), dy = load(r, "dy", x);
  const float eps = r.has("eps") ? std::stof(r.text("eps")) : 1e-5F;
  const bool relu = r.text("activation") == "relu";
  auto flags = dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;
  if (relu) flags |= dnnl::normalization_flags::fuse_norm_relu;

  std::vector<Maker> forward, backward;
  for (const bool plain : {true, false}) {
    const std::string layout = plain ? "nhwc" : "nChw16c";
    const Desc at = plain ? x : blocked(x);
    const auto make_forward = [=] {
      const dnnl::batch_normalization_forward::primitive_desc pd(engine(), prop_kind::forward_training, at, at, eps, flags);
      Args args = {{DNNL_ARG_SRC, reordered(x_memory, at)}, {DNNL_ARG_DST, new_memory(at)}, {DNNL_ARG_SCALE, gamma},
                   {DNNL_ARG_SHIFT, beta}, {DNNL_ARG_MEAN, new_memory(c)}, {DNNL_ARG_VARIANCE, new_memory(c)}};
      if (relu) args[DNNL_ARG_WORKSPACE] = new_memory(pd.workspace_desc());
      return Way{name_of(layout, pd), dnnl::batch_normalization_forward(pd), args};
    };
    forward.push_back(make_forward);
    backward.push_back([=] {
      const dnnl::batch_normalization_forward::primitive_desc hint(engine(), prop_kind::forward_training, at, at, eps, flags);
      Way way = make_forward();
      way.run();
      const dnnl::batch_normalization_backward::primitive_desc pd(engine(), prop_kind::backward, at, at, at, eps, flags, hint);
      Args args = way.args;
      args.erase(DNNL_ARG_DST);
      args[DNNL_ARG_DIFF_DST] = reordered(dy, at);
      args[DNNL_ARG_DIFF_SRC] = new_memory(at);
      args[DNNL_ARG_DIFF_SCALE] = new_memory(c);
      args[DNNL_ARG_DIFF_SHIFT] = new_memory(c);
      return Way{name_of(layout, pd), dnnl::batch_normalization_backward(pd), args};
    });
  }
  const auto y_way = best(r, forward), dx_way = best(r, backward);
  save(r, "y", y_way->args.at(DNNL_ARG_DST), x);
  save(r, "dx", dx_way->args.at(DNNL_ARG_DIFF_SRC), x);
  save(r, "dgamma", dx_way->args.at(DNNL_ARG_DIFF_SCALE), c);
  save(r, "dbeta", dx_way->args.at(DNNL_ARG_DIFF_SHIFT), c);
  return {{"forward", pass_of(y_way)}, {"backward", pass_of(dx_way)}};
}

// Any shape, dense, last dimension fastest.
Desc dense(const peer::Dims& dims) {
  memory::dims strides(dims.size(), 1);
  for (size_t i = dims.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * dims[i];
  return {dims, memory::data_type::f32, strides};
}

peer::Passes relu(const Request& r) {
  const Desc x = dense(r.dims("x"));
  const memory x_memory = load(r, "x", x), dy = load(r, "dy", x);
  const auto forward_pd = [&] {
    return dnnl::eltwise_forward::primitive_desc(engine(), prop_kind::forward_training, algorithm::eltwise_relu_use_dst_for_bwd, x, x);
  };
  const auto y_way = best(r, {[&] {
    return Way{name_of("plain", forward_pd()), dnnl::eltwise_forward(forward_pd()), {{DNNL_ARG_SRC, x_memory}, {DNNL_ARG_DST, new_memory(x)}}};
  }});
  const auto dx_way = best(r, {[&] {
    const dnnl::eltwise_backward::primitive_desc pd(engine(), algorithm::eltwise_relu_use_dst_for_bwd, x, x, x, forward_pd());
    return Way{name_of("plain", pd), dnnl::eltwise_backward(pd),
               {{DNNL_ARG_DST, y_way->args.at(DNNL_ARG_DST)}, {DNNL_ARG_DIFF_DST, dy}, {DNNL_ARG_DIFF_SRC, new_memory(x)}}};
  }});
  save(r, "y", y_way->args.at(DNNL_ARG_DST), x);
  save(r, "dx", dx_way->args.at(DNNL_ARG_DIFF_SRC), x);
  return {{"forward", pass_of(y_way)}, {"backward", pass_of(dx_way)}};
}

peer::Passes add(const Request& r) {
  const Desc a = dense(r.dims("a")), b = dense(r.dims("b")), y = dense(r.dims("dy"));
  const memory a_memory = load(r, "a", a), b_memory = load(r, "b", b);
  const auto way = best(r, {[&] {
    const dnnl::binary::primitive_desc pd(engine(), algorithm::binary_add, a, b, y);
    return Way{name_of("plain", pd), dnnl::binary(pd), {{DNNL_ARG_SRC_0, a_memory}, {DNNL_ARG_SRC_1, b_memory}, {DNNL_ARG_DST, new_memory(y)}}};
  }});
  save(r, "y", way->args.at(DNNL_ARG_DST), y);
  return {{"forward", pass_of(way)}};
}

peer::Passes softmax(const Request& r) {
  const Desc x = dense(r.dims("x"));
  const int rank = static_cast<int>(r.dims("x").size()), axis = static_cast<int>((r.number("axis", -1) + rank) % rank);
  const memory x_memory = load(r, "x", x);
  const auto way = best(r, {[&] {
    const dnnl::softmax_forward::primitive_desc pd(engine(), prop_kind::forward_inference, algorithm::softmax_accurate, x, x, axis);
    return Way{name_of("plain", pd), dnnl::softmax_forward(pd), {{DNNL_ARG_SRC, x_memory}, {DNNL_ARG_DST, new_memory(x)}}};
  }});
  save(r, "y", way->args.at(DNNL_ARG_DST), x);
  return {{"forward", pass_of(way)}};
}

// Over n, h and w of an image: as a reduction, and as a product with a row of ones, which is faster.
peer::Passes sum(const Request& r) {
  if (r.text("axes") != "0,1,2" || r.dims("x").size() != 4) throw peer::Refusal("sums over n, h and w only");
  const peer::Dims d = r.dims("x");
  const int64_t rows = d[0] * d[1] * d[2];
  const auto f32_type = memory::data_type::f32;
  const Desc x({rows, d[3]}, f32_type, memory::format_tag::ab), y({1, d[3]}, f32_type, memory::format_tag::ab);
  const Desc ones({1, rows}, f32_type, memory::format_tag::ab);
  const memory x_memory = load(r, "x", x), ones_memory = new_memory(ones);
  std::fill_n(static_cast<float*>(ones_memory.get_data_handle()), rows, 1.0F);
  const auto way = best(r, {[&] {
    const dnnl::reduction::primitive_desc pd(engine(), algorithm::reduction_sum, x, y, 0, 0);
    return Way{name_of("reduction", pd), dnnl::reduction(pd), {{DNNL_ARG_SRC, x_memory}, {DNNL_ARG_DST, new_memory(y)}}};
  }, [&] {
    const dnnl::matmul::primitive_desc pd(engine(), ones, x, y);
    return Way{name_of("ones", pd), dnnl::matmul(pd),
               {{DNNL_ARG_SRC, ones_memory}, {DNNL_ARG_WEIGHTS, x_memory}, {DNNL_ARG_DST, new_memory(y)}}};
  }});
  save(r, "y", way->args.at(DNNL_ARG_DST), y);
  return {{"forward", pass_of(way)}};
}

peer::Passes prepare(const Request& r) {
  static const std::map<std::string, std::function<peer::Passes(const Request&)>> ops = {
      {"add", add}, {"batch_norm2d", batch_norm2d}, {"conv2d", conv2d}, {"gemm", gemm}, {"max_pool2d", max_pool2d},
      {"relu", relu}, {"softmax", softmax}, {"sum", sum}};
  operands.clear();
  omp_set_num_threads(static_cast<int>(r.number("threads", 1)));
  const auto found = ops.find(r.op);
  if (found == ops.end()) throw peer::Refusal("no adapter for " + r.op);
  return found->second(r);
}

}  // namespace

int main() {
  const dnnl_version_t* v = dnnl_version();
  std::ostringstream name;
  name << "oneDNN " << v->major << "." << v->minor << "." << v->patch;
  return peer::serve(name.str(), prepare);
}
