#!/usr/bin/env python3
"""PyTorch as a contestant of nativedl-bench. The protocol is in peer.hpp.

Each pass is the aten function that autograd would call, without autograd. Operands are float32 files in NativeDl's layouts
(NHWC activations, [out, kh, kw, in] weights); they become channels_last tensors once, outside the timing.
"""
import math
import os
import signal
import sys
import time

import torch
import torch.nn.functional as F

aten = torch.ops.aten


class Refusal(Exception):
    pass


class Request:
    def __init__(self, op, words):
        self.op = op
        self.words = dict(word.split("=", 1) for word in words)

    def has(self, key):
        return key in self.words

    def number(self, key, default=0):
        return int(self.words.get(key, default))

    def pair(self, key, default):
        return [self.number(key + "_h", default), self.number(key + "_w", default)]

    def pads(self):
        if self.number("pad_top") != self.number("pad_bottom") or self.number("pad_left") != self.number("pad_right"):
            raise Refusal("padding that differs between sides")
        return [self.number("pad_top"), self.number("pad_left")]

    def numbers(self, key):
        return [int(n) for n in self.words[key].split(",")]

    def shape(self, name, dtypes=("", "f32")):
        dims, _, dtype = self.words[name].partition(":")
        if dtype not in dtypes:
            raise Refusal("no adapter for " + dtype)
        return [] if dims == "scalar" else [int(d) for d in dims.split("x")]

    # i64 operands come in float32 files, too.
    def load(self, name, channels_last=True):
        shape = self.shape(name, ("", "f32", "i64"))
        with open(os.path.join(self.words["inputs"], name), "rb") as file:
            data = bytearray(file.read(4 * math.prod(shape)))
        tensor = torch.frombuffer(data, dtype=torch.float32).clone().reshape(shape)
        # NHWC in memory is channels_last NCHW.
        return tensor.permute(0, 3, 1, 2) if channels_last and len(shape) == 4 else tensor

    def save(self, name, tensor):
        if tensor.dim() == 4 and self.op in IMAGE_OPS:
            tensor = tensor.permute(0, 2, 3, 1)
        tensor.detach().contiguous().numpy().tofile(os.path.join(self.words["outputs"], name))


# Each op gives its passes by name: a function, and the names of what it returns.


def conv2d(r):
    x, weight, dy = r.load("x"), r.load("weight"), r.load("dy")
    bias = r.load("bias") if r.has("bias") else None
    stride, pads, dilation, groups = r.pair("stride", 1), r.pads(), r.pair("dilation", 1), r.number("groups", 1)
    relu = r.words.get("activation") == "relu"

    def forward():
        y = F.conv2d(x, weight, bias, stride, pads, dilation, groups)
        return [y.relu_() if relu else y]

    def backward(mask):
        return aten.convolution_backward(dy, x, weight, None, stride, pads, dilation, False, [0, 0], groups, mask)

    return {
        "forward": (forward, ["y"]),
        "backward_input": (lambda: backward([True, False, False])[:1], ["dx"]),
        "backward_weight": (lambda: backward([False, True, False])[1:2], ["dweight"]),
    }


def conv2d_max_pool2d(r):
    x, weight, dy = r.load("x"), r.load("weight"), r.load("dy")
    bias = r.load("bias") if r.has("bias") else None
    stride, pads, dilation, pool = r.pair("stride", 1), r.pads(), r.pair("dilation", 1), r.pair("pool", 1)
    window = pool, pool, [0, 0], [1, 1], False
    relu = r.words.get("activation") == "relu"

    def convolve():
        z = F.conv2d(x, weight, bias, stride, pads, dilation)
        return z.relu_() if relu else z

    z = convolve()
    _, indices = aten.max_pool2d_with_indices(z, *window)

    def backward(mask):
        dz = aten.max_pool2d_with_indices_backward(dy, z, *window, indices)
        dz = aten.threshold_backward(dz, z, 0) if relu else dz
        return aten.convolution_backward(dz, x, weight, None, stride, pads, dilation, False, [0, 0], 1, mask)

    return {
        "forward": (lambda: aten.max_pool2d_with_indices(convolve(), *window)[:1], ["y"]),
        "backward_input": (lambda: backward([True, False, False])[:1], ["dx"]),
        "backward_weight": (lambda: backward([False, True, False])[1:2], ["dweight"]),
    }


