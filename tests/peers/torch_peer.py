#!/usr/bin/env python3
"""PyTorch as a contestant of nativedl-bench.

Reads one JSON request a line from standard input and answers with one JSON object a line:

  {"do": "prepare", "op": ..., "options": {...}, "inputs": {name: {"file", "shape"}}, "threads": n}
      -> {"outputs": {name: {"file", "shape"}}}   what the forward and backward pass gave, for the check
  {"do": "time", "pass": "forward" | "backward" | "step", "iterations": n}   -> {"seconds": s}

Arrays are float32 files in NativeDl's layouts (NHWC activations, [out, kh, kw, in] weights); they become
channels_last tensors once, outside the timing.
"""
import json
import os
import sys
import tempfile
import time

import torch
import torch.nn.functional as F

FOLDER = tempfile.mkdtemp(prefix="nativedl-bench-")


def load(spec):
    data = torch.frombuffer(bytearray(open(spec["file"], "rb").read()), dtype=torch.float32).clone()
    tensor = data.reshape(spec["shape"])
    if len(spec["shape"]) == 4:  # NHWC in memory is channels_last NCHW
        tensor = tensor.permute(0, 3, 1, 2)
    return tensor


def save(name, tensor):
    if tensor.dim() == 4:
        tensor = tensor.permute(0, 2, 3, 1)
    path = os.path.join(FOLDER, name)
    with open(path, "wb") as file:
        file.write(tensor.detach().contiguous().numpy().tobytes())
    return {"file": path, "shape": list(tensor.shape)}


class Op:
    """An op with gradients of all its float inputs."""

    def __init__(self, inputs, options):
        self.inputs = {name: tensor.requires_grad_() for name, tensor in inputs.items()}
        self.o = options
        self.y = self.call()
        generator = torch.Generator().manual_seed(1)
        self.dy = torch.randn(self.y.shape, generator=generator)
        if self.dy.dim() == 4:
            self.dy = self.dy.contiguous(memory_format=torch.channels_last)

    def get(self, name, default=0):
        return int(self.o.get(name, default))

    def outputs(self):
        result = {"y": save("y", self.y), "dy": save("dy", self.dy)}
        grads = torch.autograd.grad(self.y, list(self.inputs.values()), self.dy, retain_graph=True)
        for name, grad in zip(self.inputs, grads):
            result["d" + name] = save("d" + name, grad)
        return result

    def forward(self, iterations):
        with torch.no_grad():
            for _ in range(iterations):
                self.call()

    def backward(self, iterations):
        values = list(self.inputs.values())
        for _ in range(iterations):
            torch.autograd.grad(self.y, values, self.dy, retain_graph=True)


class Conv2d(Op):
    def call(self):
        y = F.conv2d(
            self.inputs["x"], self.inputs["weight"], self.inputs.get("bias"),
            stride=(self.get("stride_h", 1), self.get("stride_w", 1)), padding=(self.get("pad_top"), self.get("pad_left")),
            dilation=(self.get("dilation_h", 1), self.get("dilation_w", 1)), groups=self.get("groups", 1))
        return F.relu(y) if self.o.get("activation") == "relu" else y


class MaxPool2d(Op):
    def call(self):
        return F.max_pool2d(
            self.inputs["x"], (self.get("kernel_h"), self.get("kernel_w")), (self.get("stride_h"), self.get("stride_w")),
            (self.get("pad_top"), self.get("pad_left")))


class Linear(Op):
    def call(self):
        return F.linear(self.inputs["x"], self.inputs["weight"], self.inputs.get("bias"))


class Gemm(Op):
    def call(self):
        a, b = self.inputs["a"], self.inputs["b"]
        return torch.mm(a.t() if self.get("transpose_a") else a, b.t() if self.get("transpose_b") else b)


class Relu(Op):
    def call(self):
        return F.relu(self.inputs["x"])


class TutorialCnn:
    """The tutorial CNN's training step: forward, cross entropy, backward, Adam."""

    def __init__(self, inputs, options):
        names = [n for n in inputs if n not in ("images", "labels")]
        self.p = {n: inputs[n].requires_grad_() for n in names}
        self.x, self.t = inputs["images"], inputs["labels"].long()
        self.optimizer = torch.optim.Adam(list(self.p.values()), lr=0.001, eps=1e-8)
        self.losses = [self.one() for _ in range(5)]

    def one(self):
        p = self.p
        x = F.max_pool2d(F.relu(F.conv2d(self.x, p["conv1.weight"], p["conv1.bias"])), 2)
        x = F.max_pool2d(F.relu(F.conv2d(x, p["conv2.weight"], p["conv2.bias"])), 2)
        x = x.permute(0, 2, 3, 1).flatten(1)
        x = F.linear(F.relu(F.linear(x, p["dense1.weight"], p["dense1.bias"])), p["dense2.weight"], p["dense2.bias"])
        loss = F.cross_entropy(x, self.t)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def outputs(self):
        return {"losses": save("losses", torch.tensor(self.losses))}

    def step(self, iterations):
        for _ in range(iterations):
            self.one()


OPS = {"conv2d": Conv2d, "max_pool2d": MaxPool2d, "linear": Linear, "gemm": Gemm, "relu": Relu, "tutorial_cnn": TutorialCnn}


def main():
    current = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "hello":
            answer = {"name": "PyTorch " + torch.__version__}
        elif request["do"] == "prepare":
            if request["op"] not in OPS:
                answer = {"refused": "no adapter for " + request["op"]}
            else:
                torch.set_num_threads(request["threads"])
                inputs = {name: load(spec) for name, spec in request["inputs"].items()}
                current = OPS[request["op"]](inputs, request["options"])
                answer = {"outputs": current.outputs()}
        else:
            run = getattr(current, request["pass"])
            start = time.perf_counter()
            run(request["iterations"])
            answer = {"seconds": time.perf_counter() - start}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