def gemm(r):
    a, b, y = r.load("a"), r.load("b"), torch.empty(r.shape("dy"))
    if r.has("bias") or r.has("activation"):
        raise Refusal("plain products only")
    a = a.t() if r.number("transpose_a") else a
    b = b.t() if r.number("transpose_b") else b
    return {"forward": (lambda: [torch.mm(a, b, out=y)], ["y"])}


def max_pool2d(r):
    x, dy = r.load("x"), r.load("dy")
    window = r.pair("kernel", 1), r.pair("stride", 1), r.pads(), r.pair("dilation", 1), bool(r.number("ceil_mode"))
    _, indices = aten.max_pool2d_with_indices(x, *window)
    return {
        "forward": (lambda: aten.max_pool2d_with_indices(x, *window)[:1], ["y"]),
        "backward": (lambda: [aten.max_pool2d_with_indices_backward(dy, x, *window, indices)], ["dx"]),
    }


def avg_pool2d(r):
    x, dy = r.load("x"), r.load("dy")
    window = r.pair("kernel", 1), r.pair("stride", 1), r.pads(), False, True, None
    return {
        "forward": (lambda: [aten.avg_pool2d(x, *window)], ["y"]),
        "backward": (lambda: [aten.avg_pool2d_backward(dy, x, *window)], ["dx"]),
    }


def global_avg_pool2d(r):
    x, dy = r.load("x"), r.load("dy")
    pixels = x.shape[2] * x.shape[3]

    # As autograd does it, made dense: what comes behind would otherwise pay for it.
    def backward():
        dx = torch.empty_like(x)
        return [torch.div(dy[:, :, None, None].expand(x.shape), pixels, out=dx)]

    return {"forward": (lambda: [torch.mean(x, (2, 3))], ["y"]), "backward": (backward, ["dx"])}


def batch_norm2d(r):
    x, dy, gamma, beta = r.load("x"), r.load("dy"), r.load("gamma"), r.load("beta")
    mean, var = torch.zeros_like(gamma), torch.ones_like(gamma)
    eps, relu = float(r.words.get("eps", 1e-5)), r.words.get("activation") == "relu"

    def forward():
        y, *saved = aten.native_batch_norm(x, gamma, beta, mean, var, True, 0.1, eps)
        return [y.relu_() if relu else y] + saved

    y, saved_mean, saved_rstd = forward()

    def backward():
        upstream = aten.threshold_backward(dy, y, 0) if relu else dy
        return aten.native_batch_norm_backward(
            upstream, x, gamma, mean, var, saved_mean, saved_rstd, True, eps, [True, True, True])

    return {"forward": (lambda: forward()[:1], ["y"]), "backward": (backward, ["dx", "dgamma", "dbeta"])}


def relu(r):
    x, dy = r.load("x"), r.load("dy")
    y = torch.relu(x)
    return {"forward": (lambda: [torch.relu(x)], ["y"]), "backward": (lambda: [aten.threshold_backward(dy, y, 0)], ["dx"])}


def add(r):
    a, b = r.load("a", False), r.load("b", False)
    y = a + b
    return {"forward": (lambda: [torch.add(a, b, out=y)], ["y"])}


def softmax(r):
    x = r.load("x", False)
    return {"forward": (lambda: [torch.softmax(x, r.number("axis", -1))], ["y"])}


def log_softmax(r):
    x = r.load("x", False)
    return {"forward": (lambda: [torch.log_softmax(x, r.number("axis", -1))], ["y"])}


def cross_entropy(r):
    logits, labels, dy = r.load("logits"), r.load("labels").long(), r.load("dy")
    rest = None, 1, -100  # weight, mean, ignore_index

    def forward():
        log_p = aten._log_softmax(logits, 1, False)
        loss, total = aten.nll_loss_forward(log_p, labels, *rest)
        return [loss, log_p, total]

    _, log_p, total = forward()

    def backward():
        return [aten._log_softmax_backward_data(aten.nll_loss_backward(dy, log_p, labels, *rest, total), log_p, 1, torch.float32)]

    return {"forward": (lambda: forward()[:1], ["y"]), "backward": (backward, ["dlogits"])}


def permute(r):
    x, axes = r.load("x", False), r.numbers("axes")
    return {"forward": (lambda: [x.permute(axes).contiguous()], ["y"])}


def pad(r):
    x = r.load("x", False)
    sides = [n for pair in zip(reversed(r.numbers("before")), reversed(r.numbers("after"))) for n in pair]
    value = float(r.words.get("value", 0))
    return {"forward": (lambda: [aten.constant_pad_nd(x, sides, value)], ["y"])}


def cast(r):
    x, dtype = r.load("x", False), {"bf16": torch.bfloat16, "f16": torch.float16, "f64": torch.float64}[r.words["dtype"]]
    return {"forward": (lambda: [x.to(dtype)], [])}


def sum_(r):
    x = r.load("x", False)
    axes = r.numbers("axes") if r.has("axes") else list(range(x.dim()))
    return {"forward": (lambda: [torch.sum(x, axes, bool(r.number("keep_dims")))], ["y"])}


class Tutorial:
    """The tutorial CNN: forward, cross entropy, backward, Adam."""

    def __init__(self, r):
        names = [n for n in ("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias",
                             "dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias")]
        self.p = {n: r.load(n).requires_grad_() for n in names}
        self.x, self.t = r.load("images"), r.load("labels").long()
        self.optimizer = torch.optim.Adam(list(self.p.values()), lr=0.001, eps=1e-8)

    def step(self, images, labels):
        p = self.p
        x = F.max_pool2d(F.relu(F.conv2d(images, p["conv1.weight"], p["conv1.bias"])), 2)
        x = F.max_pool2d(F.relu(F.conv2d(x, p["conv2.weight"], p["conv2.bias"])), 2)
        x = x.permute(0, 2, 3, 1).flatten(1)
        x = F.linear(F.relu(F.linear(x, p["dense1.weight"], p["dense1.bias"])), p["dense2.weight"], p["dense2.bias"])
        loss = F.cross_entropy(x, labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def epoch(self, batch=128):
        """All images in a new order: what a loader does, by slicing tensors."""
        order = torch.randperm(len(self.t))
        losses = []
        for begin in range(0, len(order), batch):
            at = order[begin:begin + batch]
            losses.append(self.step(self.x[at].contiguous(memory_format=torch.channels_last), self.t[at]))
        return [torch.tensor(losses)]


def tutorial_cnn(r):
    model = Tutorial(r)
    step = lambda: model.step(model.x, model.t)  # noqa: E731
    r.save("losses", torch.tensor([step() for _ in range(5)]))
    return {"step": (step, None)}


def tutorial_fit(r):
    return {"epoch": (Tutorial(r).epoch, None)}


OPS = {"conv2d": conv2d, "conv2d_max_pool2d": conv2d_max_pool2d, "gemm": gemm, "max_pool2d": max_pool2d,
       "batch_norm2d": batch_norm2d, "relu": relu, "add": add, "avg_pool2d": avg_pool2d, "global_avg_pool2d": global_avg_pool2d,
       "softmax": softmax, "log_softmax": log_softmax, "cross_entropy": cross_entropy, "permute": permute, "pad": pad,
       "cast": cast, "sum": sum_, "tutorial_cnn": tutorial_cnn, "tutorial_fit": tutorial_fit}
IMAGE_OPS = ("conv2d", "conv2d_max_pool2d", "max_pool2d", "avg_pool2d", "global_avg_pool2d", "batch_norm2d", "relu")


def prepare(words):
    r = Request(words[0], words[1:])
    if r.op not in OPS:
        raise Refusal("no adapter for " + r.op)
    torch.set_num_threads(r.number("threads", 1))
    torch.set_grad_enabled(r.op.startswith("tutorial"))
    passes = OPS[r.op](r)
    for run, outputs in passes.values():
        for name, value in zip(outputs or [], run() if outputs else []):
            r.save(name, value)
    return passes


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the bench ends its peers itself
    passes = {}
    for line in sys.stdin:
        verb, *words = line.split()
        if verb == "hello":
            answer = "name PyTorch " + torch.__version__
        elif verb == "prepare":
            try:
                passes = {}
                passes = prepare(words)
                answer = "ready " + " ".join(name + "=aten" for name in passes)
            except (Refusal, RuntimeError) as e:
                answer = "refused " + str(e).split("\n")[0]
        else:
            run, iterations = passes[words[0]][0], int(words[1])
            start = time.perf_counter()
            for _ in range(iterations):
                run()
            answer = f"seconds {time.perf_counter() - start}"
        print(answer, flush=True)


if __name__ == "__main__":
    main()
